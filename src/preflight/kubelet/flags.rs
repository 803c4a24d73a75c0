//! Flags of kubelet that override what we write: those in the packages' files come after ours.

use crate::config::NodeSettings;
use crate::finding::{Finding, Severity};
use crate::host::machine::Machine;
use crate::preflight::config::existing::kubelet_env_flags;

/// A flag, and what is wrong with a value of it.
struct Row {
    flag: &'static str,
    severity: Severity,
    /// What is wrong, if anything is; the sentence goes on after the flag.
    fault: fn(&NodeSettings, &dyn Machine, &str) -> Option<String>,
    cause: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        flag: "hostname-override",
        severity: Severity::Error,
        fault: |s, _, value| {
            let name = &s.registration.name;
            (value.trim().to_lowercase() != *name)
                .then(|| format!("makes this Node `{value}`, and init makes it `{name}`"))
        },
        cause: "kubelet's certificate is for the Node that init names, and the API server lets it register no other",
    },
    Row {
        flag: "pod-manifest-path",
        severity: Severity::Error,
        fault: |s, _, value| {
            let folder = s.paths.manifests.to_string_lossy();
            (value.trim_end_matches('/') != folder).then(|| {
                format!("makes kubelet look for static Pods in {value}, and init writes them to {folder}")
            })
        },
        cause: "kubelet would run nothing of the control plane",
    },
    Row {
        flag: "config",
        severity: Severity::Error,
        fault: |s, _, value| {
            let file = s.paths.kubelet.join("config.yaml");
            (value != file.to_string_lossy())
                .then(|| format!("makes kubelet read {value}, and init writes {}", file.display()))
        },
        cause: "kubelet would not know where the manifests are, nor which CA to trust",
    },
    Row {
        flag: "kubeconfig",
        severity: Severity::Warning,
        fault: |s, _, value| {
            let file = s.paths.kubeconfig("kubelet.conf");
            (value != file.to_string_lossy())
                .then(|| format!("makes kubelet take {value}, and init writes {}", file.display()))
        },
        cause: "kubelet may join another cluster, or none",
    },
    Row {
        flag: "container-runtime-endpoint",
        severity: Severity::Error,
        fault: |s, machine, value| {
            let bare = |t: &str| t.trim_start_matches("unix://").trim_start_matches("/var").to_owned();
            let socket = &s.registration.cri_socket;
            let gone = machine.kind(value.trim_start_matches("unix://").as_ref()).is_none();
            (bare(value) != bare(socket) && gone).then(|| {
                format!(
                    "sends kubelet to the runtime at {value}, which is not there; init works with {socket}"
                )
            })
        },
        cause: "kubelet exits when it finds no runtime",
    },
    Row {
        flag: "register-node",
        severity: Severity::Error,
        fault: |_, _, value| {
            (value == "false")
                .then(|| "keeps kubelet from registering its Node, which init labels".to_owned())
        },
        cause: "without a Node there is nothing that could be marked as control plane, and no Pod is scheduled",
    },
    Row {
        flag: "node-labels",
        severity: Severity::Error,
        fault: |_, _, value| {
            let keys = value.split(',').map(|l| l.split('=').next().unwrap_or_default().trim());
            let forbidden: Vec<&str> = keys.filter(|k| is_forbidden(k)).collect();
            (!forbidden.is_empty())
                .then(|| format!("gives the Node labels that kubelet refuses: {}", forbidden.join(", ")))
        },
        cause: "kubelet may set only a few labels of kubernetes.io and k8s.io, and exits when it is told to set others; init itself labels the control plane",
    },
    Row {
        flag: "resolv-conf",
        severity: Severity::Error,
        fault: |_, machine, value| {
            (!value.is_empty() && machine.kind(value.as_ref()).is_none())
                .then(|| format!("names {value}, which is not there"))
        },
        cause: "kubelet starts no Pod without it",
    },
];

/// Labels of Kubernetes' own that kubelet may set (its `--node-labels` help and `kubeletapis`).
const ALLOWED_LABELS: &[&str] = &[
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

fn is_forbidden(key: &str) -> bool {
    let Some((domain, _)) = key.split_once('/') else { return false };
    let within = |of: &str| domain == of || domain.strip_suffix(of).is_some_and(|d| d.ends_with('.'));
    (within("kubernetes.io") || within("k8s.io"))
        && !within("kubelet.kubernetes.io")
        && !within("node.kubernetes.io")
        && !ALLOWED_LABELS.contains(&key)
}

pub(crate) fn check(node: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    let extra = node.registration.kubelet_extra_args.iter();
    let extra = extra.map(|a| ("nodeRegistration.kubeletExtraArgs", a.name.clone(), a.value.clone()));
    let mut findings = vec![];
    for (place, name, value) in extra.chain(kubelet_env_flags(machine)) {
        for row in ROWS.iter().filter(|r| r.flag == name.replace('_', "-")) {
            let Some(fault) = (row.fault)(node, machine, value.trim_matches(['"', '\''])) else {
                continue;
            };
            let finding = Finding::error(format!("kubelet's flag --{name} in {place} {fault}"));
            let finding =
                finding.cause(row.cause).fix(format!("take `{name}` out of {place}, or correct it there"));
            findings.push(Finding { severity: row.severity, ..finding });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::{FakeMachine, settings, severities};

    fn with(flags: &str) -> FakeMachine {
        FakeMachine::with(|m| m.file("/etc/default/kubelet", format!("KUBELET_EXTRA_ARGS={flags}\n")))
    }

    #[test]
    fn flags_that_override_our_configuration_are_named_with_their_file() {
        for (flags, words) in [
            ("--hostname-override=other", "Node `other`, and init makes it `cp-1`"),
            ("--pod-manifest-path=/opt/m", "/opt/m, and init writes them to /etc/kubernetes/manifests"),
            ("--config=/opt/k.yaml", "/opt/k.yaml"),
            (
                "--container-runtime-endpoint=unix:///run/none.sock",
                "unix:///run/none.sock, which is not there",
            ),
            ("--register-node=false", "registering"),
            ("--node-labels=a=b,node-role.kubernetes.io/master=", "refuses: node-role.kubernetes.io/master"),
            ("--resolv-conf=/none", "/none, which is not there"),
        ] {
            let found = with(flags).finding("KubeletFlags", &settings(""));
            assert_eq!(found.severity, Severity::Error);
            assert!(found.what.contains(words) && found.what.contains("/etc/default/kubelet"), "{found:?}");
        }
        let found = with("--kubeconfig=/k").check("KubeletFlags", &settings(""));
        assert_eq!(severities(&found), [Severity::Warning]);
    }

    #[test]
    fn compatible_flags_are_no_findings() {
        for flags in [
            "",
            "--hostname-override=CP-1 --node-ip=192.0.2.10",
            "--pod-manifest-path=/etc/kubernetes/manifests/",
            "--config=/var/lib/kubelet/config.yaml --kubeconfig=/etc/kubernetes/kubelet.conf",
            "--container-runtime-endpoint=unix:///run/containerd/containerd.sock",
            "--register-node=true",
            "--node-labels=example.com/a=b,topology.kubernetes.io/zone=z,node.kubernetes.io/x=y,plain=1,notk8s.io/a=b",
        ] {
            assert_eq!(with(flags).check("KubeletFlags", &settings("")), [], "{flags}");
        }
        let given = "---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nnodeRegistration: {kubeletExtraArgs: [{name: register-node, value: 'false'}]}\n";
        let found = FakeMachine::healthy().finding("KubeletFlags", &settings(given));
        assert!(found.what.contains("nodeRegistration.kubeletExtraArgs"), "{found:?}");
    }
}
