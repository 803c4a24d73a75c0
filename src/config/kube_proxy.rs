//! `KubeProxyConfiguration` (`kubeproxy.config.k8s.io/v1alpha1`): what kube-proxy reads, kept in
//! the ConfigMap `kube-proxy`.
//!
//! The type holds every field of Kubernetes 1.37 (the same as of 1.33). Serialising it gives what
//! Go gives for its own type, and so what kubeadm writes: all fields but two are always there,
//! null where nothing is set.

// The fields are Kubernetes' own; its reference documents each:
// https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/
#![allow(missing_docs)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::component_base::{ClientConnectionConfiguration, LoggingConfiguration, unset, without_nulls};
use super::duration::GoDuration;

/// The one version of the API there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ApiVersion {
    #[default]
    #[serde(rename = "kubeproxy.config.k8s.io/v1alpha1")]
    V1alpha1,
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    #[default]
    KubeProxyConfiguration,
}

/// The configuration of kube-proxy, before kube-proxy fills in its own defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KubeProxyConfiguration {
    pub api_version: ApiVersion,
    pub kind: Kind,
    #[serde(skip_serializing_if = "unset")]
    pub feature_gates: BTreeMap<String, bool>,
    pub client_connection: ClientConnectionConfiguration,
    pub logging: LoggingConfiguration,
    pub hostname_override: String,
    pub bind_address: String,
    pub healthz_bind_address: String,
    pub metrics_bind_address: String,
    pub bind_address_hard_fail: bool,
    pub enable_profiling: bool,
    pub show_hidden_metrics_for_version: String,
    pub mode: String,
    pub iptables: KubeProxyIPTablesConfiguration,
    pub ipvs: KubeProxyIPVSConfiguration,
    pub nftables: KubeProxyNFTablesConfiguration,
    pub winkernel: KubeProxyWinkernelConfiguration,
    pub detect_local_mode: String,
    pub detect_local: DetectLocalConfiguration,
    #[serde(rename = "clusterCIDR")]
    pub cluster_cidr: String,
    pub node_port_addresses: Option<Vec<String>>,
    pub oom_score_adj: Option<i32>,
    pub conntrack: KubeProxyConntrackConfiguration,
    pub config_sync_period: GoDuration,
    pub port_range: String,
    #[serde(skip_serializing_if = "unset")]
    pub windows_run_as_service: bool,
}

impl KubeProxyConfiguration {
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

/// The proxy mode `iptables`; the masquerade fields hold for `ipvs` too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KubeProxyIPTablesConfiguration {
    pub masquerade_bit: Option<i32>,
    pub masquerade_all: bool,
    pub localhost_node_ports: Option<bool>,
    pub sync_period: GoDuration,
    pub min_sync_period: GoDuration,
}

/// The proxy mode `ipvs`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KubeProxyIPVSConfiguration {
    pub sync_period: GoDuration,
    pub min_sync_period: GoDuration,
    pub scheduler: String,
    #[serde(rename = "excludeCIDRs")]
    pub exclude_cidrs: Option<Vec<String>>,
    #[serde(rename = "strictARP")]
    pub strict_arp: bool,
    pub tcp_timeout: GoDuration,
    pub tcp_fin_timeout: GoDuration,
    pub udp_timeout: GoDuration,
}

/// The proxy mode `nftables`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KubeProxyNFTablesConfiguration {
    pub masquerade_bit: Option<i32>,
    pub masquerade_all: bool,
    pub sync_period: GoDuration,
    pub min_sync_period: GoDuration,
}

/// The kernel's connection tracking.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KubeProxyConntrackConfiguration {
    pub max_per_core: Option<i32>,
    pub min: Option<i32>,
    pub tcp_established_timeout: Option<GoDuration>,
    pub tcp_close_wait_timeout: Option<GoDuration>,
    pub tcp_be_liberal: bool,
    pub udp_timeout: GoDuration,
    pub udp_stream_timeout: GoDuration,
}

/// The proxy mode `kernelspace`, on Windows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KubeProxyWinkernelConfiguration {
    pub network_name: String,
    pub source_vip: String,
    #[serde(rename = "enableDSR")]
    pub enable_dsr: bool,
    pub root_hns_endpoint_name: String,
    pub forward_health_check_vip: bool,
}

/// How `detectLocalMode` tells the traffic of local Pods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct DetectLocalConfiguration {
    pub bridge_interface: String,
    pub interface_name_prefix: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::kubelet::tests::recorded_config_maps;
    use serde_json::json;

    #[test]
    fn the_zero_value_is_what_go_writes() {
        let zero: Value = serde_yaml::from_str(
            "
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
bindAddress: ''
bindAddressHardFail: false
clientConnection: {acceptContentTypes: '', burst: 0, contentType: '', kubeconfig: '', qps: 0}
clusterCIDR: ''
configSyncPeriod: 0s
conntrack:
  maxPerCore: null
  min: null
  tcpBeLiberal: false
  tcpCloseWaitTimeout: null
  tcpEstablishedTimeout: null
  udpStreamTimeout: 0s
  udpTimeout: 0s
detectLocal: {bridgeInterface: '', interfaceNamePrefix: ''}
detectLocalMode: ''
enableProfiling: false
healthzBindAddress: ''
hostnameOverride: ''
iptables:
  localhostNodePorts: null
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
ipvs:
  excludeCIDRs: null
  minSyncPeriod: 0s
  scheduler: ''
  strictARP: false
  syncPeriod: 0s
  tcpFinTimeout: 0s
  tcpTimeout: 0s
  udpTimeout: 0s
logging:
  flushFrequency: 0
  options:
    json: {infoBufferSize: '0'}
    text: {infoBufferSize: '0'}
  verbosity: 0
metricsBindAddress: ''
mode: ''
nftables: {masqueradeAll: false, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 0s}
nodePortAddresses: null
oomScoreAdj: null
portRange: ''
showHiddenMetricsForVersion: ''
winkernel:
  enableDSR: false
  forwardHealthCheckVip: false
  networkName: ''
  rootHnsEndpointName: ''
  sourceVip: ''
",
        )
        .unwrap();
        assert_eq!(KubeProxyConfiguration::default().to_value().unwrap(), zero);
    }

    #[test]
    fn what_a_user_wrote_is_all_there_again() {
        let document = json!({
            "featureGates": { "KubeProxyDrainingTerminatingNodes": true },
            "mode": "ipvs",
            "clusterCIDR": "10.244.0.0/16",
            "nodePortAddresses": [],
            "oomScoreAdj": 0,
            "windowsRunAsService": true,
            "winkernel": {
                "enableDSR": true, "forwardHealthCheckVip": true, "networkName": "n",
                "rootHnsEndpointName": "r", "sourceVip": "192.0.2.1",
            },
            "nftables": {
                "masqueradeAll": true, "masqueradeBit": 14, "minSyncPeriod": "1s", "syncPeriod": "30s",
            },
            "clientConnection": {
                "acceptContentTypes": "a", "burst": 10, "contentType": "b", "kubeconfig": "/k", "qps": 0.1,
            },
        });
        let mut expected = KubeProxyConfiguration::default().to_value().unwrap();
        for (field, value) in document.as_object().unwrap() {
            expected[field] = value.clone();
        }
        let decoded = KubeProxyConfiguration::from_value(document).unwrap();
        assert_eq!(decoded.to_value().unwrap(), expected);
    }

    #[test]
    fn what_kubeadm_wrote_reads_and_writes_unchanged() {
        for (case, document) in recorded_config_maps("kube-proxy", "config.conf") {
            let decoded = KubeProxyConfiguration::from_value(document.clone()).unwrap();
            assert_eq!(decoded.to_value().unwrap(), document, "{}", case.display());
        }
    }
}
