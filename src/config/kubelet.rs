//! `KubeletConfiguration` (`kubelet.config.k8s.io/v1beta1`): what kubelet reads from its
//! `config.yaml`, and what kubeadm keeps in the ConfigMap `kubelet-config`.
//!
//! The type holds every field of Kubernetes 1.37. Serialising it gives what Go gives for its own
//! type, and so what kubeadm writes: fields without a value are left out, but durations and
//! nested sections are always there (`syncFrequency: 0s`, `memorySwap: {}`).

// The fields are Kubernetes' own; its reference documents each:
// https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
#![allow(missing_docs)]

mod auth;

mod node;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::component_base::{LoggingConfiguration, TracingConfiguration, float64, unset, without_nulls};
pub(crate) use auth::{KubeletAuthentication, KubeletAuthorization};
pub(crate) use node::{
    CrashLoopBackOffConfig, MemoryReservation, MemorySwapConfiguration, ShutdownGracePeriodByPodPriority,
    Taint, UserNamespaces,
};

use super::duration::GoDuration;

/// The one version of the API there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ApiVersion {
    #[default]
    #[serde(rename = "kubelet.config.k8s.io/v1beta1")]
    V1beta1,
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    #[default]
    KubeletConfiguration,
}

/// The configuration of kubelet, before kubelet fills in its own defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KubeletConfiguration {
    pub api_version: ApiVersion,
    pub kind: Kind,
    #[serde(skip_serializing_if = "unset")]
    pub enable_server: Option<bool>,
    #[serde(skip_serializing_if = "unset")]
    pub static_pod_path: String,
    #[serde(skip_serializing_if = "unset")]
    pub pod_logs_dir: String,
    pub sync_frequency: GoDuration,
    pub file_check_frequency: GoDuration,
    pub http_check_frequency: GoDuration,
    #[serde(rename = "staticPodURL", skip_serializing_if = "unset")]
    pub static_pod_url: String,
    #[serde(rename = "staticPodURLHeader", skip_serializing_if = "unset")]
    pub static_pod_url_header: BTreeMap<String, Vec<String>>,
    #[serde(skip_serializing_if = "unset")]
    pub address: String,
    #[serde(skip_serializing_if = "unset")]
    pub port: i32,
    #[serde(skip_serializing_if = "unset")]
    pub read_only_port: i32,
    #[serde(skip_serializing_if = "unset")]
    pub tls_cert_file: String,
    #[serde(skip_serializing_if = "unset")]
    pub tls_private_key_file: String,
    #[serde(skip_serializing_if = "unset")]
    pub tls_cipher_suites: Vec<String>,
    #[serde(skip_serializing_if = "unset")]
    pub tls_curve_preferences: Vec<i32>,
    #[serde(skip_serializing_if = "unset")]
    pub tls_min_version: String,
    #[serde(skip_serializing_if = "unset")]
    pub rotate_certificates: bool,
    #[serde(rename = "serverTLSBootstrap", skip_serializing_if = "unset")]
    pub server_tls_bootstrap: bool,
    pub authentication: KubeletAuthentication,
    pub authorization: KubeletAuthorization,
    #[serde(rename = "registryPullQPS", skip_serializing_if = "unset")]
    pub registry_pull_qps: Option<i32>,
    #[serde(skip_serializing_if = "unset")]
    pub registry_burst: i32,
    #[serde(skip_serializing_if = "unset")]
    pub image_pull_credentials_verification_policy: String,
    #[serde(skip_serializing_if = "unset")]
    pub preloaded_images_verification_allowlist: Vec<String>,
    #[serde(rename = "eventRecordQPS", skip_serializing_if = "unset")]
    pub event_record_qps: Option<i32>,
    #[serde(skip_serializing_if = "unset")]
    pub event_burst: i32,
    #[serde(skip_serializing_if = "unset")]
    pub enable_debugging_handlers: Option<bool>,
    #[serde(skip_serializing_if = "unset")]
    pub enable_contention_profiling: bool,
    #[serde(skip_serializing_if = "unset")]
    pub healthz_port: Option<i32>,
    #[serde(skip_serializing_if = "unset")]
    pub healthz_bind_address: String,
    #[serde(skip_serializing_if = "unset")]
    pub oom_score_adj: Option<i32>,
    #[serde(skip_serializing_if = "unset")]
    pub cluster_domain: String,
    /// None is for kubeadm to fill in, an empty list is not.
    #[serde(rename = "clusterDNS", skip_serializing_if = "no_items")]
    pub cluster_dns: Option<Vec<String>>,
    pub streaming_connection_idle_timeout: GoDuration,
    pub node_status_update_frequency: GoDuration,
    pub node_status_report_frequency: GoDuration,
    #[serde(skip_serializing_if = "unset")]
    pub node_lease_duration_seconds: i32,
    #[serde(rename = "imageMinimumGCAge")]
    pub image_minimum_gc_age: GoDuration,
    #[serde(rename = "imageMaximumGCAge")]
    pub image_maximum_gc_age: GoDuration,
    #[serde(rename = "imageGCHighThresholdPercent", skip_serializing_if = "unset")]
    pub image_gc_high_threshold_percent: Option<i32>,
    #[serde(rename = "imageGCLowThresholdPercent", skip_serializing_if = "unset")]
    pub image_gc_low_threshold_percent: Option<i32>,
    pub volume_stats_agg_period: GoDuration,
    #[serde(skip_serializing_if = "unset")]
    pub kubelet_cgroups: String,
    #[serde(skip_serializing_if = "unset")]
    pub system_cgroups: String,
    #[serde(skip_serializing_if = "unset")]
    pub cgroup_root: String,
    #[serde(rename = "cgroupsPerQOS", skip_serializing_if = "unset")]
    pub cgroups_per_qos: Option<bool>,
    #[serde(skip_serializing_if = "unset")]
    pub cgroup_driver: String,
    #[serde(skip_serializing_if = "unset")]
    pub cpu_manager_policy: String,
    #[serde(rename = "singleProcessOOMKill", skip_serializing_if = "unset")]
    pub single_process_oom_kill: Option<bool>,
    #[serde(skip_serializing_if = "unset")]
    pub cpu_manager_policy_options: BTreeMap<String, String>,
    pub cpu_manager_reconcile_period: GoDuration,
    #[serde(skip_serializing_if = "unset")]
    pub memory_manager_policy: String,
    #[serde(skip_serializing_if = "unset")]
    pub topology_manager_policy: String,
    #[serde(skip_serializing_if = "unset")]
    pub topology_manager_scope: String,
    #[serde(skip_serializing_if = "unset")]
    pub topology_manager_policy_options: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "unset")]
    pub qos_reserved: BTreeMap<String, String>,
    pub runtime_request_timeout: GoDuration,
    #[serde(skip_serializing_if = "unset")]
    pub hairpin_mode: String,
    #[serde(skip_serializing_if = "unset")]
    pub max_pods: i32,
    #[serde(rename = "podCIDR", skip_serializing_if = "unset")]
    pub pod_cidr: String,
    #[serde(skip_serializing_if = "unset")]
    pub pod_pids_limit: Option<i64>,
    #[serde(skip_serializing_if = "unset")]
    pub resolv_conf: Option<String>,
    #[serde(skip_serializing_if = "unset")]
    pub run_once: bool,
    #[serde(rename = "cpuCFSQuota", skip_serializing_if = "unset")]
    pub cpu_cfs_quota: Option<bool>,
    #[serde(rename = "cpuCFSQuotaPeriod", skip_serializing_if = "unset")]
    pub cpu_cfs_quota_period: Option<GoDuration>,
    #[serde(skip_serializing_if = "unset")]
    pub node_status_max_images: Option<i32>,
    #[serde(skip_serializing_if = "unset")]
    pub max_open_files: i64,
    #[serde(skip_serializing_if = "unset")]
    pub content_type: String,
    #[serde(rename = "kubeAPIQPS", skip_serializing_if = "unset")]
    pub kube_api_qps: Option<i32>,
    #[serde(rename = "kubeAPIBurst", skip_serializing_if = "unset")]
    pub kube_api_burst: i32,
    #[serde(skip_serializing_if = "unset")]
    pub serialize_image_pulls: Option<bool>,
    #[serde(skip_serializing_if = "unset")]
    pub max_parallel_image_pulls: Option<i32>,
    #[serde(skip_serializing_if = "unset")]
    pub eviction_hard: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "unset")]
    pub eviction_soft: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "unset")]
    pub eviction_soft_grace_period: BTreeMap<String, String>,
    pub eviction_pressure_transition_period: GoDuration,
    #[serde(skip_serializing_if = "unset")]
    pub eviction_max_pod_grace_period: i32,
    #[serde(skip_serializing_if = "unset")]
    pub eviction_minimum_reclaim: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "unset")]
    pub merge_default_eviction_settings: Option<bool>,
    #[serde(skip_serializing_if = "unset")]
    pub pods_per_core: i32,
    #[serde(skip_serializing_if = "unset")]
    pub enable_controller_attach_detach: Option<bool>,
    #[serde(skip_serializing_if = "unset")]
    pub protect_kernel_defaults: bool,
    #[serde(rename = "makeIPTablesUtilChains", skip_serializing_if = "unset")]
    pub make_iptables_util_chains: Option<bool>,
    #[serde(skip_serializing_if = "unset")]
    pub iptables_masquerade_bit: Option<i32>,
    #[serde(skip_serializing_if = "unset")]
    pub iptables_drop_bit: Option<i32>,
    #[serde(skip_serializing_if = "unset")]
    pub feature_gates: BTreeMap<String, bool>,
    #[serde(skip_serializing_if = "unset")]
    pub fail_swap_on: Option<bool>,
    pub memory_swap: MemorySwapConfiguration,
    #[serde(skip_serializing_if = "unset")]
    pub container_log_max_size: String,
    #[serde(skip_serializing_if = "unset")]
    pub container_log_max_files: Option<i32>,
    #[serde(skip_serializing_if = "unset")]
    pub container_log_max_workers: Option<i32>,
    #[serde(skip_serializing_if = "unset")]
    pub container_log_monitor_interval: Option<GoDuration>,
    #[serde(skip_serializing_if = "unset")]
    pub config_map_and_secret_change_detection_strategy: String,
    #[serde(skip_serializing_if = "unset")]
    pub system_reserved: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "unset")]
    pub kube_reserved: BTreeMap<String, String>,
    #[serde(rename = "reservedSystemCPUs", skip_serializing_if = "unset")]
    pub reserved_system_cpus: String,
    #[serde(skip_serializing_if = "unset")]
    pub show_hidden_metrics_for_version: String,
    #[serde(skip_serializing_if = "unset")]
    pub system_reserved_cgroup: String,
    #[serde(skip_serializing_if = "unset")]
    pub kube_reserved_cgroup: String,
    #[serde(skip_serializing_if = "unset")]
    pub enforce_node_allocatable: Vec<String>,
    #[serde(skip_serializing_if = "unset")]
    pub allowed_unsafe_sysctls: Vec<String>,
    #[serde(skip_serializing_if = "unset")]
    pub default_pod_sysctls: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "unset")]
    pub volume_plugin_dir: String,
    #[serde(rename = "providerID", skip_serializing_if = "unset")]
    pub provider_id: String,
    #[serde(skip_serializing_if = "unset")]
    pub kernel_memcg_notification: bool,
    pub logging: LoggingConfiguration,
    #[serde(skip_serializing_if = "unset")]
    pub enable_system_log_handler: Option<bool>,
    #[serde(skip_serializing_if = "unset")]
    pub enable_system_log_query: Option<bool>,
    pub shutdown_grace_period: GoDuration,
    pub shutdown_grace_period_critical_pods: GoDuration,
    #[serde(skip_serializing_if = "unset")]
    pub shutdown_grace_period_by_pod_priority: Vec<ShutdownGracePeriodByPodPriority>,
    pub crash_loop_back_off: CrashLoopBackOffConfig,
    #[serde(skip_serializing_if = "unset")]
    pub reserved_memory: Vec<MemoryReservation>,
    #[serde(skip_serializing_if = "unset")]
    pub enable_profiling_handler: Option<bool>,
    #[serde(skip_serializing_if = "unset")]
    pub enable_debug_flags_handler: Option<bool>,
    #[serde(skip_serializing_if = "unset")]
    pub seccomp_default: Option<bool>,
    #[serde(skip_serializing_if = "unset", serialize_with = "float64")]
    pub memory_throttling_factor: Option<f64>,
    #[serde(skip_serializing_if = "unset")]
    pub memory_reservation_policy: String,
    #[serde(skip_serializing_if = "unset")]
    pub register_with_taints: Vec<Taint>,
    #[serde(skip_serializing_if = "unset")]
    pub register_node: Option<bool>,
    #[serde(skip_serializing_if = "unset")]
    pub tracing: Option<TracingConfiguration>,
    #[serde(skip_serializing_if = "unset")]
    pub local_storage_capacity_isolation: Option<bool>,
    pub container_runtime_endpoint: String,
    #[serde(skip_serializing_if = "unset")]
    pub image_service_endpoint: String,
    #[serde(skip_serializing_if = "unset")]
    pub fail_cgroup_v1: Option<bool>,
    #[serde(skip_serializing_if = "unset")]
    pub user_namespaces: Option<UserNamespaces>,
}

fn no_items(list: &Option<Vec<String>>) -> bool {
    list.as_ref().is_none_or(Vec::is_empty)
}

impl KubeletConfiguration {
    /// Takes out what kubelet of a Kubernetes minor does not know yet, as kubeadm of that minor does: the fields, and
    /// the minor that brought each.
    pub(crate) fn take_newer_than(&mut self, minor: u64) -> Vec<(&'static str, u64)> {
        let default = Self::default();
        let mut taken = vec![];
        if minor < 36 && self.memory_reservation_policy != default.memory_reservation_policy {
            self.memory_reservation_policy = default.memory_reservation_policy;
            taken.push(("memoryReservationPolicy", 36));
        }
        if minor < 36 && self.tls_curve_preferences != default.tls_curve_preferences {
            self.tls_curve_preferences = default.tls_curve_preferences;
            taken.push(("tlsCurvePreferences", 36));
        }
        if minor < 37 && self.default_pod_sysctls != default.default_pod_sysctls {
            self.default_pod_sysctls = default.default_pod_sysctls;
            taken.push(("defaultPodSysctls", 37));
        }
        taken
    }

    /// Decodes a document. A missing `apiVersion` or `kind` is taken as the right one, a null as
    /// an absent field, and unknown fields are passed over.
    ///
    /// # Errors
    /// A field has the wrong type, or `apiVersion` or `kind` is another one.
    pub(crate) fn from_value(document: Value) -> Result<Self, serde_json::Error> {
        serde_json::from_value(without_nulls(document))
    }

    /// The document as Go would write it, `apiVersion` and `kind` included.
    ///
    /// # Errors
    /// A value has no JSON form; never fails for a decoded value.
    pub(crate) fn to_value(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }
}

#[cfg(test)]
pub(crate) mod tests;
