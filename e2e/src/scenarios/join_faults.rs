//! What can go wrong with a join, on a real cluster: the cause is named, with what to do, soon, by the right exit code.

use std::fs;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::join::{init, joined};
use crate::machine::NODE_NAME;
use crate::neighbour::{Neighbour, ignored_checks};
use crate::node::Node;

/// From when a fault can be proven to when it must be told, in seconds.
const LIMIT: u64 = 20;
/// The same where a cluster that is being made may still come so far: this one is minutes old.
const NEW_CLUSTER: u64 = 70;
/// Another cluster's kubeconfig of kubelet.
const FOREIGN: &str = "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: k, cluster: {server: 'https://192.0.2.9:6443'}}]\n\
    contexts: [{name: c, context: {cluster: k, user: u}}]\nusers: [{name: u, user: {token: t}}]\n";

/// A fault: how it comes about, the join that meets it, and what must be said.
struct Fault {
    name: &'static str,
    /// Kubernetes' objects that are taken away meanwhile: namespace, kind and name.
    without: &'static [(&'static str, &'static str, &'static str)],
    /// What is done to the joining machine, by a shell.
    machine: &'static str,
    /// How the words of the join differ: what is replaced by what; an empty first part is appended.
    words: &'static [(&'static str, &'static str)],
    control_plane: bool,
    code: i32,
    within: u64,
    /// What must be said; `|` parts words of which one will do.
    says: &'static [&'static str],
}

const FAULT: Fault = Fault {
    name: "",
    without: &[],
    machine: "",
    words: &[],
    control_plane: false,
    code: 1,
    within: LIMIT,
    says: &[],
};

const FAULTS: &[Fault] = &[
    Fault {
        name: "unknown-token",
        words: &[("TOKEN", "zzzzzz.0123456789abcdef")],
        says: &["not signed with the token \"zzzzzz\"", "expired", "token create --print-join-command"],
        ..FAULT
    },
    Fault {
        name: "wrong-secret",
        words: &[("SECRET", "0123456789abcdef")],
        says: &["its secret is another one", "token create --print-join-command"],
        ..FAULT
    },
    Fault {
        name: "wrong-hash",
        words: &[("HASH", "sha256:abababababababababababababababababababababababababababababababab")],
        says: &["not the one that is pinned", "sha256:"],
        ..FAULT
    },
    Fault {
        name: "nothing-listens",
        words: &[("6443", "6444"), ("", "TIMEOUT")],
        says: &["6444 refuses the connection: nothing listens", "fix: see on the control-plane node"],
        ..FAULT
    },
    Fault {
        name: "unresolved",
        words: &[("10.88.0.2:", "nowhere.invalid:"), ("", "TIMEOUT")],
        says: &["\"nowhere.invalid\" does not resolve", "fix: "],
        ..FAULT
    },
    Fault {
        name: "etcd-answers",
        words: &[(":6443", ":2379")],
        says: &["2379", "another service|client certificate", "default port 6443"],
        ..FAULT
    },
    Fault {
        name: "no-cluster-info",
        without: &[("kube-public", "configmap", "cluster-info")],
        says: &["has no ConfigMap kube-public/cluster-info", "bootstrap-token"],
        ..FAULT
    },
    Fault {
        name: "cluster-info-not-public",
        within: NEW_CLUSTER,
        without: &[("kube-public", "rolebinding", "kubeadm:bootstrap-signer-clusterinfo")],
        says: &["does not let anybody read", "bootstrap-token"],
        ..FAULT
    },
    Fault {
        name: "no-kubeadm-config",
        without: &[("kube-system", "configmap", "kubeadm-config")],
        says: &["kubeadm-config", "upload-config"],
        ..FAULT
    },
    Fault {
        name: "certificates-gone",
        without: &[("kube-system", "secret", "kubeadm-certs")],
        control_plane: true,
        says: &["kubeadm-certs was not found", "two hours", "upload-certs"],
        ..FAULT
    },
    Fault {
        name: "wrong-key",
        words: &[("KEY", "abababababababababababababababababababababababababababababababab")],
        control_plane: true,
        says: &["wrong key", "upload-certs"],
        ..FAULT
    },
    Fault {
        name: "no-certificates",
        words: &[("--certificate-key KEY", "")],
        control_plane: true,
        code: 3,
        says: &["certificates that control-plane nodes share are missing", "--certificate-key"],
        ..FAULT
    },
    Fault {
        name: "name-taken",
        words: &[("", "--node-name e2e-node")],
        code: 3,
        says: &["a Node with name \"e2e-node\"", "another machine", "kubectl delete node"],
        ..FAULT
    },
    Fault {
        name: "another-cluster-s-kubelet",
        machine: "mkdir -p /etc/kubernetes && cp FOREIGN /etc/kubernetes/kubelet.conf",
        code: 3,
        says: &["a node of another cluster", "kubestrap reset"],
        ..FAULT
    },
    Fault {
        name: "no-kubeconfig",
        machine: "mkdir -p /etc/kubernetes && echo garbage > /etc/kubernetes/kubelet.conf",
        code: 3,
        says: &["is no kubeconfig that `join` wrote", "kubestrap reset"],
        ..FAULT
    },
    Fault {
        name: "another-ca",
        machine: "mkdir -p /etc/kubernetes/pki && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
            -keyout /dev/null -subj /CN=other -out /etc/kubernetes/pki/ca.crt",
        code: 3,
        says: &["is not the CA of the cluster to join", "kubestrap reset"],
        ..FAULT
    },
    Fault {
        name: "nobody-approves",
        without: &[("", "clusterrolebinding", "kubeadm:node-autoapprove-bootstrap")],
        code: 4,
        says: &["nobody approves CertificateSigningRequest", "kubectl certificate approve"],
        ..FAULT
    },
];

/// Each fault on a fresh state of the same machine.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    let join = init(node, true)?;
    let machine = Neighbour::new(node, 1)?;
    machine.put("foreign.conf", FOREIGN)?;
    let mut wrong = vec![];
    for fault in FAULTS {
        let told = meet(node, &machine, &join, fault).with_context(|| fault.name)?;
        match told {
            Ok(seconds) => node.note(format!("{} {seconds:.1} s", fault.name)),
            Err(why) => wrong.push(format!("{}: {why}", fault.name)),
        }
    }
    ensure!(
        wrong.is_empty(),
        "{} of {} faults are told wrongly:\n{}",
        wrong.len(),
        FAULTS.len(),
        wrong.join("\n")
    );
    // What a fault left on the machine or in the cluster is in nobody's way.
    joined(node, &machine, "kubestrap", &join)
}

/// After how many seconds the fault was told, or what is wrong with what was said.
fn meet(
    node: &Node,
    machine: &Neighbour<'_>,
    join: &[String],
    fault: &Fault,
) -> anyhow::Result<Result<f64, String>> {
    let mut kept = vec![];
    for (namespace, kind, name) in fault.without {
        let object = node.kubectl(&["--namespace", namespace, "get", kind, name, "-o", "json"])?;
        let file = format!("/e2e/logs/{}.json", name.replace(':', "-"));
        fs::write(&file, object)?;
        node.kubectl(&["--namespace", namespace, "delete", kind, name])?;
        kept.push(file);
    }
    if !fault.machine.is_empty() {
        machine.run(&["sh", "-c", &fault.machine.replace("FOREIGN", "/e2e/logs/foreign.conf")])?.success()?;
    }
    let line = words(machine, join, fault)?;
    let ignored = ignored_checks();
    let output = machine.run(&["sh", "-c", &format!("exec kubestrap {line} {ignored}")]);
    for file in kept {
        // A new object can't begin with a version.
        node.run("sed", &["-i", "/\"resourceVersion\"/d", &file])?.success()?;
        node.kubectl(&["create", "-f", &file])?;
    }
    machine.run(&["kubestrap", "reset", "--force"])?.success()?;
    let _ = node.kubectl(&["delete", "node", machine.name(), "--ignore-not-found"])?;
    let output = output?;
    let said = output.stderr.to_lowercase();
    let missing = fault.says.iter().find(|s| !s.split('|').any(|s| said.contains(&s.to_lowercase())));
    Ok(match missing {
        _ if output.code != Some(fault.code) => Err(format!("wrong exit code: {}", output.failure())),
        _ if output.elapsed > Duration::from_secs(fault.within) => {
            Err(format!("told after {:.1} s", output.elapsed.as_secs_f64()))
        }
        Some(missing) => Err(format!("{missing:?} is not said: {}", output.failure())),
        None => Ok(output.elapsed.as_secs_f64()),
    })
}

/// The join's words, with what the fault changes in them.
fn words(machine: &Neighbour<'_>, join: &[String], fault: &Fault) -> anyhow::Result<String> {
    let after = |flag: &str| join.iter().skip_while(|w| *w != flag).nth(1).cloned().unwrap_or_default();
    let (token, hash, key) =
        (after("--token"), after("--discovery-token-ca-cert-hash"), after("--certificate-key"));
    let secret = token.split('.').nth(1).unwrap_or_default().to_owned();
    let mut line = join.join(" ");
    if !fault.control_plane {
        line = line.replace("--control-plane", "").replace(&format!("--certificate-key {key}"), "");
    }
    for (old, new) in fault.words {
        let known = [("TOKEN", &token), ("SECRET", &secret), ("HASH", &hash), ("KEY", &key)];
        let old = known.iter().fold((*old).to_owned(), |old, (name, value)| old.replace(name, value));
        line = match (old.as_str(), *new) {
            ("", "TIMEOUT") => return with_timeout(machine, &line, &token, &hash),
            ("", new) => format!("{line} {new}"),
            (old, new) if line.contains(old) => line.replace(old, new),
            (old, _) => bail!("there is no {old:?} in {line}"),
        };
    }
    Ok(line)
}

/// The same as a configuration that waits ten seconds for the discovery.
fn with_timeout(machine: &Neighbour<'_>, line: &str, token: &str, hash: &str) -> anyhow::Result<String> {
    let endpoint = line.split_whitespace().nth(1).unwrap_or(NODE_NAME);
    let text = format!(
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ntimeouts: {{discovery: 10s}}\n\
         discovery: {{bootstrapToken: {{token: {token}, apiServerEndpoint: '{endpoint}', caCertHashes: ['{hash}']}}}}\n"
    );
    Ok(format!("join --config {}", machine.put("join.yaml", &text)?))
}
