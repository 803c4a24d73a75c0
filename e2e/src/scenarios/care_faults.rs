//! What can go wrong with backup, restore, snapshots, care and the rotation of CAs, on a real control plane: the cause is
//! named, with what to do, soon, by the right exit code, and the control plane is as before.

use std::time::Duration;

use anyhow::{Context, ensure};

use crate::cluster;
use crate::command::Output;
use crate::config::Config;
use crate::node::{ADMIN, Node};

/// From when a fault can be proven to when it must be told.
const LIMIT: Duration = Duration::from_secs(20);
/// Where all of it happens.
const FOLDER: &str = "/root/faults";

/// A fault: how it comes about, the command that meets it, and what must be said.
struct Fault {
    name: &'static str,
    /// A shell's words before the command, and after it, which take the fault away.
    before: &'static str,
    after: &'static str,
    /// The command.
    command: &'static str,
    code: i32,
    /// What must be said; `|` parts words of which one will do.
    says: &'static [&'static str],
}

/// What most faults have in common.
const FAULT: Fault = Fault { name: "", before: "", after: "", command: "", code: 1, says: &[] };
/// Before all: an archive, a snapshot, and what is wrong with copies of them.
const PREPARE: &str = "mkdir -p empty small
echo correct horse > pass; echo wrong > wrong
kubestrap backup --passphrase-file pass good.age
kubestrap etcd snapshot save good.db
head -c 20000 good.age > cut.age
cp good.age flipped.age; printf '\\377' | dd of=flipped.age bs=1 seek=50000 conv=notrunc status=none
head -c 100000 good.db > cut.db
cp good.db flipped.db; printf '\\377' | dd of=flipped.db bs=1 seek=70000 conv=notrunc status=none
cp /var/lib/etcd/member/snap/db copy.db
sed 's/:6443/:6444/' /etc/kubernetes/admin.conf > elsewhere.conf
mount -t tmpfs -o size=64k none small";
const STOP_ETCD: &str = "kill -STOP $(pidof etcd)";
const CONTINUE_ETCD: &str = "kill -CONT $(pidof etcd)";
/// Has all certificates made so that they are due.
const SHORTEN: &str = "kubestrap certs renew all --config short.yaml";
const RENEW: &str = "kubestrap certs renew all --restart";
const CARE: &str = "kubestrap care run --snapshots=false";

const FAULTS: &[Fault] = &[
    Fault {
        name: "backup-without-a-key",
        command: "kubestrap backup other.age",
        code: 2,
        says: &["no key is given", "fix: give --passphrase-file"],
        ..FAULT
    },
    Fault {
        name: "backup-to-no-recipient",
        command: "kubestrap backup --recipient age1nonsense other.age",
        says: &["is not a recipient", "age-keygen"],
        ..FAULT
    },
    Fault {
        name: "backup-over-a-file",
        command: "kubestrap backup --passphrase-file pass good.age",
        says: &["good.age exists already", "name another file"],
        ..FAULT
    },
    Fault {
        name: "backup-without-room",
        command: "kubestrap backup --passphrase-file pass small/a.age",
        says: &["no space left", "free some; `df -h`"],
        ..FAULT
    },
    Fault {
        name: "backup-where-no-control-plane-is",
        command: "kubestrap backup --passphrase-file pass --manifests empty other.age",
        code: 2,
        says: &["runs no control plane", "run this on a control-plane node"],
        ..FAULT
    },
    Fault {
        name: "backup-while-etcd-hangs",
        before: STOP_ETCD,
        after: CONTINUE_ETCD,
        command: "kubestrap backup --passphrase-file pass other.age",
        says: &["etcd", "2379", "fix:"],
        ..FAULT
    },
    Fault {
        name: "passphrase-file-missing",
        command: "kubestrap backup --passphrase-file none other.age",
        code: 2,
        says: &["none", "no such file"],
        ..FAULT
    },
    Fault {
        name: "archive-cut-off",
        command: "kubestrap backup --verify cut.age --passphrase-file pass",
        says: &["cut.age is damaged", "cut off", "use another copy"],
        ..FAULT
    },
    Fault {
        name: "archive-byte-flipped",
        command: "kubestrap backup --verify flipped.age --passphrase-file pass",
        says: &["flipped.age is damaged", "use another copy"],
        ..FAULT
    },
    Fault {
        name: "archive-wrong-passphrase",
        command: "kubestrap backup --list good.age --passphrase-file wrong",
        says: &["good.age can't be decrypted", "passphrase", "fix:"],
        ..FAULT
    },
    Fault {
        name: "archive-is-something-else",
        command: "kubestrap backup --list /etc/passwd --passphrase-file pass",
        says: &["/etc/passwd is not an archive", "name the file that `kubestrap backup` wrote"],
        ..FAULT
    },
    Fault {
        name: "identity-is-something-else",
        command: "kubestrap backup --list good.age --identity /etc/passwd",
        says: &["not an identity", "age-keygen"],
        ..FAULT
    },
    Fault {
        name: "restore-over-a-control-plane",
        command: "kubestrap restore --passphrase-file pass good.age",
        code: 3,
        says: &["this machine has a control plane already", "kubestrap reset"],
        ..FAULT
    },
    Fault {
        name: "restore-of-a-damaged-archive",
        command: "kubestrap restore --passphrase-file pass flipped.age",
        says: &["flipped.age is damaged", "use another copy"],
        ..FAULT
    },
    Fault {
        name: "restore-by-the-wrong-key",
        command: "kubestrap restore --passphrase-file wrong good.age",
        says: &["good.age can't be decrypted", "fix:"],
        ..FAULT
    },
    Fault {
        name: "snapshot-byte-flipped",
        command: "kubestrap etcd snapshot verify flipped.db",
        says: &["flipped.db is damaged", "sha-256", "fix: use another snapshot"],
        ..FAULT
    },
    Fault {
        name: "snapshot-cut-off",
        command: "kubestrap etcd snapshot verify cut.db",
        says: &["cut.db", "cut off", "fix: use another snapshot"],
        ..FAULT
    },
    Fault {
        name: "snapshot-restore-of-a-flipped-byte",
        command: "kubestrap etcd snapshot restore --yes flipped.db",
        says: &["flipped.db is damaged", "fix: use another snapshot"],
        ..FAULT
    },
    Fault {
        name: "snapshot-restore-of-a-copied-database",
        command: "kubestrap etcd snapshot restore --yes copy.db",
        says: &["copy.db", "--skip-hash-check"],
        ..FAULT
    },
    Fault {
        name: "snapshot-restore-of-something-else",
        command: "kubestrap etcd snapshot restore --yes --skip-hash-check /etc/passwd",
        says: &["/etc/passwd is not a database of etcd", "fix:"],
        ..FAULT
    },
    Fault {
        name: "snapshot-over-a-file",
        command: "kubestrap etcd snapshot save good.db",
        says: &["good.db exists already", "fix:"],
        ..FAULT
    },
    Fault {
        name: "snapshot-without-room",
        command: "kubestrap etcd snapshot save small/s.db",
        says: &["no space left", "free some; `df -h`"],
        ..FAULT
    },
    Fault {
        name: "snapshot-by-another-ca",
        command: "kubestrap etcd snapshot save other.db --cacert /etc/kubernetes/pki/ca.crt --cert /etc/kubernetes/pki/etcd/healthcheck-client.crt --key /etc/kubernetes/pki/etcd/healthcheck-client.key",
        says: &["certificate", "fix:"],
        ..FAULT
    },
    Fault {
        name: "snapshot-by-a-client-etcd-does-not-know",
        command: "kubestrap etcd snapshot save other.db --cert /etc/kubernetes/pki/apiserver-kubelet-client.crt --key /etc/kubernetes/pki/apiserver-kubelet-client.key",
        says: &["certificate", "fix:"],
        ..FAULT
    },
    Fault {
        name: "snapshot-where-no-etcd-is",
        command: "kubestrap etcd snapshot save other.db --manifests empty",
        code: 2,
        says: &["empty/etcd.yaml", "--endpoints"],
        ..FAULT
    },
    Fault {
        name: "health-while-etcd-hangs",
        before: STOP_ETCD,
        after: CONTINUE_ETCD,
        command: "kubestrap etcd health",
        code: 4,
        says: &["2379", "no connection within 2 s", "fix: "],
    },
    Fault {
        name: "recover-with-a-quorum",
        command: "kubestrap etcd recover --yes",
        says: &["has a quorum", "fix:"],
        ..FAULT
    },
    Fault {
        name: "recover-where-no-etcd-is",
        command: "kubestrap etcd recover --yes --manifests empty",
        code: 2,
        says: &["runs no etcd", "fix:"],
        ..FAULT
    },
    Fault {
        name: "care-certificate-missing",
        before: "mv /etc/kubernetes/pki/etcd/peer.crt .",
        after: "mv peer.crt /etc/kubernetes/pki/etcd/",
        command: CARE,
        says: &["etcd-peer is missing", "restore it from a backup"],
        ..FAULT
    },
    Fault {
        name: "care-certificate-unreadable",
        before: "cp /etc/kubernetes/pki/front-proxy-client.crt kept.crt; echo nonsense > /etc/kubernetes/pki/front-proxy-client.crt",
        after: "cp kept.crt /etc/kubernetes/pki/front-proxy-client.crt",
        command: CARE,
        says: &["front-proxy-client", "restore it from a backup"],
        ..FAULT
    },
    Fault {
        name: "care-kubelet-conf-embeds-its-certificate",
        before: "cp /etc/kubernetes/kubelet.conf kept.conf; cp /etc/kubernetes/admin.conf /etc/kubernetes/kubelet.conf",
        after: "cp kept.conf /etc/kubernetes/kubelet.conf",
        command: CARE,
        says: &["kubelet.conf embeds a client certificate", "kubelet-client-current.pem"],
        ..FAULT
    },
    Fault {
        name: "care-kubelet-conf-missing",
        before: "mv /etc/kubernetes/kubelet.conf kept.conf",
        after: "mv kept.conf /etc/kubernetes/kubelet.conf",
        command: CARE,
        says: &["kubelet.conf is missing", "fix:"],
        ..FAULT
    },
    Fault {
        name: "care-rotation-turned-off",
        before: "cp /var/lib/kubelet/config.yaml kept.yaml; sed -i 's/rotateCertificates: true/rotateCertificates: false/' /var/lib/kubelet/config.yaml",
        after: "cp kept.yaml /var/lib/kubelet/config.yaml",
        command: CARE,
        says: &["rotateCertificates is false", "set `rotateCertificates: true`"],
        ..FAULT
    },
    Fault {
        name: "care-cluster-not-to-be-asked",
        before: SHORTEN,
        after: RENEW,
        command: "kubestrap care run --snapshots=false --kubeconfig elsewhere.conf",
        says: &["kubestrap-care can't be taken", "fix:"],
        ..FAULT
    },
    Fault {
        name: "care-external-ca",
        before: "kubestrap certs renew all --config short.yaml; mv /etc/kubernetes/pki/front-proxy-ca.key .",
        after: "mv front-proxy-ca.key /etc/kubernetes/pki/; kubestrap certs renew all --restart",
        command: CARE,
        code: 0,
        says: &["front-proxy-client is due", "requests/front-proxy-client.csr signed"],
    },
    Fault {
        name: "care-user-s-copy-is-due",
        before: "kubestrap certs renew all --config short.yaml; mkdir -p /root/.kube; cp /etc/kubernetes/admin.conf /root/.kube/config",
        after: "rm /root/.kube/config; kubestrap certs renew all --restart",
        command: CARE,
        code: 0,
        says: &["/root/.kube/config", "copy the renewed kubeconfig again"],
    },
    Fault {
        name: "rotate-ca-of-an-external-ca",
        before: "mv /etc/kubernetes/pki/ca.key .",
        after: "mv ca.key /etc/kubernetes/pki/",
        command: "kubestrap certs rotate-ca",
        code: 3,
        says: &["ca.key", "fix:"],
    },
    Fault {
        name: "rotate-ca-with-a-ca-that-does-not-fit-its-key",
        before: "mkdir -p /etc/kubernetes/pki/ca-rotation/new; cp /etc/kubernetes/pki/ca.crt /etc/kubernetes/pki/ca-rotation/new/; cp /etc/kubernetes/pki/sa.key /etc/kubernetes/pki/ca-rotation/new/ca.key",
        after: "rm -r /etc/kubernetes/pki/ca-rotation",
        command: "kubestrap certs rotate-ca",
        code: 3,
        says: &["ca-rotation/new/ca.crt", "key", "fix:"],
    },
    Fault {
        name: "rotate-ca-without-room",
        before: "mkdir -p /etc/kubernetes/pki/ca-rotation; mount -t tmpfs -o size=4k,nr_inodes=3 none /etc/kubernetes/pki/ca-rotation",
        after: "umount /etc/kubernetes/pki/ca-rotation; rm -r /etc/kubernetes/pki/ca-rotation",
        command: "kubestrap certs rotate-ca",
        says: &["no space left", "ca-rotation", "df -h"],
        ..FAULT
    },
    Fault {
        name: "rotate-ca-finish-of-nothing",
        command: "kubestrap certs rotate-ca finish",
        code: 2,
        says: &["no rotation of the cas to finish", "`kubestrap certs rotate-ca` begins one"],
        ..FAULT
    },
    Fault {
        name: "rotate-ca-rollback-of-nothing",
        command: "kubestrap certs rotate-ca rollback",
        code: 2,
        says: &["no rotation of the cas to go back from"],
        ..FAULT
    },
];

/// Each fault on the same control plane.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    std::fs::create_dir_all(FOLDER)?;
    let short = Config::cluster("certificateValidityPeriod: 2m20s").text(&node.plan.version);
    std::fs::write(format!("{FOLDER}/short.yaml"), short)?;
    shell(node, PREPARE)?.success()?;
    let containers = cluster::containers(node)?;
    let mut wrong = vec![];
    for fault in FAULTS {
        shell(node, fault.before)?.success().context(fault.name)?;
        let output = shell(node, fault.command);
        shell(node, fault.after)?.success().context(fault.name)?;
        match output?.told(fault.code, LIMIT, fault.says) {
            Ok(seconds) => node.note(format!("{} {seconds:.1} s", fault.name)),
            Err(why) => wrong.push(format!("{}: {why}", fault.name)),
        }
    }
    let count = FAULTS.len();
    ensure!(wrong.is_empty(), "{} of {count} faults are told wrongly:\n{}", wrong.len(), wrong.join("\n"));
    cluster::healthy(node)?;
    // The other two read their certificates again, and were restarted where the fault had them changed.
    for component in ["etcd", "kube-apiserver"] {
        ensure!(
            cluster::containers(node)?.get(component) == containers.get(component),
            "{component} was restarted"
        );
    }
    Ok(())
}

/// Runs a shell's words in the folder of the faults.
fn shell(node: &Node, words: &str) -> anyhow::Result<Output> {
    let script = format!("set -e\ncd {FOLDER}\nexport KUBECONFIG={ADMIN}\n{words}\n");
    node.run("bash", &["-c", &script])
}
