//! What can go wrong with an upgrade, on a real control plane: the cause is named, soon, by the right exit code, and the
//! node is as before in the end.

mod asked;
mod cluster;
mod machine;
mod undone;

use std::fs;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::upgrade::{checks, control_plane_of_minor_before, files};
use crate::cluster::healthy;
use crate::command::Output;
use crate::node::{ADMIN, Node};

/// From when a fault can be proven to when it must be told, in seconds.
const LIMIT: u64 = 20;
/// The same where the node was put back too: four static Pods, stopped and started.
const UNDONE: u64 = 90;
/// Where a fault's patch is, and what it keeps.
const FOLDER: &str = "/var/lib/e2e-fault";

/// Requests, clusters and machines that can't be upgraded: nothing is begun.
pub(super) fn refused(node: &Node) -> anyhow::Result<()> {
    run(node, &[asked::FAULTS, cluster::FAULTS, machine::FAULTS].concat())
}

/// What only shows when the new static Pods start: the node is put back.
pub(super) fn undone(node: &Node) -> anyhow::Result<()> {
    run(node, undone::FAULTS)
}

/// A fault: how it comes about, the command that meets it, and what must be said.
#[derive(Clone)]
struct Fault {
    name: &'static str,
    /// A shell's words before the command, and after it, which take the fault away.
    before: &'static str,
    after: &'static str,
    /// A patch: its file's name and its text.
    patch: (&'static str, &'static str),
    /// The command. In it and in `before`, TARGET is the version, and CHECKS the flag for what can't be checked here.
    command: &'static str,
    code: i32,
    within: u64,
    /// How soon after the component's start it must be proven that it fails, where it only shows then, in seconds.
    provable: f64,
    /// What must be said; `|` parts words of which one will do.
    says: &'static [&'static str],
}

const APPLY: &str = "kubestrap upgrade apply TARGET --yes CHECKS";
const PATCHED: &str = "kubestrap upgrade apply TARGET --yes CHECKS --patches /var/lib/e2e-fault";
/// Without the checks, which would have seen it ahead.
const UNSEEN: &str =
    "kubestrap upgrade apply TARGET --yes --skip-phases=preflight --patches /var/lib/e2e-fault";
const UNKNOWN_FLAG: (&str, &str) = (
    "kube-apiserver+json.yaml",
    "- {op: add, path: /spec/containers/0/command/-, value: '--no-such-flag=1'}\n",
);
const PUT_BACK: &str = "sed -i '/\"resourceVersion\"/d' kept.json\nkubectl -n kube-system delete configmap --ignore-not-found kubeadm-config\nkubectl create -f kept.json";
const SMALL_DISK: &str = "mkdir -p /etc/kubernetes/tmp && mount -t tmpfs -o size=4m none /etc/kubernetes/tmp";
const WEBHOOK: &str = r#"kubectl apply -f - <<'END'
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: e2e-fault}
webhooks:
- name: fault.e2e.example.org
  clientConfig: {url: 'https://127.0.0.1:9/'}
  rules: [{apiGroups: [GROUP], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [RESOURCE]}]
  failurePolicy: Fail
  sideEffects: None
  timeoutSeconds: 1
  admissionReviewVersions: [v1]
END
sleep 2"#;

const FAULT: Fault = Fault {
    name: "",
    before: "",
    after: "",
    patch: ("", ""),
    command: APPLY,
    code: 3,
    within: LIMIT,
    provable: 20.0,
    says: &[],
};

/// Each fault on the same control plane, which is as before after each.
fn run(node: &Node, faults: &[Fault]) -> anyhow::Result<()> {
    control_plane_of_minor_before(node)?;
    let mut wrong = vec![];
    for fault in faults {
        match meet(node, fault) {
            Ok(Ok(told)) => node.note(format!("{} {told}", fault.name)),
            Ok(Err(why)) => wrong.push(format!("{}: {why}", fault.name)),
            Err(error) => {
                wrong.push(format!("{} can't be tried: {error:#}", fault.name));
                // The others would start from what this one has left.
                break;
            }
        }
    }
    ensure!(
        wrong.is_empty(),
        "{} of {} faults are told wrongly:\n{}",
        wrong.len(),
        faults.len(),
        wrong.join("\n")
    );
    // Nothing of them is in the way of the upgrade, which keeps the user's Corefile.
    shell(node, "kubectl -n kube-system get configmap coredns -o yaml | sed 's/ttl 30/ttl 31/' | kubectl replace -f -")?
        .success()?;
    shell(node, APPLY)?.success()?;
    let corefile = shell(node, "kubectl -n kube-system get configmap coredns -o yaml")?.success()?;
    ensure!(corefile.stdout.contains("ttl 31"), "the user's Corefile is lost: {}", corefile.stdout);
    healthy(node)
}

/// How soon the fault was told, or what is wrong with what was said.
fn meet(node: &Node, fault: &Fault) -> anyhow::Result<Result<String, String>> {
    let _ = fs::remove_dir_all(FOLDER);
    fs::create_dir_all(FOLDER)?;
    let before = files()?;
    if !fault.patch.0.is_empty() {
        fs::write(format!("{FOLDER}/{}", fault.patch.0), fault.patch.1)?;
    }
    shell(node, fault.before)?.success()?;
    let output = shell(node, fault.command);
    shell(node, fault.after)?.success()?;
    let output = output?;
    ensure!(before == files()?, "files are not as before: {}", output.failure());
    healthy(node).with_context(|| output.failure())?;
    let says: Vec<String> =
        fault.says.iter().map(|words| words.replace("TARGET", &node.plan.version)).collect();
    let says: Vec<&str> = says.iter().map(String::as_str).collect();
    let whole = output.told(fault.code, Duration::from_secs(fault.within), &says);
    let proven = proven(&output.stderr);
    Ok(whole.and_then(|whole| match proven {
        Some(proven) if proven > fault.provable => {
            Err(format!("proven after {proven} s: {}", output.failure()))
        }
        Some(proven) => Ok(format!("{whole:.1} s, proven after {proven:.1} s")),
        None => Ok(format!("{whole:.1} s")),
    }))
}

/// How many seconds after a component's start it was proven that it can't become healthy.
fn proven(said: &str) -> Option<f64> {
    said.split_once("(proven after ")?.1.split_once(" s)")?.0.parse().ok()
}

/// Runs a shell's words in the fault's folder.
fn shell(node: &Node, words: &str) -> anyhow::Result<Output> {
    let webhook = |words: &str| {
        let (settings, _) = words.split_once(" WEBHOOK")?;
        let value =
            |name: &str| settings.split(' ').find_map(|word| word.strip_prefix(name)).unwrap_or_default();
        let (group, resource) = (value("GROUP="), value("RESOURCE="));
        Some(WEBHOOK.replace("GROUP", &format!("'{group}'")).replace("RESOURCE", resource))
    };
    let words = webhook(words).unwrap_or_else(|| words.to_owned());
    let words = words.replace("TARGET", &node.plan.version).replace("CHECKS", &checks(node));
    let script = format!("set -e\ncd {FOLDER}\nexport KUBECONFIG={ADMIN}\n{words}\n");
    node.run("bash", &["-c", &script])
}
