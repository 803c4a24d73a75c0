//! Disk space and inodes, compared with kubelet's eviction thresholds and what etcd needs.

use std::path::{Path, PathBuf};

use crate::config::Settings;
use crate::finding::Finding;
use crate::host::disk::Disk;
use crate::host::machine::Machine;
use crate::quantity::factor;

/// What etcd allocates when it starts: two segments of its log, 64 MiB each, and some room.
const ETCD_NEEDS: u64 = 160 << 20;
/// What kubelet's and Kubernetes' small files need.
const FILES_NEED: u64 = 10 << 20;
/// Inodes without which nothing can be made.
const INODES_NEEDED: u64 = 200;

/// A file system that kubelet watches, under kubelet's name for it, and its default thresholds.
struct Watched {
    name: &'static str,
    path: PathBuf,
    /// `<name>.available`, in percent.
    space: u64,
}

/// kubelet's default of `<name>.inodesFree`, in percent.
const INODES_PERCENT: u64 = 5;

pub(crate) fn space(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let mut full = vec![];
    for (path, needed, who) in needs(settings) {
        let Ok(disk) = machine.disk(&path) else { continue };
        if disk.bytes_free < needed {
            let what = format!(
                "{} has {} left, and {who} needs {}",
                path.display(),
                size(disk.bytes_free),
                size(needed)
            );
            full.push((
                disk.mount_point.clone(),
                Finding::error(what).evidence(describe(&disk)).fix(make_room(&disk)),
            ));
        }
    }
    // The same file system once, by what needs the most of it.
    full.dedup_by(|b, a| a.0 == b.0);
    let told: Vec<PathBuf> = full.iter().map(|(mount, _)| mount.clone()).collect();
    let mut findings: Vec<Finding> = full.into_iter().map(|(_, finding)| finding).collect();
    for watched in watched(settings, machine) {
        let Ok(disk) = machine.disk(&watched.path) else { continue };
        let signal = format!("{}.available", watched.name);
        let least = threshold(settings, &signal, watched.space, disk.bytes);
        if disk.bytes_free < least && !told.contains(&disk.mount_point) {
            let what = format!(
                "{} has {} left of {}, less than kubelet's {signal} ({})",
                watched.path.display(),
                size(disk.bytes_free),
                size(disk.bytes),
                size(least)
            );
            findings.push(pressure(what, &disk));
        }
    }
    findings
}

pub(crate) fn inodes(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let mut told = vec![];
    let mut findings = vec![];
    for (path, _, _) in needs(settings) {
        let Ok(disk) = machine.disk(&path) else { continue };
        if disk.inodes > 0 && disk.inodes_free < INODES_NEEDED && !told.contains(&disk.mount_point) {
            let what =
                format!("{} has {} inodes left: no files can be created", path.display(), disk.inodes_free);
            findings.push(Finding::error(what).evidence(describe(&disk)).fix(few_files(&disk)));
            told.push(disk.mount_point);
        }
    }
    for watched in watched(settings, machine) {
        let Ok(disk) = machine.disk(&watched.path) else { continue };
        let signal = format!("{}.inodesFree", watched.name);
        let least = threshold(settings, &signal, INODES_PERCENT, disk.inodes);
        if disk.inodes > 0 && disk.inodes_free < least && !told.contains(&disk.mount_point) {
            let what = format!(
                "{} has {} inodes left of {}, less than kubelet's {signal} ({least})",
                watched.path.display(),
                disk.inodes_free,
                disk.inodes
            );
            findings.push(Finding { fix: Some(few_files(&disk)), ..pressure(what, &disk) });
            told.push(disk.mount_point);
        }
    }
    findings
}

/// Folders that init fills, what they need and for whom; what needs the most first.
fn needs(settings: &Settings) -> Vec<(PathBuf, u64, &'static str)> {
    let etcd =
        settings.cluster.config.etcd.local.as_ref().map(|l| (l.data_dir.clone().into(), ETCD_NEEDS, "etcd"));
    let rest = [
        (settings.node.paths.kubelet.clone(), FILES_NEED, "kubelet"),
        (settings.node.paths.kubeconfig_dir.clone(), FILES_NEED, "init"),
    ];
    etcd.into_iter().chain(rest).collect()
}

fn watched(settings: &Settings, machine: &dyn Machine) -> Vec<Watched> {
    let images = machine.runtime().ok().and_then(|r| r.image_dir);
    let node = Watched { name: "nodefs", path: settings.node.paths.kubelet.clone(), space: 10 };
    let images = images.map(|path| Watched { name: "imagefs", path, space: 15 });
    std::iter::once(node).chain(images).collect()
}

/// kubelet's threshold for a signal: `evictionHard`'s where that is given (what it leaves out is then 0, unless the
/// defaults are merged in), else the default in percent.
fn threshold(settings: &Settings, signal: &str, percent: u64, capacity: u64) -> u64 {
    let of = |percent: f64| (capacity as f64 * percent / 100.0) as u64;
    let default = of(percent as f64);
    let Some(kubelet) = &settings.cluster.kubelet else { return default };
    match kubelet.eviction_hard.get(signal) {
        Some(text) => match text.strip_suffix('%') {
            Some(number) => number.parse().map_or(default, of),
            None => quantity(text).unwrap_or(default),
        },
        None if kubelet.eviction_hard.is_empty() || kubelet.merge_default_eviction_settings == Some(true) => {
            default
        }
        None => 0,
    }
}

/// A whole quantity such as `1Gi` or `500M`.
fn quantity(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(digits)?;
    number.parse::<u64>().ok()?.checked_mul(factor(suffix)?)
}

fn pressure(what: String, disk: &Disk) -> Finding {
    Finding::warning(what)
        .evidence(describe(disk))
        .cause("kubelet would taint the node, evict Pods and delete images: other Pods than the control plane's won't run")
        .fix(make_room(disk))
}

fn make_room(disk: &Disk) -> String {
    format!(
        "`du -xh --max-depth=3 {} | sort -h | tail` shows what uses the space; free some, or mount a larger disk",
        path(disk)
    )
}

fn few_files(disk: &Disk) -> String {
    format!(
        "`du -x --inodes --max-depth=3 {} | sort -n | tail` shows where the files are; remove some",
        path(disk)
    )
}

fn path(disk: &Disk) -> std::path::Display<'_> {
    Path::display(&disk.mount_point)
}

fn describe(disk: &Disk) -> String {
    format!(
        "the file system at {} ({}): {} of {} free",
        path(disk),
        disk.device,
        size(disk.bytes_free),
        size(disk.bytes)
    )
}

fn size(bytes: u64) -> String {
    match bytes {
        b if b >= 10 << 30 => format!("{} GiB", b >> 30),
        b if b >= 1 << 20 => format!("{} MiB", b >> 20),
        b => format!("{} KiB", b >> 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;
    use crate::preflight::fake::{FakeMachine, settings, severities};

    fn with(mount: &str, bytes_free: u64, inodes_free: u64) -> FakeMachine {
        FakeMachine::with(|m| {
            let disk = Disk {
                mount_point: mount.into(),
                device: "/dev/vdb".into(),
                bytes: 100 << 30,
                bytes_free,
                inodes: 1_000_000,
                inodes_free,
            };
            m.disks.insert(mount.into(), disk);
        })
    }

    #[test]
    fn low_disk_space_is_a_warning_and_none_an_error() {
        let s = settings("");
        let space = |mount, free| severities(&with(mount, free, 900_000).check("DiskSpace", &s));
        assert_eq!(space("/var/lib/containerd", 16 << 30), []);
        assert_eq!(space("/var/lib/containerd", 14 << 30), [Severity::Warning]);
        assert_eq!(space("/var/lib/kubelet", 11 << 30), []);
        assert_eq!(space("/var/lib/kubelet", 9 << 30), [Severity::Warning]);
        assert_eq!(space("/var/lib/etcd", 200 << 20), [], "kubelet does not watch it");
        assert_eq!(space("/var/lib/etcd", 100 << 20), [Severity::Error]);
        assert_eq!(space("/var", 100 << 20), [Severity::Error], "one disk, one finding");
        assert_eq!(space("/", 1 << 20), [Severity::Error]);
        assert_eq!(space("/etc/kubernetes", 0), [Severity::Error]);
    }

    #[test]
    fn inodes_are_checked_like_space() {
        let inodes = |mount, free| severities(&with(mount, 90 << 30, free).check("Inodes", &settings("")));
        assert_eq!(inodes("/", 60_000), []);
        assert_eq!(inodes("/", 49_999), [Severity::Warning]);
        assert_eq!(inodes("/var/lib/etcd", 3), [Severity::Error]);
        assert_eq!(inodes("/", 0), [Severity::Error]);
        let mut btrfs = with("/", 90 << 30, 0);
        btrfs.disks.get_mut(Path::new("/")).unwrap().inodes = 0;
        assert!(btrfs.check("Inodes", &settings("")).is_empty());
    }

    #[test]
    fn thresholds_are_those_of_the_configuration() {
        let of = |text: &str, signal: &str| {
            let config =
                format!("---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n{text}");
            threshold(&settings(&config), signal, 10, 1000)
        };
        assert_eq!(of("", "nodefs.available"), 100);
        assert_eq!(of("evictionHard: {nodefs.available: '2.5%'}", "nodefs.available"), 25);
        assert_eq!(of("evictionHard: {nodefs.available: 1Ki}", "nodefs.available"), 1024);
        assert_eq!(of("evictionHard: {memory.available: 1Ki}", "nodefs.available"), 0);
        let merged = "evictionHard: {memory.available: 1Ki}\nmergeDefaultEvictionSettings: true";
        assert_eq!(of(merged, "nodefs.available"), 100);
        assert_eq!(
            (quantity("5"), quantity("1Gi"), quantity("x"), quantity("1.5Gi")),
            (Some(5), Some(1 << 30), None, None)
        );
    }
}
