//! Copying a folder whole.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::Path;

use super::FileError;

/// Copies a folder with all that is in it, modes and owners too. Every file is on the disk when it returns. `to` must
/// not be there; folders above it are made for root alone.
///
/// # Errors
/// When something of it can't be copied; then the copy is not whole.
pub(super) fn copy_all(from: &Path, to: &Path) -> Result<(), FileError> {
    let failed = |path: &Path, e| FileError::new("copy", path, e);
    let meta = fs::symlink_metadata(from).map_err(|e| failed(from, e))?;
    if let Some(parent) = to.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(|e| failed(parent, e))?;
    }
    if meta.is_dir() {
        fs::DirBuilder::new().mode(0o700).create(to).map_err(|e| failed(to, e))?;
        for entry in fs::read_dir(from).map_err(|e| failed(from, e))? {
            let entry = entry.map_err(|e| failed(from, e))?;
            copy_all(&entry.path(), &to.join(entry.file_name()))?;
        }
        fs::set_permissions(to, meta.permissions()).map_err(|e| failed(to, e))?;
    } else if meta.is_file() {
        // The kernel copies it, and on file systems that can shares its blocks.
        fs::copy(from, to).map_err(|e| failed(from, e))?;
        File::open(to).and_then(|file| file.sync_all()).map_err(|e| failed(to, e))?;
    } else {
        // Sockets and the like hold no data.
        return Ok(());
    }
    // Who is not root copies what is their own.
    if rustix::process::geteuid().is_root() {
        chown(to, Some(meta.uid()), Some(meta.gid())).map_err(|e| failed(to, e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn copy_has_every_file_and_mode() {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("etcd");
        fs::create_dir_all(from.join("member/snap")).unwrap();
        fs::write(from.join("member/snap/db"), "data").unwrap();
        fs::set_permissions(&from, fs::Permissions::from_mode(0o700)).unwrap();
        fs::set_permissions(from.join("member/snap/db"), fs::Permissions::from_mode(0o600)).unwrap();
        let to = dir.path().join("a/b");
        copy_all(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("member/snap/db")).unwrap(), "data");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&to), mode(&to.join("member/snap/db"))), (0o700, 0o600));
        assert!(copy_all(&from, &to).is_err(), "nothing is overwritten");
    }
}
