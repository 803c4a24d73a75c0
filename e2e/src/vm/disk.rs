//! The machine's disk: Debian, what a user installs before `init`, and the job.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{check, run};
use crate::images;
use crate::machine::{NODE_NAME, Network};
use crate::plan::Plan;

/// Room for what runs in it; a file that takes only what is written.
const SIZE: u64 = 8 << 30;
/// What of the user's folder is installed; runc is Debian's.
const INSTALLED: &[&str] =
    &["kubestrap", "kubelet", "kubectl", "containerd", "containerd-shim-runc-v2", "ctr"];
/// Files as a user writes them.
const FILES: &[(&str, &str)] = &[
    ("etc/fstab", "/dev/vda / ext4 defaults 0 1\n"),
    // What Kubernetes' documentation asks for.
    ("etc/sysctl.d/kubernetes.conf", "net.ipv4.ip_forward = 1\n"),
    ("etc/modules-load.d/kubernetes.conf", "overlay\nbr_netfilter\n"),
    ("etc/systemd/system/containerd.service", include_str!("containerd.service")),
    ("etc/systemd/system/e2e.service", include_str!("e2e.service")),
];
/// Services that start with the machine, and where their units lie.
const ENABLED: &[(&str, &str)] = &[
    ("multi-user.target.wants", "/usr/lib/systemd/system/systemd-networkd.service"),
    ("network-online.target.wants", "/usr/lib/systemd/system/systemd-networkd-wait-online.service"),
    ("multi-user.target.wants", "/etc/systemd/system/containerd.service"),
    ("multi-user.target.wants", "/etc/systemd/system/e2e.service"),
];

/// Makes it in the folder `work`.
///
/// # Errors
/// When a file can't be copied or written.
pub(super) fn make(plan: &Plan, base: &Path, work: &Path) -> anyhow::Result<PathBuf> {
    let (root, disk) = (work.join("root"), work.join("disk.img"));
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    let result = fill(plan, base, &root).and_then(|()| {
        File::create(&disk)?.set_len(SIZE)?;
        let mut mke2fs = Command::new("mke2fs");
        run(mke2fs.args(["-q", "-F", "-t", "ext4", "-d"]).args([&root, &disk]))?.success()
    });
    fs::remove_dir_all(&root)?;
    result.map(|_| disk)
}

fn fill(plan: &Plan, base: &Path, root: &Path) -> anyhow::Result<()> {
    check("cp", &["--archive", &base.to_string_lossy(), &root.to_string_lossy()])?;
    for (name, program) in plan.programs.iter().filter(|(n, _)| INSTALLED.contains(&n.as_str())) {
        install(program, &root.join("usr/bin").join(name))?;
    }
    install(&plan.harness, &root.join("e2e/harness"))?;
    put(root, "e2e/plan.json", &serde_json::to_string(plan)?)?;
    fs::create_dir_all(root.join("e2e/logs"))?;
    images::copy_to(plan, root)?;
    for (path, text) in FILES {
        put(root, path, text)?;
    }
    put(root, "etc/containerd/config.toml", &include_str!("containerd.toml").replace("PAUSE", plan.pause()))?;
    put(root, "etc/hostname", &format!("{NODE_NAME}\n"))?;
    put(root, "etc/hosts", &format!("127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {NODE_NAME}\n"))?;
    let address = Network::alone().address;
    let network =
        format!("[Match]\nName=en*\n\n[Network]\nAddress={address}/24\nGateway={}\n", super::qemu::GATEWAY);
    put(root, "etc/systemd/network/wired.network", &network)?;
    for (target, unit) in ENABLED {
        let folder = root.join("etc/systemd/system").join(target);
        fs::create_dir_all(&folder)?;
        let link = folder.join(Path::new(unit).file_name().unwrap_or_default());
        let _ = fs::remove_file(&link);
        symlink(unit, link)?;
    }
    Ok(())
}

fn put(root: &Path, path: &str, text: &str) -> anyhow::Result<()> {
    let file = root.join(path);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(file, text)?)
}

fn install(program: &Path, place: &Path) -> anyhow::Result<()> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(program, place)?;
    Ok(fs::set_permissions(place, fs::Permissions::from_mode(0o755))?)
}
