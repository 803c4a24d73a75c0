//! Mounts below a directory, and unmounting them.

use std::path::{Path, PathBuf};

use rustix::mount::UnmountFlags;

use super::FileError;

/// Mount points below `dir`, the deepest first.
pub(crate) fn below(dir: &Path) -> Vec<PathBuf> {
    parse(&std::fs::read_to_string("/proc/self/mounts").unwrap_or_default(), dir)
}

fn parse(table: &str, dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .map(|point| PathBuf::from(unescape(point)))
        .filter(|point| point.starts_with(dir) && point != dir)
        .collect();
    found.sort_by_key(|p| std::cmp::Reverse(p.components().count()));
    found
}

/// The kernel writes spaces and backslashes as octal: `\040`.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        match after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(code) => {
                out.push(char::from(code));
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                out.push('\\');
                rest = after;
            }
        }
    }
    out + rest
}

/// Unmounts what is mounted at `point`; `flags` say what to do if it is busy.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn unmount(point: &Path, flags: UnmountFlags) -> Result<(), FileError> {
    rustix::mount::unmount(point, flags).map_err(|e| FileError::new("unmount", point, e.into()))
}

/// The flags of `umount2(2)` that `names` stand for, as manuals write them; an unknown one stands for none.
pub(crate) fn unmount_flags(names: &[String]) -> UnmountFlags {
    let flag = |name: &String| match name.as_str() {
        "MNT_FORCE" => UnmountFlags::FORCE,
        "MNT_DETACH" => UnmountFlags::DETACH,
        "MNT_EXPIRE" => UnmountFlags::EXPIRE,
        "UMOUNT_NOFOLLOW" => UnmountFlags::NOFOLLOW,
        _ => UnmountFlags::empty(),
    };
    names.iter().map(flag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unmount_flag_that_the_configuration_takes_is_one_of_the_kernel_s() {
        for name in crate::config::UNMOUNT_FLAGS {
            assert!(!unmount_flags(&[name.into()]).is_empty(), "{name}");
        }
        let two = unmount_flags(&["MNT_DETACH".into(), "UMOUNT_NOFOLLOW".into()]);
        assert_eq!(two, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW);
    }

    #[test]
    fn deepest_mounts_come_first_and_other_directories_are_left_out() {
        let table = "tmpfs /var/lib/kubelet/pods/a/v tmpfs rw 0 0\n/dev/sda1 /var/lib/kubelet ext4 rw 0 0\n\
            tmpfs /var/lib/kubelet/pods/a/v/with\\040blank/x tmpfs rw 0 0\ntmpfs /var/lib/kubelet2/x tmpfs rw 0 0\n";
        let found = parse(table, Path::new("/var/lib/kubelet"));
        assert_eq!(
            found,
            [PathBuf::from("/var/lib/kubelet/pods/a/v/with blank/x"), "/var/lib/kubelet/pods/a/v".into()]
        );
    }
}
