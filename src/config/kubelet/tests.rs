use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::KubeletConfiguration;

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// The recordings of kubeadm's own output, where this machine has them.
fn cases() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference");
    let root = [own, PathBuf::from("/work/shared/reference")].into_iter().find(|root| root.is_dir());
    let Some(root) = root else { return Vec::new() };
    ["cases", "minors/1.33", "minors/1.34", "minors/1.35"]
        .into_iter()
        .flat_map(|set| root.join(set).read_dir().unwrap())
        .map(|case| case.unwrap().path())
        .collect()
}

/// The documents under a key of a ConfigMap that kubeadm was recorded to apply.
pub(crate) fn recorded_config_maps(config_map: &str, key: &str) -> Vec<(PathBuf, Value)> {
    let mut found = Vec::new();
    for case in cases() {
        let Ok(objects) = std::fs::read_to_string(case.join("objects.yaml")) else { continue };
        for document in serde_yaml::Deserializer::from_str(&objects) {
            let object = Value::deserialize(document).unwrap()["object"].take();
            if object["kind"] == "ConfigMap" && object["metadata"]["name"] == config_map {
                found.push((case.clone(), yaml(object["data"][key].as_str().unwrap())));
            }
        }
    }
    found
}

#[test]
fn the_zero_value_is_what_go_writes() {
    let zero = yaml(
        "
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {}
  webhook: {cacheTTL: 0s}
  x509: {}
authorization:
  webhook: {cacheAuthorizedTTL: 0s, cacheUnauthorizedTTL: 0s}
containerRuntimeEndpoint: ''
cpuManagerReconcilePeriod: 0s
crashLoopBackOff: {}
evictionPressureTransitionPeriod: 0s
fileCheckFrequency: 0s
httpCheckFrequency: 0s
imageMaximumGCAge: 0s
imageMinimumGCAge: 0s
logging:
  flushFrequency: 0
  options:
    json: {infoBufferSize: '0'}
    text: {infoBufferSize: '0'}
  verbosity: 0
memorySwap: {}
nodeStatusReportFrequency: 0s
nodeStatusUpdateFrequency: 0s
runtimeRequestTimeout: 0s
shutdownGracePeriod: 0s
shutdownGracePeriodCriticalPods: 0s
streamingConnectionIdleTimeout: 0s
syncFrequency: 0s
volumeStatsAggPeriod: 0s
",
    );
    assert_eq!(KubeletConfiguration::default().to_value().unwrap(), zero);
    assert_eq!(KubeletConfiguration::from_value(json!({})).unwrap().to_value().unwrap(), zero);
}

/// Every field whose name serde would not derive, every kind of value, and zeros behind pointers.
#[test]
fn what_a_user_wrote_is_all_there_again() {
    let document = yaml(
        "
enableServer: false
staticPodURL: https://pods.example/
staticPodURLHeader: {X-Token: [a, b]}
readOnlyPort: 10255
tlsCipherSuites: [TLS_AES_128_GCM_SHA256]
tlsCurvePreferences: [4588, 29]
serverTLSBootstrap: true
authentication:
  x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}
  webhook: {enabled: true, cacheTTL: 2m0s}
  anonymous: {enabled: false}
authorization:
  mode: Webhook
  webhook: {cacheAuthorizedTTL: 5m0s, cacheUnauthorizedTTL: 30s}
registryPullQPS: 0
eventRecordQPS: 0
clusterDNS: [10.96.0.10, 'fd00::a']
imageMinimumGCAge: 2m0s
imageMaximumGCAge: 168h0m0s
imageGCHighThresholdPercent: 85
imageGCLowThresholdPercent: 0
cgroupsPerQOS: false
singleProcessOOMKill: false
podCIDR: 10.244.0.0/24
podPidsLimit: -1
resolvConf: ''
cpuCFSQuota: false
cpuCFSQuotaPeriod: 100ms
maxOpenFiles: 5000000000
kubeAPIQPS: 50
kubeAPIBurst: 100
evictionHard: {memory.available: 300Mi, nodefs.available: 10%}
makeIPTablesUtilChains: false
iptablesMasqueradeBit: 14
featureGates: {KubeletPSI: true, UserNamespacesSupport: false}
memorySwap: {swapBehavior: LimitedSwap}
containerLogMonitorInterval: 10s
systemReserved: {cpu: 200m}
reservedSystemCPUs: 0-1
defaultPodSysctls: {net.ipv4.ip_forward: '1'}
providerID: example://node
logging:
  format: json
  flushFrequency: 5s
  verbosity: 4
  vmodule: [{filePattern: 'kubelet*', verbosity: 9}]
  options:
    json: {splitStream: true, infoBufferSize: 1Mi}
shutdownGracePeriodByPodPriority: [{priority: -10, shutdownGracePeriodSeconds: 60}]
crashLoopBackOff: {maxContainerRestartPeriod: 1m0s}
reservedMemory:
- {numaNode: 0, limits: {memory: 1Gi}}
- {numaNode: 1, limits: null}
memoryThrottlingFactor: 0.9
registerWithTaints:
- {key: dedicated, value: db, effect: NoSchedule, timeAdded: '2026-01-02T03:04:05Z'}
- {key: empty, effect: NoExecute}
registerNode: false
tracing: {endpoint: '127.0.0.1:4317', samplingRatePerMillion: 0}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
failCgroupV1: false
userNamespaces: {idsPerPod: 65536}
",
    );
    let mut expected = KubeletConfiguration::default().to_value().unwrap();
    for (field, value) in document.as_object().unwrap() {
        expected[field] = value.clone();
    }
    expected["logging"]["options"]["text"] = json!({ "infoBufferSize": "0" });
    let decoded = KubeletConfiguration::from_value(document).unwrap();
    assert_eq!(decoded.to_value().unwrap(), expected);
}

#[test]
fn empty_values_and_nulls_are_left_out() {
    let document = json!({
        "clusterDNS": null, "evictionHard": {}, "clusterDomain": "", "maxPods": 0,
        "rotateCertificates": false, "healthzPort": null, "memorySwap": null, "syncFrequency": null,
    });
    assert_eq!(KubeletConfiguration::from_value(document).unwrap(), KubeletConfiguration::default());
}

#[test]
fn fields_go_where_kubelet_does_not_know_them_yet() {
    let document = json!({ "memoryReservationPolicy": "HardReservation", "defaultPodSysctls": { "a": "b" } });
    let mut configuration = KubeletConfiguration::from_value(document).unwrap();
    assert_eq!(configuration.take_newer_than(36), [("defaultPodSysctls", 37)]);
    assert_eq!(configuration.take_newer_than(35), [("memoryReservationPolicy", 36)]);
    assert_eq!(configuration, KubeletConfiguration::default());
}

#[test]
fn values_of_another_type_are_refused() {
    for (field, value) in [
        ("maxPods", json!("110")),
        ("maxPods", json!(1.5)),
        ("maxPods", json!(1_i64 << 31)),
        ("clusterDomain", json!(5)),
        ("rotateCertificates", json!("true")),
        ("clusterDNS", json!("10.96.0.10")),
        ("evictionHard", json!({ "memory.available": 5 })),
        ("featureGates", json!({ "KubeletPSI": "true" })),
        ("syncFrequency", json!(60)),
        ("kind", json!("KubeProxyConfiguration")),
        ("apiVersion", json!("kubelet.config.k8s.io/v1alpha1")),
    ] {
        assert!(KubeletConfiguration::from_value(json!({ field: value })).is_err(), "{field}");
    }
}

#[test]
fn what_kubeadm_wrote_reads_and_writes_unchanged() {
    let files = cases().into_iter().filter_map(|case| {
        let text = std::fs::read_to_string(case.join("files/var/lib/kubelet/config.yaml")).ok()?;
        Some((case, yaml(&text)))
    });
    for (case, document) in files.chain(recorded_config_maps("kubelet-config", "kubelet")) {
        let decoded = KubeletConfiguration::from_value(document.clone()).unwrap();
        assert_eq!(decoded.to_value().unwrap(), document, "{}", case.display());
    }
}
