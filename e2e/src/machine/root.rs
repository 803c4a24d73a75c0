//! The machine's root: the host's, copy-on-write, without what a node may have left there.

use std::ffi::CString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, bail};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_change,
    unmount,
};
use rustix::process::pivot_root;

use super::cgroup;
use super::launch::Request;

/// Where the machine has its programs, first on PATH.
pub(crate) const PROGRAMS: &str = "/e2e/bin";

/// What of the host must not be seen: what a node or its packages leave.
const HIDDEN: &[&str] = &[
    // A second machine is made in the first, and sees its programs.
    "e2e/bin",
    "etc/kubernetes",
    "etc/cni",
    "etc/crio",
    "etc/docker",
    "etc/default/kubelet",
    "etc/sysconfig/kubelet",
    "etc/systemd/system/kubelet.service",
    "etc/systemd/system/kubelet.service.d",
    "etc/systemd/system/multi-user.target.wants/kubelet.service",
    "lib/systemd/system/kubelet.service",
    "lib/systemd/system/kubelet.service.d",
    "opt/cni",
    "root/.kube",
    "usr/bin/kubelet",
    "usr/lib/systemd/system/kubelet.service",
    "usr/lib/systemd/system/kubelet.service.d",
];

/// Kernel settings that kubelet writes and that no namespace keeps apart: the machine gets files in their place.
const KERNEL_SETTINGS: &[&str] = &[
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
];

/// Builds the root in the request's folder and moves this process into it. The folder must not lie on an overlay: containerd's
/// own overlays would have to stand on that one.
///
/// The root is an overlay whose changes go to memory; what a node keeps on its disk (`/etc`, `/var/lib`, `/var/log`)
/// goes to the folder, so that writing costs what it costs on a disk.
///
/// # Errors
/// When a mount fails.
pub(super) fn build(request: &Request) -> anyhow::Result<()> {
    let dir = &request.dir;
    let root = dir.join("root");
    let memory = dir.join("memory");
    for folder in [&root, &memory] {
        fs::create_dir_all(folder)?;
    }
    plain("tmpfs", &memory)?;
    overlay(Path::new("/"), &memory, &root)?;
    overlay(Path::new("/etc"), &dir.join("etc"), &root.join("etc"))?;
    plain("proc", &root.join("proc"))?;
    plain("sysfs", &root.join("sys"))?;
    plain("tmpfs", &root.join("run"))?;
    mount_bind_recursive("/dev", root.join("dev")).context("/dev can't be bound")?;
    plain("tmpfs", &root.join("dev/shm"))?;
    for folder in ["var/lib", "var/log"] {
        bind(&dir.join(folder), &root.join(folder))?;
    }
    cgroup::mount_all(&root)?;
    keep_kernel_settings(&root)?;
    bind(&request.logs, &root.join("e2e/logs"))?;
    enter(&root)?;
    // From here on, no path leads to the host: what is written and removed is so in the overlays.
    hide(request.again)?;
    for (name, program) in &request.programs {
        link(program, &Path::new(PROGRAMS).join(name))?;
    }
    for folder in ["/etc/cni/net.d", "/opt/cni/bin", "/run/lock"] {
        fs::create_dir_all(folder)?;
    }
    request.network.name_files()
}

fn plain(kind: &str, place: &Path) -> anyhow::Result<()> {
    mount(kind, place, kind, MountFlags::empty(), None)
        .with_context(|| format!("{kind} can't be mounted on {}", place.display()))
}

fn bind(folder: &Path, place: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    fs::create_dir_all(place)?;
    mount_bind(folder, place).with_context(|| format!("{} can't be bound", folder.display()))
}

/// Mounts `lower` on `place`, with changes going below `changes`.
fn overlay(lower: &Path, changes: &Path, place: &Path) -> anyhow::Result<()> {
    let (upper, work) = (changes.join("upper"), changes.join("work"));
    fs::create_dir_all(&upper)?;
    fs::create_dir_all(&work)?;
    let shown = [lower, &upper, &work].map(|p| p.display().to_string());
    if shown.iter().any(|p| p.contains([',', ':', '\\'])) {
        bail!("{}: a path with a comma, colon or backslash can't be part of an overlay", changes.display());
    }
    let [lower, upper, work] = shown;
    let options = CString::new(format!("lowerdir={lower},upperdir={upper},workdir={work}"))?;
    mount("overlay", place, "overlay", MountFlags::empty(), options.as_c_str())
        .with_context(|| format!("an overlay of {lower} can't be mounted"))
}

/// Takes what a node may have left out of the root. An overlay remembers it as gone and leaves the host's alone. What
/// the machine itself has on its disk, started `again`, stays.
fn hide(again: bool) -> anyhow::Result<()> {
    if !is_overlay(Path::new("/"))? || !is_overlay(Path::new("/etc"))? {
        bail!("the root is not the machine's own");
    }
    for path in HIDDEN.iter().filter(|path| !(again && path.starts_with("etc/"))) {
        let path = Path::new("/").join(path);
        let removed = match path.symlink_metadata() {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(_) => continue,
        };
        // Two names may lead to one place: /lib is often a link to /usr/lib.
        if let Err(error) = removed
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error).with_context(|| format!("{} can't be hidden", path.display()));
        }
    }
    Ok(())
}

/// Whether `path` lies on an overlay.
///
/// # Errors
/// When it can't be told.
pub(super) fn is_overlay(path: &Path) -> anyhow::Result<bool> {
    /// From linux/magic.h.
    const OVERLAYFS_SUPER_MAGIC: u32 = 0x794c_7630;
    let found = rustix::fs::statfs(path).with_context(|| format!("{} can't be asked", path.display()))?;
    // The field's type differs among architectures.
    Ok(found.f_type as u64 == u64::from(OVERLAYFS_SUPER_MAGIC))
}

/// Puts a file in front of each kernel setting that is the host's too.
fn keep_kernel_settings(root: &Path) -> anyhow::Result<()> {
    let copies = root.join("run/kernel-settings");
    for setting in KERNEL_SETTINGS {
        let real = root.join("proc/sys").join(setting);
        let Ok(value) = fs::read(&real) else { continue };
        let copy = copies.join(setting.replace('/', "."));
        fs::create_dir_all(&copies)?;
        fs::write(&copy, value)?;
        mount_bind(&copy, &real).with_context(|| format!("{setting} can't be kept apart"))?;
    }
    Ok(())
}

/// A symbolic link at `place`, in place of what may be there.
fn link(target: &Path, place: &Path) -> anyhow::Result<()> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    symlink(target, place).with_context(|| format!("{} can't be linked", place.display()))
}

/// Makes `root` this process's root; the host's tree is no longer to be reached.
fn enter(root: &Path) -> anyhow::Result<()> {
    let old = root.join("e2e/host");
    fs::create_dir_all(&old)?;
    pivot_root(root, &old).context("the root can't be changed")?;
    std::env::set_current_dir("/")?;
    unmount("/e2e/host", UnmountFlags::DETACH).context("the host's tree can't be let go")?;
    // kubelet mounts volumes below /var/lib/kubelet that the containers must see.
    mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::SHARED).context("/ can't be shared")
}
