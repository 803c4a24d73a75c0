//! Fields whose values kubelet's components read while it starts.

use super::{Row, row};

/// The rows.
pub(super) const ROWS: &[Row] = &[
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
