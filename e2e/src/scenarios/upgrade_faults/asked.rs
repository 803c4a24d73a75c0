//! Upgrades that are asked for wrongly.

use super::{FAULT, Fault, PATCHED, UNKNOWN_FLAG};

pub(super) const FAULTS: &[Fault] = &[
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
        name: "patches-missing",
        command: "kubestrap upgrade apply TARGET --yes CHECKS --patches /nowhere",
        code: 2,
        says: &["/nowhere"],
        ..FAULT
    },
    Fault {
        name: "patch-unreadable",
        patch: ("kube-apiserver.yaml", "a: [\n"),
        command: PATCHED,
        code: 2,
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
];
