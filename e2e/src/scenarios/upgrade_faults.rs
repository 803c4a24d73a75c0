//! What can go wrong with an upgrade, on a real control plane: the cause is named, soon, by the right exit code, and the
//! node is as before in the end.

use std::fs;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::upgrade::{checks, control_plane_of_minor_before, files};
use crate::cluster;
use crate::command::Output;
use crate::node::{ADMIN, Node};

/// From when a fault can be proven to when it must be told, in seconds.
const LIMIT: u64 = 20;
/// The same where the node was put back too: four static Pods, stopped and started.
const UNDONE: u64 = 90;
/// Where a fault's patch is, and what it keeps.
const FOLDER: &str = "/var/lib/e2e-fault";

/// A fault: how it comes about, the command that meets it, and what must be said.
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
    says: &[],
};

const FAULTS: &[Fault] = &[
    Fault {
        name: "no-version",
        command: "kubestrap upgrade apply --yes",
        code: 2,
        says: &["missing the version", "upgrade plan"],
        ..FAULT
    },
    Fault {
        name: "no-such-version",
        command: "kubestrap upgrade apply 1.x --yes",
        code: 2,
        says: &["1.x"],
        ..FAULT
    },
    Fault {
        name: "downgrade",
        command: "kubestrap upgrade apply v1.34.9 --yes CHECKS",
        says: &["lower minor"],
        ..FAULT
    },
    Fault {
        name: "two-minors",
        command: "kubestrap upgrade apply v1.37.0 --yes CHECKS",
        says: &["more than one minor", "--through-minors"],
        ..FAULT
    },
    Fault {
        name: "unstable-version",
        command: "kubestrap upgrade apply v1.36.0-beta.0 --yes CHECKS",
        says: &["unstable", "--allow-experimental-upgrades"],
        ..FAULT
    },
    Fault {
        name: "patch-nobody-knows",
        command: "kubestrap upgrade apply v1.36.99 --yes CHECKS",
        says: &["newer than the newest 1.36", "--force"],
        ..FAULT
    },
    Fault {
        name: "unknown-phase",
        command: "kubestrap upgrade apply TARGET --yes --skip-phases=nonsense",
        code: 2,
        says: &["nonsense"],
        ..FAULT
    },
    Fault {
        name: "nobody-answers",
        command: "kubestrap upgrade apply TARGET CHECKS </dev/null",
        code: 1,
        says: &["nobody answered", "--yes"],
        ..FAULT
    },
    Fault {
        name: "node-before-apply",
        command: "kubestrap upgrade node CHECKS",
        code: 0,
        says: &["upgrade apply VERSION"],
        ..FAULT
    },
    Fault {
        name: "not-root",
        command: "setpriv --reuid=65534 --clear-groups kubestrap upgrade apply TARGET --yes CHECKS",
        says: &["not running as root", "sudo"],
        ..FAULT
    },
    Fault {
        name: "no-admin-conf",
        before: "mv /etc/kubernetes/admin.conf .",
        after: "mv admin.conf /etc/kubernetes/",
        code: 1,
        says: &["admin.conf does not exist", "--kubeconfig"],
        ..FAULT
    },
    Fault {
        name: "expired-admin-conf",
        before: "cp -a /etc/kubernetes/admin.conf kept.conf
            openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -subj /O=kubeadm:cluster-admins/CN=kubernetes-admin -out r
            openssl x509 -req -in r -CA /etc/kubernetes/pki/ca.crt -CAkey /etc/kubernetes/pki/ca.key -days -1 -extfile <(echo extendedKeyUsage=clientAuth) -out c
            kubectl config set-credentials kubernetes-admin --embed-certs --client-certificate c --client-key k",
        after: "cp -a kept.conf /etc/kubernetes/admin.conf",
        code: 1,
        says: &["401|expired"],
        ..FAULT
    },
    Fault {
        name: "api-server-is-down",
        before: "mv /etc/kubernetes/manifests/kube-apiserver.yaml .
            while pidof kube-apiserver; do sleep 0.2; done",
        after: "mv kube-apiserver.yaml /etc/kubernetes/manifests/
            until kubectl get --raw /readyz; do sleep 0.5; done",
        code: 1,
        says: &["6443", "refused|nothing listens"],
        ..FAULT
    },
    Fault {
        name: "two-at-once",
        before: "(sleep 20 | kubestrap upgrade apply TARGET CHECKS) >other.log 2>&1 &
            sleep 4",
        after: "while pidof kubestrap; do sleep 0.2; done",
        code: 1,
        says: &["upgrade apply", "pid|process"],
        ..FAULT
    },
    Fault {
        name: "journal-unreadable",
        before: "mkdir -p /etc/kubernetes/tmp && echo { > /etc/kubernetes/tmp/kubestrap-upgrade.json",
        after: "rm /etc/kubernetes/tmp/kubestrap-upgrade.json",
        code: 1,
        says: &["interrupted upgrade", "kubestrap-upgrade.json"],
        ..FAULT
    },
    Fault {
        name: "kubeadm-config-missing",
        before: "kubectl -n kube-system get configmap kubeadm-config -o json > kept.json
            kubectl -n kube-system delete configmap kubeadm-config",
        after: PUT_BACK,
        code: 1,
        says: &["kubeadm-config not found", "upload-config"],
        ..FAULT
    },
    Fault {
        name: "kubeadm-config-unreadable",
        before: "kubectl -n kube-system get configmap kubeadm-config -o json > kept.json
            kubectl -n kube-system patch configmap kubeadm-config --type merge -p '{\"data\":{\"ClusterConfiguration\":\"a: [\"}}'",
        after: PUT_BACK,
        code: 1,
        says: &["can't be used", "kubectl -n kube-system edit configmap"],
        ..FAULT
    },
    Fault {
        name: "flag-unknown-in-the-configuration",
        before: "kubectl -n kube-system get configmap kubeadm-config -o json > kept.json
            sed 's/scheduler: {}/scheduler: {extraArgs: [{name: no-such-flag, value: a}]}/' kept.json | kubectl replace -f -",
        after: PUT_BACK,
        says: &["no-such-flag", "scheduler.extraArgs"],
        ..FAULT
    },
    Fault {
        name: "gate-unknown-to-kubelet",
        before: "kubectl -n kube-system get configmap kubelet-config -o json > kubelet.json
            sed 's/\\\\nkind: KubeletConfiguration/\\\\nfeatureGates: {NoSuchGate: true}&/' kubelet.json | kubectl replace -f -",
        after: "sed -i '/\"resourceVersion\"/d' kubelet.json && kubectl replace -f kubelet.json",
        says: &["NoSuchGate"],
        ..FAULT
    },
    Fault {
        name: "patches-missing",
        command: "kubestrap upgrade apply TARGET --yes CHECKS --patches /nowhere",
        says: &["/nowhere"],
        ..FAULT
    },
    Fault {
        name: "patch-unreadable",
        patch: ("kube-apiserver.yaml", "a: [\n"),
        command: PATCHED,
        says: &["kube-apiserver.yaml"],
        ..FAULT
    },
    Fault {
        name: "flag-unknown-in-a-patch",
        patch: UNKNOWN_FLAG,
        command: PATCHED,
        says: &["no-such-flag", "patches in /var/lib/e2e-fault"],
        ..FAULT
    },
    Fault {
        name: "value-that-etcd-refuses",
        patch: (
            "etcd+json.yaml",
            "- {op: add, path: /spec/containers/0/command/-, value: '--quota-backend-bytes=many'}\n",
        ),
        command: PATCHED,
        says: &["quota-backend-bytes"],
        ..FAULT
    },
    Fault {
        name: "image-missing",
        before: "i=registry.k8s.io/kube-scheduler; ctr -n k8s.io images tag $i:TARGET e2e.local/kept:1 && ctr -n k8s.io images rm $i:TARGET",
        after: "ctr -n k8s.io images tag e2e.local/kept:1 registry.k8s.io/kube-scheduler:TARGET",
        within: 60,
        says: &["kube-scheduler:TARGET", "pull"],
        ..FAULT
    },
    Fault {
        name: "containerd-does-not-answer",
        before: "kill -STOP $(pidof containerd)",
        after: "kill -CONT $(pidof containerd)",
        within: 60,
        says: &["container runtime|containerd.sock"],
        ..FAULT
    },
    Fault {
        name: "kubelet-stopped",
        before: "systemctl stop kubelet",
        after: "systemctl start kubelet",
        says: &["kubelet does not run", "systemctl start kubelet"],
        ..FAULT
    },
    Fault {
        name: "manifest-missing",
        before: "mv /etc/kubernetes/manifests/kube-scheduler.yaml .",
        after: "mv kube-scheduler.yaml /etc/kubernetes/manifests/",
        says: &["kube-scheduler.yaml"],
        ..FAULT
    },
    Fault {
        name: "ca-replaced",
        before: "cp -a /etc/kubernetes/pki . && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
            -keyout /etc/kubernetes/pki/ca.key -subj /CN=other -out /etc/kubernetes/pki/ca.crt",
        after: "cp -a pki/ca.* /etc/kubernetes/pki/",
        says: &["not signed by the CA", "certs inspect"],
        ..FAULT
    },
    Fault {
        name: "no-space-for-backups",
        before: SMALL_DISK,
        after: "umount /etc/kubernetes/tmp",
        says: &["MiB are free for backups", "fix: free some space"],
        ..FAULT
    },
    Fault {
        name: "webhook-refuses-kube-proxy",
        before: "GROUP=apps RESOURCE=daemonsets WEBHOOK",
        after: "kubectl delete validatingwebhookconfiguration e2e-fault",
        says: &["kube-proxy", "fault.e2e.example.org", "exempt the namespace kube-system"],
        ..FAULT
    },
    Fault {
        name: "webhook-refuses-pods",
        before: "GROUP= RESOURCE=pods WEBHOOK",
        after: "kubectl delete validatingwebhookconfiguration e2e-fault",
        says: &["Job upgrade-health-check", "fault.e2e.example.org|no Node can take the Job"],
        ..FAULT
    },
    Fault {
        name: "node-missing",
        before: "kubectl delete node e2e-node",
        after: "systemctl restart kubelet
            until kubectl get node e2e-node; do sleep 0.5; done
            kubestrap init phase mark-control-plane --config /etc/kubestrap.yaml",
        says: &["no Node e2e-node", "mark-control-plane"],
        ..FAULT
    },
    Fault {
        name: "unknown-flag-at-start",
        patch: UNKNOWN_FLAG,
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["no-such-flag", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "audit-policy-not-mounted",
        patch: (
            "kube-apiserver+json.yaml",
            "- {op: add, path: /spec/containers/0/command/-, value: '--audit-policy-file=/nowhere/policy.yaml'}\n",
        ),
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["/nowhere/policy.yaml", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "etcd-does-not-start",
        patch: (
            "etcd+json.yaml",
            "- {op: add, path: /spec/containers/0/command/-, value: '--quota-backend-bytes=many'}\n",
        ),
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["quota-backend-bytes", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "image-of-a-patch-missing",
        patch: (
            "kube-scheduler.yaml",
            "spec: {containers: [{name: kube-scheduler, image: 'registry.k8s.io/none:1'}]}\n",
        ),
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["registry.k8s.io/none:1", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "port-that-a-patch-breaks",
        patch: (
            "kube-controller-manager+json.yaml",
            "- {op: add, path: /spec/containers/0/command/-, value: '--secure-port=6443'}\n",
        ),
        command: UNSEEN,
        code: 4,
        within: UNDONE,
        says: &["6443", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "api-server-that-is-killed-later",
        patch: (
            "kube-apiserver+json.yaml",
            "- {op: replace, path: /spec/containers/0/livenessProbe/httpGet/path, value: /nowhere}\n\
             - {op: replace, path: /spec/containers/0/livenessProbe/periodSeconds, value: 1}\n\
             - {op: replace, path: /spec/containers/0/livenessProbe/failureThreshold, value: 3}\n",
        ),
        command: UNSEEN,
        code: 4,
        within: 3 * UNDONE,
        says: &["probe|/nowhere|killed", "and healthy"],
        ..FAULT
    },
    Fault {
        name: "disk-full-in-the-middle",
        before: SMALL_DISK,
        after: "umount /etc/kubernetes/tmp",
        command: UNSEEN,
        code: 1,
        within: UNDONE,
        says: &["no space left", "and healthy"],
        ..FAULT
    },
];

/// Each fault on the same control plane, which is as before after each.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    control_plane_of_minor_before(node)?;
    let mut wrong = vec![];
    for fault in FAULTS {
        match meet(node, fault).with_context(|| fault.name)? {
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
    // Nothing of them is in the way of the upgrade, which keeps the user's Corefile.
    shell(node, "kubectl -n kube-system get configmap coredns -o yaml | sed 's/ttl 30/ttl 31/' | kubectl replace -f -")?
        .success()?;
    shell(node, APPLY)?.success()?;
    let corefile = shell(node, "kubectl -n kube-system get configmap coredns -o yaml")?.success()?;
    ensure!(corefile.stdout.contains("ttl 31"), "the user's Corefile is lost: {}", corefile.stdout);
    cluster::healthy(node)
}

/// After how many seconds the fault was told, or what is wrong with what was said.
fn meet(node: &Node, fault: &Fault) -> anyhow::Result<Result<f64, String>> {
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
    cluster::healthy(node).with_context(|| output.failure())?;
    let says: Vec<String> =
        fault.says.iter().map(|words| words.replace("TARGET", &node.plan.version)).collect();
    let says: Vec<&str> = says.iter().map(String::as_str).collect();
    Ok(output.told(fault.code, Duration::from_secs(fault.within), &says))
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
