//! File systems: how full they are, and whether they can be written to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// How full a file system is, as far as users other than root may fill it: what kubelet looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Disk {
    /// Where it is mounted.
    pub mount_point: PathBuf,
    /// Its device, as `/proc/self/mountinfo` names it.
    pub device: String,
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes that are available.
    pub bytes_free: u64,
    /// Inodes in all; 0 where the file system counts none (btrfs).
    pub inodes: u64,
    /// Inodes that are free.
    pub inodes_free: u64,
}

/// The file system of `path`, or of its nearest existing parent directory if it does not exist yet.
///
/// # Errors
/// When the system can't tell.
pub(crate) fn disk(path: &Path) -> io::Result<Disk> {
    let existing = nearest_existing(path);
    let stat = rustix::fs::statvfs(&existing)?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let real = fs::canonicalize(&existing).unwrap_or(existing);
    let (mount_point, device) = mount_of(&mounts, &real).unwrap_or_else(|| (real, String::new()));
    Ok(Disk {
        mount_point,
        device,
        bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
        bytes_free: stat.f_bavail.saturating_mul(stat.f_frsize),
        inodes: stat.f_files,
        inodes_free: stat.f_favail,
    })
}

/// Whether files can be created in a directory, or in its nearest existing parent: creates one there. It has no name, so
/// that not even the directory's modification time changes (open(2), O_TMPFILE); where the file system can't do that, its
/// name begins with a dot, and it is removed.
///
/// # Errors
/// What the system says.
pub(crate) fn try_write(dir: &Path) -> io::Result<()> {
    let existing = nearest_existing(dir);
    if !existing.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    use rustix::fs::{Mode, OFlags, open};
    match open(&existing, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, Mode::RUSR) {
        Ok(_) => return Ok(()),
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR | rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let path = existing.join(format!(".kubestrap-{}-{nanos}", std::process::id()));
    fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    fs::remove_file(path)
}

/// `path`, or the nearest above it that exists.
pub(crate) fn nearest_existing(path: &Path) -> PathBuf {
    path.ancestors().find(|p| p.exists()).unwrap_or(Path::new("/")).to_owned()
}

/// Mount point and device of the last mount that `path` lies under (proc_pid_mountinfo(5)).
fn mount_of(mountinfo: &str, path: &Path) -> Option<(PathBuf, String)> {
    let line = |line: &str| {
        let (left, right) = line.split_once(" - ")?;
        let point = PathBuf::from(left.split(' ').nth(4)?.replace("\\040", " "));
        let device = right.split(' ').nth(1)?.to_owned();
        path.starts_with(&point).then_some((point, device))
    };
    let under = mountinfo.lines().filter_map(line);
    under.max_by_key(|(point, _)| point.as_os_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deepest_and_latest_mount_counts() {
        let mounts = "22 1 254:1 / / rw - ext4 /dev/vda1 rw\n\
            30 22 0:5 / /var/lib rw,relatime shared:1 - xfs /dev/vdb rw\n\
            31 22 0:6 / /var/lib rw - xfs /dev/vdc rw\n\
            32 22 0:7 / /var/library rw - xfs /dev/vdd rw\n";
        let of = |p: &str| mount_of(mounts, Path::new(p)).unwrap();
        assert_eq!(of("/var/lib/etcd"), ("/var/lib".into(), "/dev/vdc".into()));
        assert_eq!(of("/etc"), ("/".into(), "/dev/vda1".into()));
        assert_eq!(mount_of("", Path::new("/")), None);
    }

    #[test]
    fn missing_path_is_measured_where_it_would_be_created() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b/c");
        assert_eq!(nearest_existing(&deep), dir.path());
        let disk = disk(&deep).unwrap();
        assert!(disk.bytes >= disk.bytes_free && disk.bytes > 0, "{disk:?}");
        try_write(&deep).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing stays");
    }

    #[test]
    fn unwritable_path_says_why() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "").unwrap();
        let error = try_write(&dir.path().join("file/x")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
        assert!(try_write(Path::new("/proc/sys")).is_err());
    }
}
