//! cgroups of the machine's own: one in every hierarchy of the host, the root of what the machine sees.

use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::mount::{MountFlags, mount};

/// Where every machine has its hierarchies.
const MOUNT: &str = "/sys/fs/cgroup";
/// What the names of machines' cgroups start with; the keeper's process id and a number follow.
const PREFIX: &str = "kubestrap-e2e-";

/// The cgroup of the machine's own processes, on version 2.
const LEAF: &str = "e2e";

/// One hierarchy of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hierarchy {
    /// Where the host has it mounted.
    mount: PathBuf,
    /// Of version 1: its controllers as mount options (`cpu,cpuacct`, `name=systemd`). None for version 2.
    v1: Option<String>,
    /// The folder below which the machine's cgroup goes.
    parent: PathBuf,
}

/// The hierarchies, from this process's `/proc/self/cgroup` and `/proc/self/mountinfo`.
fn hierarchies() -> anyhow::Result<Vec<Hierarchy>> {
    let read = |path: &str| fs::read_to_string(path).with_context(|| format!("{path} can't be read"));
    Ok(parse(&read("/proc/self/cgroup")?, &read("/proc/self/mountinfo")?))
}

fn parse(cgroup: &str, mountinfo: &str) -> Vec<Hierarchy> {
    let mounts: Vec<(&str, &str, &str, &str)> = mountinfo.lines().filter_map(mount_entry).collect();
    let mut found = vec![];
    for line in cgroup.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let entry = mounts.iter().find(|(_, _, kind, options)| match controllers {
            "" => *kind == "cgroup2",
            _ => *kind == "cgroup" && controllers.split(',').all(|c| options.split(',').any(|o| o == c)),
        });
        let Some((root, mount, ..)) = entry else { continue };
        let mount = PathBuf::from(mount);
        let own = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
        let (v1, parent) = if controllers.is_empty() {
            // Version 2 lets no cgroup with processes share out controllers, so never below our own.
            (None, mount.clone())
        } else {
            (Some(controllers.to_owned()), mount.join(own))
        };
        found.push(Hierarchy { mount, v1, parent });
    }
    found
}

/// A mount's root, place, type and super block options, if it is of cgroups.
fn mount_entry(line: &str) -> Option<(&str, &str, &str, &str)> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(3);
    let (root, mount) = (left.next()?, left.next()?);
    let mut right = right.split(' ');
    let (kind, options) = (right.next()?, right.nth(1)?);
    kind.starts_with("cgroup").then_some((root, mount, kind, options))
}

/// Whether the host's controllers are on version 1, which kubelet from 1.35 refuses unless told otherwise.
pub(crate) fn is_v1() -> bool {
    !Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
}

/// The machine's cgroups. Dropped, they are removed, once their processes are gone.
#[derive(Debug)]
pub(super) struct Cgroups {
    folders: Vec<PathBuf>,
    /// Their name in every hierarchy.
    pub(super) name: String,
}

impl Cgroups {
    /// Makes them.
    ///
    /// # Errors
    /// When a folder can't be made.
    pub(super) fn create(number: u32) -> anyhow::Result<Self> {
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        let mut made = Self { folders: vec![], name };
        for hierarchy in hierarchies()? {
            let folder = hierarchy.parent.join(&made.name);
            fs::create_dir(&folder).with_context(|| format!("cgroup {} can't be made", folder.display()))?;
            // Version 1 starts a cpuset empty, which lets no process in.
            for file in ["cpuset.cpus", "cpuset.mems"] {
                if hierarchy.v1.is_some() && folder.join(file).exists() {
                    fs::write(folder.join(file), fs::read(hierarchy.parent.join(file))?)?;
                }
            }
            made.folders.push(folder);
        }
        Ok(made)
    }
}

impl Drop for Cgroups {
    fn drop(&mut self) {
        for folder in &self.folders {
            if let Err(error) = remove(folder, Duration::from_secs(10)) {
                crate::say::note(format_args!("left behind: cgroup {}: {error}", folder.display()));
            }
        }
    }
}

/// Removes the cgroup `folder` and those in it; processes that are about to end get `patience`.
fn remove(folder: &Path, patience: Duration) -> std::io::Result<()> {
    let start = Instant::now();
    loop {
        match remove_once(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy && start.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}

fn remove_once(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_once(&entry.path())?;
        }
    }
    fs::remove_dir(folder)
}

/// Removes the cgroups of keepers that are gone without having done so.
pub(super) fn remove_stale() -> anyhow::Result<()> {
    for hierarchy in hierarchies()? {
        for entry in fs::read_dir(&hierarchy.parent)?.flatten() {
            let name = entry.file_name();
            let pid = name.to_str().and_then(|n| n.strip_prefix(PREFIX)).and_then(|n| n.split('-').next());
            if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                let _ = remove(&entry.path(), Duration::ZERO);
            }
        }
    }
    Ok(())
}

/// Moves this process into the cgroups `name`.
///
/// # Errors
/// When one of them refuses.
pub(super) fn join(name: &str) -> anyhow::Result<()> {
    for hierarchy in hierarchies()? {
        let folder = hierarchy.parent.join(name);
        // Where controllers are shared out already, processes go into the leaf.
        let leaf = Some(folder.join(LEAF)).filter(|leaf| hierarchy.v1.is_none() && leaf.exists());
        let file = leaf.unwrap_or(folder).join("cgroup.procs");
        fs::write(&file, std::process::id().to_string())
            .with_context(|| format!("{} can't be joined", file.display()))?;
    }
    Ok(())
}

/// Mounts the hierarchies below `root`, as on the host; in a new cgroup namespace they show the machine's own only.
///
/// # Errors
/// When a mount fails.
pub(super) fn mount_all(root: &Path) -> anyhow::Result<()> {
    let hierarchies = hierarchies()?;
    let top = root.join(MOUNT.trim_start_matches('/'));
    if !hierarchies.iter().any(|h| h.mount == Path::new(MOUNT)) {
        mount("cgroup", &top, "tmpfs", MountFlags::empty(), None).context("a tmpfs can't be mounted")?;
    }
    for hierarchy in hierarchies {
        let Ok(place) = hierarchy.mount.strip_prefix(MOUNT) else {
            bail!("cgroups are mounted at {}, outside of {MOUNT}", hierarchy.mount.display());
        };
        let place = top.join(place);
        fs::create_dir_all(&place)?;
        let (kind, options) = match &hierarchy.v1 {
            Some(named) if named.starts_with("name=") => ("cgroup", format!("none,{named}")),
            Some(controllers) => ("cgroup", controllers.clone()),
            None => ("cgroup2", String::new()),
        };
        let options = CString::new(options)?;
        mount("cgroup", &place, kind, MountFlags::empty(), options.as_c_str())
            .with_context(|| format!("{} can't be mounted", place.display()))?;
        if hierarchy.v1.is_none() {
            share_controllers(&place)?;
        }
    }
    Ok(())
}

/// Version 2: only a cgroup without processes can share controllers out, so ours go into a leaf.
fn share_controllers(place: &Path) -> anyhow::Result<()> {
    let leaf = place.join(LEAF);
    fs::create_dir_all(&leaf)?;
    for pid in fs::read_to_string(place.join("cgroup.procs"))?.lines() {
        fs::write(leaf.join("cgroup.procs"), pid)?;
    }
    for controller in fs::read_to_string(place.join("cgroup.controllers"))?.split_whitespace() {
        fs::write(place.join("cgroup.subtree_control"), format!("+{controller}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_with_named_and_joined_hierarchies() {
        let cgroup = "5:name=systemd:/user\n4:memory:/a/b\n1:cpu,cpuacct:/\n0::/\n";
        let mountinfo = "30 25 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
                         31 25 0:28 /a /sys/fs/cgroup/memory rw shared:1 - cgroup cgroup rw,memory\n\
                         32 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                         33 25 0:5 / /proc rw - proc proc rw\n\
                         34 25 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let got: Vec<_> =
            parse(cgroup, mountinfo).into_iter().map(|h| (h.v1, h.parent.display().to_string())).collect();
        assert_eq!(
            got,
            [
                (Some("name=systemd".to_owned()), "/sys/fs/cgroup/systemd/user".to_owned()),
                (Some("memory".to_owned()), "/sys/fs/cgroup/memory/b".to_owned()),
                (Some("cpu,cpuacct".to_owned()), "/sys/fs/cgroup/cpu,cpuacct/".to_owned()),
                (None, "/sys/fs/cgroup/unified".to_owned()),
            ]
        );
    }

    #[test]
    fn version_2_alone_never_nests_below_its_own() {
        let mountinfo = "31 25 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
        let got = parse("0::/user.slice/session-1.scope\n", mountinfo);
        assert_eq!(
            got,
            [Hierarchy { mount: "/sys/fs/cgroup".into(), v1: None, parent: "/sys/fs/cgroup".into() }]
        );
    }
}
