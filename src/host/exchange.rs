//! Two names that are exchanged.

use std::fs;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::FileError;

/// Exchanges the names of two files or folders.
pub(super) fn exchange(one: &Path, other: &Path) -> Result<(), FileError> {
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => {}
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => in_three_steps(one, other)?,
        Err(error) => return Err(FileError::new("exchange", one, error.into())),
    }
    tracing::info!("exchanged {} and {}", one.display(), other.display());
    Ok(())
}

/// For file systems that can't do it at once, such as ZFS before 2.2 and NFS.
fn in_three_steps(one: &Path, other: &Path) -> Result<(), FileError> {
    let rename = |from: &Path, to: &Path| fs::rename(from, to).map_err(|e| FileError::new("rename", from, e));
    let mut between = other.as_os_str().to_owned();
    between.push("-exchanged");
    let between = Path::new(&between);
    rename(other, between)?;
    if let Err(error) = rename(one, other) {
        rename(between, other)?;
        return Err(error);
    }
    rename(between, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_change_names_and_a_missing_one_changes_nothing() {
        for exchange in [exchange, in_three_steps] {
            let dir = tempfile::tempdir().unwrap();
            let (one, other, missing) = (dir.path().join("a"), dir.path().join("b"), dir.path().join("c"));
            for (folder, text) in [(&one, "1"), (&other, "2")] {
                fs::create_dir(folder).unwrap();
                fs::write(folder.join("db"), text).unwrap();
            }
            exchange(&one, &other).unwrap();
            exchange(&missing, &one).unwrap_err();
            assert_eq!(fs::read_to_string(one.join("db")).unwrap(), "2");
            assert_eq!(fs::read_to_string(other.join("db")).unwrap(), "1");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        }
    }
}
