//! Disks without room, without inodes, or that kubelet takes for full.

use std::fs;

use super::fault::{Fault, fault};
use super::scene::{full, mount};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "etcd-disk-full",
        "the disk under /var/lib/etcd is full",
        |_| {
            full("/var/lib/etcd")
                .and_then(|()| Ok(fs::rename("/var/lib/etcd/filler", "/var/lib/etcd/lost+found")?))
        },
        &["/var/lib/etcd", "free|space|full"],
        &["make room|larger disk"],
    ),
    fault(
        "etcd-disk-small-ignored",
        "the disk under /var/lib/etcd is too small for etcd's first files, and the check is ignored",
        |s| {
            s.ignored.extend(["DiskSpace", "Inodes"]);
            mount(&["-t", "tmpfs", "-o", "size=2m", "tmpfs"], "/var/lib/etcd")
        },
        &["etcd", "no space left|/var/lib/etcd"],
        &["make room|larger disk"],
    ),
    fault(
        "kubelet-disk-full",
        "the disk under /var/lib/kubelet is full",
        |_| full("/var/lib/kubelet"),
        &["/var/lib/kubelet", "free|space|full"],
        &["make room|larger disk"],
    ),
    fault(
        "kubernetes-disk-full",
        "the disk under /etc/kubernetes is full",
        |_| full("/etc/kubernetes"),
        &["/etc/kubernetes", "free|space|full"],
        &["make room|larger disk"],
    ),
    fault(
        "kubernetes-disk-full-ignored",
        "the same, with the checks of disks ignored",
        |s| {
            s.ignored.extend(["DiskSpace", "Inodes", "Writable"]);
            full("/etc/kubernetes")
        },
        &["/etc/kubernetes", "no space left|space|full"],
        &["make room|larger disk|df "],
    )
    .ends(&[1, 3, 4]),
    fault(
        "kubelet-inodes-exhausted",
        "the disk under /var/lib/kubelet has no inodes left",
        |_| {
            mount(&["-t", "tmpfs", "-o", "size=64m,nr_inodes=2", "tmpfs"], "/var/lib/kubelet").and_then(
                |()| {
                    fs::write("/var/lib/kubelet/filler", "")?;
                    Ok(())
                },
            )
        },
        &["/var/lib/kubelet", "inode"],
        &["inodes"],
    ),
    fault(
        "eviction-threshold-too-high",
        "kubelet's threshold takes the disk for full",
        |s| {
            s.kubelet("evictionHard: {nodefs.available: '99%'}");
            Ok(())
        },
        &["nodefs", "evict|threshold|pressure"],
        &["make room|evictionHard|larger disk"],
    )
    .ends(&[0, 3, 4]),
    fault(
        "var-log-full",
        "the disk under /var/log is full: kubelet can make no folder for its Pods' logs",
        |_| {
            fs::create_dir_all("/var/log/pods")?;
            mount(&["-t", "tmpfs", "-o", "size=64m,nr_inodes=2", "tmpfs"], "/var/log/pods")?;
            fs::write("/var/log/pods/filler", "")?;
            Ok(())
        },
        &["/var/log", "no space left|full|inode"],
        &["make room|df |remove|larger disk"],
    ),
];
