//! Fields of one value: a row each.

use super::{Context, refuse};
use crate::components::verdict::Verdict;
use crate::config::duration::GoDuration;

/// A rule about one field: where it is, when it is broken, and what would be right.
struct Row {
    path: &'static str,
    broken: fn(&Context<'_>) -> bool,
    why: &'static str,
}

const fn row(path: &'static str, broken: fn(&Context<'_>) -> bool, why: &'static str) -> Row {
    Row { path, broken, why }
}

const NOT_NEGATIVE: &str = "must not be negative";
const PORT: &str = "must be a port, 1 to 65535";
const SOCKET: &str = "must be a UNIX socket, such as `unix:///run/containerd/containerd.sock`";
const SECOND: i64 = 1_000_000_000;

fn port(number: i32) -> bool {
    (1..=65535).contains(&number)
}

/// Out of a range, where a value is given.
fn out(value: Option<i32>, least: i32, most: i32) -> bool {
    value.is_some_and(|value| !(least..=most).contains(&value))
}

/// A given duration in nanoseconds, or the default.
fn nanos(duration: GoDuration, default: i64) -> i64 {
    if duration == GoDuration::ZERO { default } else { duration.0 }
}

/// More than nothing and less than a second.
fn too_short(duration: GoDuration) -> bool {
    duration.0 != 0 && duration.0 < SECOND
}

/// The rows, in the order of kubelet's validation.
const ROWS: &[Row] = &[
    row("nodeLeaseDurationSeconds", |c| c.k.node_lease_duration_seconds < 0, "must be greater than 0"),
    row(
        "systemCgroups",
        |c| !c.k.system_cgroups.is_empty() && c.k.cgroup_root.is_empty(),
        "needs `cgroupRoot`",
    ),
    row(
        "address",
        |c| !c.k.address.is_empty() && crate::config::names::ip(&c.k.address).is_none(),
        "must be an IP address",
    ),
    row("syncFrequency", |c| c.k.sync_frequency.0 < 0, NOT_NEGATIVE),
    row("runtimeRequestTimeout", |c| c.k.runtime_request_timeout.0 < 0, NOT_NEGATIVE),
    row("containerRuntimeEndpoint", |c| !is_socket(&c.k.container_runtime_endpoint), SOCKET),
    row("imageServiceEndpoint", |c| !is_socket(&c.k.image_service_endpoint), SOCKET),
    row("eventBurst", |c| c.k.event_burst < 0, NOT_NEGATIVE),
    row("eventRecordQPS", |c| out(c.k.event_record_qps, 0, i32::MAX), NOT_NEGATIVE),
    row(
        "healthzPort",
        |c| c.k.healthz_port.is_some_and(|p| p != 0 && !port(p)),
        "must be a port, 0 (off) to 65535",
    ),
    row(
        "cpuCFSQuotaPeriod",
        |c| !c.on("CustomCPUCFSQuotaPeriod") && c.k.cpu_cfs_quota_period.is_some_and(|p| p.0 != SECOND / 10),
        "other values than 100ms need the feature gate CustomCPUCFSQuotaPeriod",
    ),
    row(
        "cpuCFSQuotaPeriod",
        |c| {
            c.on("CustomCPUCFSQuotaPeriod")
                && c.k.cpu_cfs_quota_period.is_some_and(|p| !(SECOND / 1000..=SECOND).contains(&p.0))
        },
        "must be 1ms to 1s",
    ),
    row(
        "imageGCHighThresholdPercent",
        |c| out(c.k.image_gc_high_threshold_percent, 0, 100),
        "must be 0 to 100",
    ),
    row(
        "imageGCLowThresholdPercent",
        |c| out(c.k.image_gc_low_threshold_percent, 0, 100),
        "must be 0 to 100",
    ),
    row(
        "imageGCLowThresholdPercent",
        |c| {
            c.k.image_gc_low_threshold_percent.unwrap_or(80)
                >= c.k.image_gc_high_threshold_percent.unwrap_or(85)
        },
        "must be less than `imageGCHighThresholdPercent` (defaults: 80 and 85)",
    ),
    row(
        "imageMaximumGCAge",
        |c| c.k.image_maximum_gc_age.0 != 0 && !c.on("ImageMaximumGCAge"),
        "needs the feature gate ImageMaximumGCAge",
    ),
    row("imageMinimumGCAge", |c| c.minor >= 36 && c.k.image_minimum_gc_age.0 < 0, NOT_NEGATIVE),
    row("imageMaximumGCAge", |c| c.k.image_maximum_gc_age.0 < 0, NOT_NEGATIVE),
    row(
        "imageMaximumGCAge",
        |c| {
            c.k.image_maximum_gc_age.0 > 0
                && c.k.image_maximum_gc_age.0 <= nanos(c.k.image_minimum_gc_age, 120 * SECOND)
        },
        "must be longer than `imageMinimumGCAge` (default: 2m)",
    ),
    row("iptablesDropBit", |c| out(c.k.iptables_drop_bit, 0, 31), "must be 0 to 31"),
    row("iptablesMasqueradeBit", |c| out(c.k.iptables_masquerade_bit, 0, 31), "must be 0 to 31"),
    row("kubeAPIBurst", |c| c.k.kube_api_burst < 0, NOT_NEGATIVE),
    row("kubeAPIQPS", |c| out(c.k.kube_api_qps, 0, i32::MAX), NOT_NEGATIVE),
    row(
        "nodeStatusMaxImages",
        |c| out(c.k.node_status_max_images, -1, i32::MAX),
        "must be -1 (no limit) or more",
    ),
    row("maxOpenFiles", |c| c.k.max_open_files < 0, NOT_NEGATIVE),
    row("maxPods", |c| c.k.max_pods < 0, NOT_NEGATIVE),
    row("oomScoreAdj", |c| out(c.k.oom_score_adj, -1000, 1000), "must be -1000 to 1000"),
    row("podsPerCore", |c| c.k.pods_per_core < 0, NOT_NEGATIVE),
    row("port", |c| c.k.port != 0 && !port(c.k.port), PORT),
    row(
        "readOnlyPort",
        |c| c.k.read_only_port != 0 && !port(c.k.read_only_port),
        "must be a port, 0 (off) to 65535",
    ),
    row("registryBurst", |c| c.k.registry_burst < 0, NOT_NEGATIVE),
    row("registryPullQPS", |c| out(c.k.registry_pull_qps, 0, i32::MAX), NOT_NEGATIVE),
    row("maxParallelImagePulls", |c| out(c.k.max_parallel_image_pulls, 1, i32::MAX), "must be 1 or more"),
    row(
        "maxParallelImagePulls",
        |c| c.k.serialize_image_pulls == Some(true) && c.k.max_parallel_image_pulls.is_some_and(|n| n > 1),
        "more than 1 needs `serializeImagePulls: false`",
    ),
    row(
        "serverTLSBootstrap",
        |c| c.k.server_tls_bootstrap && !c.on("RotateKubeletServerCertificate"),
        "needs the feature gate RotateKubeletServerCertificate",
    ),
    row("runOnce", |c| c.k.run_once, "is gone: kubelet refuses it"),
    row(
        "shutdownGracePeriodCriticalPods",
        |c| {
            c.on("GracefulNodeShutdown")
                && c.k.shutdown_grace_period_critical_pods > c.k.shutdown_grace_period
        },
        "must not be longer than `shutdownGracePeriod`",
    ),
    row(
        "shutdownGracePeriod",
        |c| c.on("GracefulNodeShutdown") && too_short(c.k.shutdown_grace_period),
        "must be 0 or at least 1s",
    ),
    row(
        "shutdownGracePeriodCriticalPods",
        |c| c.on("GracefulNodeShutdown") && too_short(c.k.shutdown_grace_period_critical_pods),
        "must be 0 or at least 1s",
    ),
    row(
        "shutdownGracePeriod",
        |c| {
            !c.on("GracefulNodeShutdown")
                && (c.k.shutdown_grace_period.0 > 0 || c.k.shutdown_grace_period_critical_pods.0 > 0)
        },
        "needs the feature gate GracefulNodeShutdown",
    ),
    row(
        "shutdownGracePeriodByPodPriority",
        |c| {
            c.on("GracefulNodeShutdownBasedOnPodPriority")
                && !c.k.shutdown_grace_period_by_pod_priority.is_empty()
                && (c.k.shutdown_grace_period.0 > 0 || c.k.shutdown_grace_period_critical_pods.0 > 0)
        },
        "excludes `shutdownGracePeriod` and `shutdownGracePeriodCriticalPods`",
    ),
    row(
        "shutdownGracePeriodByPodPriority",
        |c| {
            !c.on("GracefulNodeShutdownBasedOnPodPriority")
                && !c.k.shutdown_grace_period_by_pod_priority.is_empty()
        },
        "needs the feature gate GracefulNodeShutdownBasedOnPodPriority",
    ),
    row(
        "memorySwap.swapBehavior",
        |c| {
            c.on("NodeSwap")
                && !["", "NoSwap", "LimitedSwap"].contains(&c.k.memory_swap.swap_behavior.as_str())
        },
        "must be NoSwap or LimitedSwap (UnlimitedSwap was removed in 1.30)",
    ),
    row(
        "memorySwap.swapBehavior",
        |c| !c.on("NodeSwap") && !c.k.memory_swap.swap_behavior.is_empty(),
        "needs the feature gate NodeSwap",
    ),
    row(
        "crashLoopBackOff.maxContainerRestartPeriod",
        |c| {
            c.on("KubeletCrashLoopBackOffMax")
                && c.k
                    .crash_loop_back_off
                    .max_container_restart_period
                    .is_some_and(|period| !(1000..=300_000).contains(&(period.0 / 1_000_000)))
        },
        "must be 1s to 300s",
    ),
    row(
        "crashLoopBackOff.maxContainerRestartPeriod",
        |c| {
            !c.on("KubeletCrashLoopBackOffMax")
                && c.k.crash_loop_back_off.max_container_restart_period.is_some()
        },
        "needs the feature gate KubeletCrashLoopBackOffMax",
    ),
    row(
        "imagePullCredentialsVerificationPolicy",
        |c| {
            let policy = c.k.image_pull_credentials_verification_policy.as_str();
            c.on("KubeletEnsureSecretPulledImages")
                && ![
                    "",
                    "NeverVerify",
                    "NeverVerifyPreloadedImages",
                    "NeverVerifyAllowlistedImages",
                    "AlwaysVerify",
                ]
                .contains(&policy)
        },
        "must be NeverVerify, NeverVerifyPreloadedImages, NeverVerifyAllowlistedImages or AlwaysVerify",
    ),
    row(
        "imagePullCredentialsVerificationPolicy",
        |c| {
            !c.on("KubeletEnsureSecretPulledImages")
                && !c.k.image_pull_credentials_verification_policy.is_empty()
        },
        "needs the feature gate KubeletEnsureSecretPulledImages",
    ),
    row(
        "preloadedImagesVerificationAllowlist",
        |c| {
            !c.k.preloaded_images_verification_allowlist.is_empty()
                && (!c.on("KubeletEnsureSecretPulledImages")
                    || c.k.image_pull_credentials_verification_policy != "NeverVerifyAllowlistedImages")
        },
        "needs `imagePullCredentialsVerificationPolicy: NeverVerifyAllowlistedImages` and the feature gate KubeletEnsureSecretPulledImages",
    ),
    row(
        "reservedSystemCPUs",
        |c| {
            let cgroups = [&c.k.system_reserved_cgroup, &c.k.kube_reserved_cgroup];
            !c.k.reserved_system_cpus.is_empty() && cgroups.iter().any(|cgroup| !cgroup.is_empty())
        },
        "excludes `systemReservedCgroup` and `kubeReservedCgroup`",
    ),
    row(
        "reservedSystemCPUs",
        |c| !c.k.reserved_system_cpus.is_empty() && !cpu_set(&c.k.reserved_system_cpus),
        "is not a set of CPUs: write `0-1,4`",
    ),
    row(
        "memoryThrottlingFactor",
        |c| c.k.memory_throttling_factor.is_some_and(|factor| !(factor > 0.0 && factor <= 1.0)),
        "must be more than 0 and at most 1",
    ),
    row(
        "memoryReservationPolicy",
        |c| {
            c.minor >= 36
                && !["", "None", "TieredReservation"].contains(&c.k.memory_reservation_policy.as_str())
        },
        "must be None or TieredReservation",
    ),
    row(
        "memoryReservationPolicy",
        |c| c.minor >= 36 && c.k.memory_reservation_policy == "TieredReservation" && !c.on("MemoryQoS"),
        "TieredReservation needs the feature gate MemoryQoS",
    ),
    row(
        "enableSystemLogQuery",
        |c| c.minor < 36 && c.k.enable_system_log_query == Some(true) && !c.on("NodeLogQuery"),
        "needs the feature gate NodeLogQuery",
    ),
    row(
        "enableSystemLogQuery",
        |c| c.k.enable_system_log_query == Some(true) && c.k.enable_system_log_handler == Some(false),
        "needs `enableSystemLogHandler`",
    ),
    row("containerLogMaxWorkers", |c| out(c.k.container_log_max_workers, 1, i32::MAX), "must be 1 or more"),
    row(
        "containerLogMonitorInterval",
        |c| c.k.container_log_monitor_interval.is_some_and(|interval| interval.0 < 3 * SECOND),
        "must be at least 3s",
    ),
    row("containerLogMaxFiles", |c| out(c.k.container_log_max_files, 2, i32::MAX), "must be 2 or more"),
    row(
        "podLogsDir",
        |c| !clean_path(&c.k.pod_logs_dir),
        "must be a path in ASCII without `.`, `..` and repeated slashes",
    ),
    row(
        "userNamespaces.idsPerPod",
        |c| {
            c.k.user_namespaces
                .as_ref()
                .and_then(|u| u.ids_per_pod)
                .is_some_and(|ids| ids < 65536 || ids % 65536 != 0 || ids > i64::from(u32::MAX))
        },
        "must be a multiple of 65536, and less than 2^32",
    ),
    row(
        "authorization.mode",
        |c| !["", "AlwaysAllow", "Webhook"].contains(&c.k.authorization.mode.as_str()),
        "must be Webhook or AlwaysAllow",
    ),
    row(
        "configMapAndSecretChangeDetectionStrategy",
        |c| {
            !["", "Watch", "Cache", "Get"]
                .contains(&c.k.config_map_and_secret_change_detection_strategy.as_str())
        },
        "must be Watch, Cache or Get",
    ),
    row(
        "hairpinMode",
        |c| !["", "promiscuous-bridge", "hairpin-veth", "none"].contains(&c.k.hairpin_mode.as_str()),
        "must be promiscuous-bridge, hairpin-veth or none",
    ),
    row(
        "topologyManagerPolicy",
        |c| {
            !["", "none", "best-effort", "restricted", "single-numa-node"]
                .contains(&c.k.topology_manager_policy.as_str())
        },
        "must be none, best-effort, restricted or single-numa-node",
    ),
    row(
        "topologyManagerScope",
        |c| !["", "container", "pod"].contains(&c.k.topology_manager_scope.as_str()),
        "must be container or pod",
    ),
    row(
        "cpuManagerPolicy",
        |c| !["", "none", "static"].contains(&c.k.cpu_manager_policy.as_str()),
        "must be none or static",
    ),
    row(
        "memoryManagerPolicy",
        |c| !["", "None", "Static"].contains(&c.k.memory_manager_policy.as_str()),
        "must be None or Static",
    ),
    row(
        "tlsMinVersion",
        |c| {
            !c.k.tls_min_version.is_empty()
                && !crate::components::rules::common::TLS_VERSIONS.contains(&c.k.tls_min_version.as_str())
        },
        "must be VersionTLS10, VersionTLS11, VersionTLS12 or VersionTLS13",
    ),
    row(
        "showHiddenMetricsForVersion",
        |c| {
            let version = &c.k.show_hidden_metrics_for_version;
            crate::components::rules::common::hidden_metrics_version(version, c.minor).is_err()
        },
        "must be the minor before",
    ),
    row(
        "logging.format",
        |c| !["", "text", "json"].contains(&c.k.logging.format.as_str()),
        "must be text or json",
    ),
    row("logging.verbosity", |c| c.k.logging.verbosity > i32::MAX.unsigned_abs(), "must be less than 2^31"),
    row(
        "logging.vmodule",
        |c| !c.k.logging.vmodule.is_empty() && c.k.logging.format == "json",
        "works with `format: text` only",
    ),
];

/// Judges each row.
pub(super) fn judge(context: &Context<'_>) -> Vec<Verdict> {
    ROWS.iter().filter(|row| (row.broken)(context)).map(|row| refuse(row.path, row.why)).collect()
}

/// Linux' list of CPUs: `0-1,4`.
fn cpu_set(text: &str) -> bool {
    text.split(',').all(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        matches!((first.parse::<u32>(), last.parse::<u32>()), (Ok(first), Ok(last)) if first <= last)
    })
}

fn is_socket(endpoint: &str) -> bool {
    endpoint.starts_with("unix://") || !endpoint.contains("://")
}

fn clean_path(path: &str) -> bool {
    // kubelet makes a relative path absolute, and clean.
    !path.starts_with('/')
        || (path.is_ascii()
            && (path == "/" || path.split('/').skip(1).all(|step| !matches!(step, "" | "." | ".."))))
}
