//! `reset`: by configuration, by phase, and what each leaves.

use super::support::{Machine, Run, is_root, kubestrap, note_skipped};

const RESET: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ResetConfiguration\n";

fn reset(machine: &Machine, args: &str) -> Run {
    kubestrap(&["reset"]).args(args).arg("--rootfs").arg(machine.file(""))
}

/// A machine with a control plane's files, etcd's data and a configuration for reset.
fn machine(fields: &str) -> Machine {
    let machine = Machine::with_files();
    std::fs::create_dir_all(machine.file("/var/lib/etcd/member")).unwrap();
    std::fs::write(machine.file("/var/lib/etcd/member/snap.db"), "data").unwrap();
    std::fs::create_dir_all(machine.file("/etc/kubernetes/tmp/left")).unwrap();
    std::fs::write(machine.file("/reset.yaml"), format!("{RESET}{fields}")).unwrap();
    machine
}

fn has(machine: &Machine, path: &str) -> bool {
    machine.file(path).exists()
}

#[test]
fn configuration_file_takes_the_place_of_flags() {
    if !is_root() {
        return note_skipped("only root can change its root folder, to have a machine of its own");
    }
    let machine = machine("force: true\ncleanupTmpDir: true\n");
    reset(&machine, "--config /reset.yaml --dry-run").run().succeeded();
    assert!(has(&machine, "/etc/kubernetes/admin.conf"));
    let done = reset(&machine, "--config /reset.yaml").run().succeeded();
    assert!(!done.stderr.contains("[config]"), "nothing of init's configuration matters: {}", done.stderr);
    for gone in [
        "/etc/kubernetes/admin.conf",
        "/etc/kubernetes/pki/ca.crt",
        "/etc/kubernetes/manifests/etcd.yaml",
        "/etc/kubernetes/tmp/left",
        "/var/lib/kubelet/config.yaml",
        "/var/lib/etcd/member",
    ] {
        assert!(!has(&machine, gone), "{gone}");
    }
}

#[test]
fn configuration_file_that_asks_is_not_answered_by_silence() {
    if !is_root() {
        return note_skipped("only root can change its root folder, to have a machine of its own");
    }
    let machine = machine("");
    reset(&machine, "--config /reset.yaml").run().refused(1, &["aborted reset operation"]);
    assert!(has(&machine, "/etc/kubernetes/admin.conf"));
}

#[test]
fn flags_beside_a_configuration_file_are_refused() {
    let file = |fields: &str| kubestrap(&["reset"]).config(format!("{RESET}{fields}"));
    file("").args("--force --cert-dir /pki --cleanup-tmp-dir").run().refused(
        2,
        &["can not mix '--config' with arguments [cert-dir cleanup-tmp-dir force]", "set them in"],
    );
    file("unmountFlags: [MNT_LAZY]\n")
        .run()
        .refused(2, &["config.yaml:3:16: unmountFlags.0: \"MNT_LAZY\" is not one of MNT_FORCE, MNT_DETACH"]);
    file("skipPhases: [cleanup]\n").run().refused(2, &["did you mean \"cleanup-node\""]);
    kubestrap(&["reset"]).config("kind: X\n").run().refused(2, &["without `apiVersion`"]);
}

#[test]
fn each_phase_does_its_own_part_without_asking() {
    if !is_root() {
        return note_skipped("only root can change its root folder, to have a machine of its own");
    }
    let machine = machine("");
    reset(&machine, "phase preflight --force").run().succeeded();
    assert!(has(&machine, "/var/lib/etcd/member/snap.db"));
    reset(&machine, "phase remove-etcd-member").run().succeeded();
    assert!(!has(&machine, "/var/lib/etcd/member/snap.db"));
    assert!(has(&machine, "/etc/kubernetes/manifests/etcd.yaml"));
    reset(&machine, "phase cleanupnode --config /reset.yaml").run().succeeded();
    assert!(!has(&machine, "/etc/kubernetes/manifests/etcd.yaml"));
}

#[test]
fn etcd_data_stay_where_the_removal_of_the_member_is_skipped() {
    if !is_root() {
        return note_skipped("only root can change its root folder, to have a machine of its own");
    }
    let machine = machine("force: true\nskipPhases: [remove-etcd-member]\n");
    let done = reset(&machine, "--config /reset.yaml").run().succeeded();
    assert!(done.stderr.contains("Keeping etcd's data in /var/lib/etcd"), "{}", done.stderr);
    assert!(has(&machine, "/var/lib/etcd/member/snap.db"));
    assert!(!has(&machine, "/etc/kubernetes/pki/ca.crt"));
}
