//! Fields of one value: a row each.

mod gated;
mod startup;

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
];

/// Those that follow the gated ones.
const RESOURCES: &[Row] = &[
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
];

/// Judges each row.
pub(super) fn judge(context: &Context<'_>) -> Vec<Verdict> {
    let rows = [ROWS, gated::ROWS, RESOURCES, startup::ROWS].into_iter().flatten();
    rows.filter(|row| (row.broken)(context)).map(|row| refuse(row.path, row.why)).collect()
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
