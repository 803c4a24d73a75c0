//! Flags of kubelet that set fields of its configuration: the fields are judged with them, as kubelet does.
//!
//! Source: `AddKubeletConfigFlags` in `cmd/kubelet/app/options/options.go`; flags win over the file.

use serde_json::{Map, Value, json};

use super::{KIND, judge};
use crate::components::command::{Command, Given};
use crate::components::verdict::Verdict;
use crate::components::{gates, kind};
use crate::config::kubelet::KubeletConfiguration;

/// How a flag writes what its field holds.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Number,
    Boolean,
    List,
    /// `key=value,key=value`
    Pairs,
    /// `key<value,key<value`
    Thresholds,
    /// `A=true,B=false`, added to those of the file.
    Gates,
    /// `0:memory=1Gi,hugepages-2M=1Gi;1:memory=1Gi`
    ReservedMemory,
}

use Form::{Boolean, Gates, List, Number, Pairs, ReservedMemory, Text, Thresholds};

/// Flags, the fields that they set, and how. Left out are those that no rule is about.
const ROWS: &[(&str, &str, Form)] = &[
    ("address", "address", Text),
    ("allowed-unsafe-sysctls", "allowedUnsafeSysctls", List),
    ("authorization-mode", "authorization.mode", Text),
    ("cgroup-driver", "cgroupDriver", Text),
    ("cgroup-root", "cgroupRoot", Text),
    ("cgroups-per-qos", "cgroupsPerQOS", Boolean),
    ("cluster-dns", "clusterDNS", List),
    ("cluster-domain", "clusterDomain", Text),
    ("container-log-max-files", "containerLogMaxFiles", Number),
    ("container-log-max-size", "containerLogMaxSize", Text),
    ("cpu-cfs-quota-period", "cpuCFSQuotaPeriod", Text),
    ("cpu-manager-policy", "cpuManagerPolicy", Text),
    ("cpu-manager-policy-options", "cpuManagerPolicyOptions", Pairs),
    ("enforce-node-allocatable", "enforceNodeAllocatable", List),
    ("event-burst", "eventBurst", Number),
    ("event-qps", "eventRecordQPS", Number),
    ("eviction-hard", "evictionHard", Thresholds),
    ("eviction-minimum-reclaim", "evictionMinimumReclaim", Pairs),
    ("eviction-soft", "evictionSoft", Thresholds),
    ("eviction-soft-grace-period", "evictionSoftGracePeriod", Pairs),
    ("feature-gates", "featureGates", Gates),
    ("hairpin-mode", "hairpinMode", Text),
    ("healthz-bind-address", "healthzBindAddress", Text),
    ("healthz-port", "healthzPort", Number),
    ("image-gc-high-threshold", "imageGCHighThresholdPercent", Number),
    ("image-gc-low-threshold", "imageGCLowThresholdPercent", Number),
    ("image-service-endpoint", "imageServiceEndpoint", Text),
    ("kube-api-burst", "kubeAPIBurst", Number),
    ("kube-api-qps", "kubeAPIQPS", Number),
    ("kube-reserved", "kubeReserved", Pairs),
    ("kube-reserved-cgroup", "kubeReservedCgroup", Text),
    ("max-open-files", "maxOpenFiles", Number),
    ("max-pods", "maxPods", Number),
    ("memory-manager-policy", "memoryManagerPolicy", Text),
    ("minimum-image-ttl-duration", "imageMinimumGCAge", Text),
    ("node-status-max-images", "nodeStatusMaxImages", Number),
    ("oom-score-adj", "oomScoreAdj", Number),
    ("pod-manifest-path", "staticPodPath", Text),
    ("pods-per-core", "podsPerCore", Number),
    ("port", "port", Number),
    ("qos-reserved", "qosReserved", Pairs),
    ("read-only-port", "readOnlyPort", Number),
    ("registry-burst", "registryBurst", Number),
    ("registry-qps", "registryPullQPS", Number),
    ("reserved-cpus", "reservedSystemCPUs", Text),
    ("reserved-memory", "reservedMemory", ReservedMemory),
    ("rotate-server-certificates", "serverTLSBootstrap", Boolean),
    ("runonce", "runOnce", Boolean),
    ("runtime-request-timeout", "runtimeRequestTimeout", Text),
    ("serialize-image-pulls", "serializeImagePulls", Boolean),
    ("sync-frequency", "syncFrequency", Text),
    ("system-cgroups", "systemCgroups", Text),
    ("system-reserved", "systemReserved", Pairs),
    ("system-reserved-cgroup", "systemReservedCgroup", Text),
    ("topology-manager-policy", "topologyManagerPolicy", Text),
    ("topology-manager-policy-options", "topologyManagerPolicyOptions", Pairs),
    ("topology-manager-scope", "topologyManagerScope", Text),
];

/// A kubelet's configuration, changed by the flags of its command line.
#[derive(Debug)]
pub(in crate::components) struct Kubelet<'a> {
    /// The fields.
    pub(in crate::components) fields: KubeletConfiguration,
    command: &'a Command,
    /// The fields that flags set, each with its flag.
    set: Vec<(&'static str, &'a Given)>,
}

impl<'a> Kubelet<'a> {
    /// A kubelet with this command line, and this configuration or kubelet's defaults.
    pub(in crate::components) fn new(
        command: &'a Command,
        configuration: Option<&KubeletConfiguration>,
    ) -> Self {
        let base = configuration.cloned().unwrap_or_default();
        let Ok(mut document) = base.to_value() else { return Self { fields: base, command, set: vec![] } };
        let mut set = vec![];
        for (flag, field, form) in ROWS {
            if let Some(given) = command.last(flag)
                && let Some(value) = form.read(given, document.pointer("/featureGates"))
            {
                put(&mut document, field, value);
                set.push((*field, given));
            }
        }
        // A value of another kind than the field's is told as such.
        match KubeletConfiguration::from_value(document) {
            Ok(fields) => Self { fields, command, set },
            Err(_) => Self { fields: base, command, set: vec![] },
        }
    }

    /// The kind of document that sets a field, the path there, and the flag where it is one.
    pub(in crate::components) fn place(&self, field: &str) -> (&'static str, String, Option<&str>) {
        match self.set.iter().find(|(name, _)| below(field, name).is_some()) {
            Some((_, given)) => {
                let (kind, _) = self.command.program.args();
                (kind, self.command.path(given), Some(&given.name))
            }
            None => (KIND, field.to_owned(), None),
        }
    }
}

/// What kubelet's validation objects to with the flags of `command` that it does not object to without them. Where
/// nothing is known of the configuration, pairs can't be judged: all are warnings.
pub(in crate::components) fn judge_flags(
    command: &Command,
    configuration: Option<&KubeletConfiguration>,
    known: bool,
) -> Vec<Verdict> {
    let kubelet = Kubelet::new(command, configuration);
    let Some((_, last)) = kubelet.set.last() else { return vec![] };
    let without = judge(&configuration.cloned().unwrap_or_default(), command.minor);
    let verdicts = judge(&kubelet.fields, command.minor).into_iter().filter(|verdict| {
        // Gates in a flag, and the port, have rules of their own.
        !verdict.path.starts_with("featureGates") && verdict.path != "port" && !without.contains(verdict)
    });
    verdicts
        .map(|verdict| {
            let set = &kubelet.set;
            let own = set.iter().find_map(|(field, given)| Some((*given, below(&verdict.path, field)?)));
            let why =
                verdict.message.strip_prefix(&format!("{}: ", verdict.path)).unwrap_or(&verdict.message);
            let (given, what) = own.unwrap_or((last, verdict.path.as_str()));
            let what = if what.is_empty() { String::new() } else { format!("{what}: ") };
            let message = format!("kubelet `--{}`: {what}{why}", given.name);
            let told = Verdict { message, path: command.path(given), ..verdict }.under("ExtraArgs");
            if known { told } else { told.warning() }
        })
        .collect()
}

/// What of a path is below a field: nothing where it is the field itself, or an item of its list.
fn below<'a>(path: &'a str, field: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(field)?;
    let rest = if rest.is_empty() { rest } else { rest.strip_prefix('.')? };
    Some(if rest.bytes().all(|b| b.is_ascii_digit()) { "" } else { rest })
}

fn put(document: &mut Value, field: &str, value: Value) {
    let mut at = document;
    for step in field.split('.') {
        if !at.is_object() {
            *at = json!({});
        }
        let Some(fields) = at.as_object_mut() else { return };
        at = fields.entry(step).or_insert(Value::Null);
    }
    *at = value;
}

impl Form {
    /// The field's value; none where the flag's is of another kind.
    fn read(self, given: &Given, gates: Option<&Value>) -> Option<Value> {
        let text = given.value.as_str();
        let items = || text.split(',').filter(|item| !item.is_empty());
        let pairs = |separator: char| {
            let pair = |item: &str| {
                let (key, value) = item.split_once(separator)?;
                Some((key.trim().to_owned(), json!(value.trim())))
            };
            items().map(pair).collect::<Option<Map<_, _>>>().map(Value::Object)
        };
        match self {
            Text => Some(json!(text)),
            Number => i64::try_from(kind::number(text)?).ok().map(Value::from),
            Boolean => kind::boolean(text).ok().map(Value::from),
            List => Some(items().collect()),
            Pairs => pairs('='),
            Thresholds => pairs('<'),
            Gates => {
                let mut all = gates.and_then(Value::as_object).cloned().unwrap_or_default();
                all.extend(gates::of_flag(text, "kubelet").0.into_iter().map(|(name, on)| (name, json!(on))));
                Some(Value::Object(all))
            }
            ReservedMemory => {
                let nodes = kind::reserved_memory(text).ok()?;
                let node = |(node, limits): (i32, Vec<(&str, &str)>)| {
                    let limits: Map<_, _> =
                        limits.into_iter().map(|(k, v)| (k.to_owned(), json!(v))).collect();
                    json!({ "numaNode": node, "limits": limits })
                };
                Some(nodes.into_iter().map(node).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::program::Program;
    use crate::config::v1beta4::Arg;

    fn told(flags: &[(&str, &str)], fields: &str) -> Vec<String> {
        let args: Vec<Arg> =
            flags.iter().map(|(n, v)| Arg { name: (*n).into(), value: (*v).into() }).collect();
        let command = Command::of_args(Program::Kubelet, 36, &args);
        let configuration: KubeletConfiguration = serde_json::from_str(fields).unwrap();
        judge_flags(&command, Some(&configuration), true).into_iter().map(|v| v.message).collect()
    }

    #[test]
    fn flags_are_judged_as_the_fields_that_they_set() {
        for (flag, value) in [
            ("max-pods", "-1"),
            ("eviction-hard", "memory.available<100MiB"),
            ("eviction-soft", "memory.available<1Gi"),
            ("kube-reserved", "mem=1Gi"),
            ("hairpin-mode", "veth"),
            ("authorization-mode", "RBAC"),
            ("cpu-manager-policy", "static"),
            ("enforce-node-allocatable", "pods,kube-reserved"),
            ("reserved-memory", "0:memory=0"),
            ("image-gc-high-threshold", "50"),
        ] {
            let found = told(&[(flag, value)], "{}");
            assert!(found.len() == 1 && found[0].starts_with(&format!("kubelet `--{flag}`: ")), "{found:?}");
        }
        assert_eq!(told(&[("max-pods", "many"), ("eviction-hard", "memory.available<5%")], "{}"), [""; 0]);
        assert_eq!(told(&[("cpu-manager-policy", "static"), ("kube-reserved", "cpu=1")], "{}"), [""; 0]);
    }

    #[test]
    fn flags_and_file_are_judged_together() {
        let fields = r#"{"kubeReserved": {"cpu": "1"}, "maxPods": -1}"#;
        assert_eq!(
            told(&[("cpu-manager-policy", "static")], fields),
            [""; 0],
            "the file's own is told elsewhere"
        );
        assert_eq!(told(&[("max-pods", "110")], fields), [""; 0]);
        let gates = r#"{"featureGates": {"CustomCPUCFSQuotaPeriod": true}}"#;
        assert_eq!(told(&[("cpu-cfs-quota-period", "50ms")], gates), [""; 0]);
        let set = [("cpu-cfs-quota-period", "50ms"), ("feature-gates", "CustomCPUCFSQuotaPeriod=false")];
        assert_eq!(told(&set, gates).len(), 1);
    }

    #[test]
    fn where_the_configuration_is_not_known_nothing_is_certain() {
        let args = [Arg { name: "cpu-manager-policy".into(), value: "static".into() }];
        let found = judge_flags(&Command::of_args(Program::Kubelet, 36, &args), None, false);
        assert_eq!(found[0].severity, crate::finding::Severity::Warning);
    }
}
