//! The directories that are written to are writable, and no directory is at the path of a file.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::Settings;
use crate::finding::Finding;
use crate::host::machine::{Machine, PathKind};
use crate::pki::table::{CERTIFICATES, SERVICE_ACCOUNT};

pub(crate) fn check(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let paths = &settings.node.paths;
    let etcd = settings.cluster.config.etcd.local.as_ref().map(|l| PathBuf::from(&l.data_dir));
    let dirs = [&paths.kubeconfig_dir, &paths.certificates, &paths.manifests, &paths.kubelet];
    let mut findings: Vec<Finding> = vec![];
    let mut told: Vec<(&Path, io::ErrorKind)> = vec![];
    for dir in dirs.into_iter().chain(&etcd) {
        let Err(error) = machine.try_write(dir) else { continue };
        // What goes for the folder around it is said once.
        if told.iter().any(|(outer, kind)| dir.starts_with(outer) && *kind == error.kind()) {
            continue;
        }
        told.push((dir, error.kind()));
        let mount = machine.disk(dir).map(|d| (d.mount_point, d.device)).ok();
        let finding = unwritable(dir, &error, mount.as_ref().map(|(point, _)| point.as_path()));
        let evidence = match &mount {
            Some((point, device)) => {
                format!("{error}; it is on the file system at {} ({device})", point.display())
            }
            None => error.to_string(),
        };
        findings.push(finding.evidence(evidence));
    }
    let blocked = files(settings).into_iter().filter(|f| machine.kind(f) == Some(PathKind::Dir));
    findings.extend(blocked.map(|file| {
        let shown = file.display();
        Finding::error(format!("{shown} is a directory, where a file is to be written"))
            .cause("a container runtime creates a directory for a mount whose source does not exist")
            .fix(format!("`mv {shown} {shown}.old`"))
    }));
    findings
}

fn unwritable(dir: &Path, error: &io::Error, mount: Option<&Path>) -> Finding {
    let shown = dir.display();
    let mount = mount.unwrap_or(dir).display();
    let finding = Finding::error(format!("{shown} is not writable"));
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => finding
            .cause("the file system is mounted read-only: by /etc/fstab, by an immutable distribution, or by the kernel after an error (`dmesg`)")
            .fix(format!("`mount -o remount,rw {mount}`")),
        io::ErrorKind::PermissionDenied => finding
            .cause("although we are root: it is marked immutable, SELinux forbids it, or it is on a network share")
            .fix(format!("`lsattr -d {shown}` and `chattr -i {shown}`; or see `ausearch -m avc -ts recent`")),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => finding
            .cause("no space, or no inodes, are left")
            .fix(format!("`df -h {mount}; df -i {mount}` shows which; free some")),
        io::ErrorKind::NotADirectory => finding
            .cause("a file is where a directory should be")
            .fix(format!("`mv {shown} {shown}.old`, or move the file among its parent directories away (`ls -ld`)")),
        _ => finding.fix("see `dmesg` for what is wrong with that file system"),
    }
}

/// Files that init writes; of manifests, `FileAvailable` tells.
fn files(settings: &Settings) -> Vec<PathBuf> {
    let paths = &settings.node.paths;
    let kubeconfigs =
        ["admin.conf", "super-admin.conf", "kubelet.conf", "controller-manager.conf", "scheduler.conf"];
    let kubelet = ["config.yaml", "instance-config.yaml", "kubeadm-flags.env"];
    let pairs =
        CERTIFICATES.iter().flat_map(|row| [format!("{}.crt", row.base), format!("{}.key", row.base)]);
    let keys = [SERVICE_ACCOUNT.private_key, SERVICE_ACCOUNT.public_key].map(str::to_owned);
    let mut files: Vec<PathBuf> = kubeconfigs.map(|f| paths.kubeconfig(f)).into();
    files.extend(kubelet.map(|f| paths.kubelet.join(f)));
    files.extend(pairs.chain(keys).map(|f| paths.certificates.join(f)));
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::{FakeMachine, settings};
    use crate::preflight::{Options, Subject, run_checks};

    #[test]
    fn each_reason_for_an_unwritable_directory_has_its_fix() {
        let s = settings("");
        for (kind, fix) in [
            (io::ErrorKind::ReadOnlyFilesystem, "`mount -o remount,rw /`"),
            (io::ErrorKind::PermissionDenied, "chattr -i /etc/kubernetes"),
            (io::ErrorKind::StorageFull, "df -i /"),
            (io::ErrorKind::NotADirectory, "mv /etc/kubernetes"),
        ] {
            let machine = FakeMachine::with(|m| {
                m.write_errors.insert("/etc/kubernetes".into(), kind);
            });
            let found = machine.finding("Writable", &s);
            assert!(found.fix.as_ref().unwrap().contains(fix), "{found:?}");
            assert!(found.evidence[0].contains("/dev/vda1"));
            let dry = Options { dry_run: true, ..Options::default() };
            assert_eq!(
                run_checks(&Subject::init(&s), std::sync::Arc::new(machine), &dry).findings,
                [],
                "a dry run writes nothing"
            );
        }
    }

    #[test]
    fn nested_directories_are_reported_once() {
        let machine = FakeMachine::with(|m| {
            for dir in
                ["/etc/kubernetes", "/etc/kubernetes/pki", "/etc/kubernetes/manifests", "/var/lib/kubelet"]
            {
                m.write_errors.insert(dir.into(), io::ErrorKind::ReadOnlyFilesystem);
            }
        });
        let found = machine.check("Writable", &settings(""));
        let told: Vec<&str> = found.iter().filter_map(|f| f.what.split(' ').next()).collect();
        assert_eq!(told, ["/etc/kubernetes", "/var/lib/kubelet"]);
    }

    #[test]
    fn directory_in_place_of_a_file_is_an_error() {
        let machine = FakeMachine::with(|m| {
            m.dirs.insert("/etc/kubernetes/admin.conf".into(), vec![]);
        });
        assert!(
            machine
                .finding("Writable", &settings(""))
                .what
                .starts_with("/etc/kubernetes/admin.conf is a directory")
        );
    }
}
