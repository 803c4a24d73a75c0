//! Atomic writes of files.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::fault;
use super::together::{self, Mode};
use super::{FileMode, NewFile};
use crate::yaml;

/// What became of a file that was to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was not there.
    Created,
    /// It had other content.
    Replaced,
    /// It said the same already and was not touched.
    Unchanged,
}

/// A file that can't be handled as it should be.
#[derive(Debug, thiserror::Error)]
#[error("can't {action} {}: {reason}", .path.display())]
pub struct FileError {
    /// What was tried.
    pub action: &'static str,
    /// On which file.
    pub path: PathBuf,
    /// Why it failed, with what to do where that is plain.
    pub reason: String,
    /// What the system said.
    #[source]
    pub source: Option<io::Error>,
}

impl FileError {
    pub(super) fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self {
            action,
            path: path.to_owned(),
            reason: format!("{source}{}", hint(&source)),
            source: Some(source),
        }
    }
}

/// What to do about an error of the system, where that is plain: to be put behind what it says.
pub(crate) fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => " (run as root?)",
        io::ErrorKind::ReadOnlyFilesystem => {
            " (the file system is mounted read-only: `mount -o remount,rw` it, or find out why in `dmesg`)"
        }
        io::ErrorKind::StorageFull => " (no space left: free some; `df -h` tells where)",
        io::ErrorKind::QuotaExceeded => " (quota exceeded)",
        io::ErrorKind::IsADirectory => " (a folder stands where a file should be: move it away)",
        io::ErrorKind::NotADirectory => " (a file is where a directory should be: move it away)",
        _ => "",
    }
}

/// Writes a file so that its name always has the complete old or the complete new content: a temporary file
/// in the same directory (its name begins with a dot, which kubelet ignores among manifests), mode before content,
/// fsync, rename. The directory is not synced: after a power cut the old file may be back.
/// A file with equal content, even in another YAML style, is not touched.
///
/// # Errors
/// When any step fails; the file is then as it was, and the temporary file is gone.
pub(crate) fn write_atomically(path: &Path, content: &[u8], mode: FileMode) -> Result<Written, FileError> {
    let fail = |error| FileError::new("write", path, error);
    let existing = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => return Err(fail(io::ErrorKind::IsADirectory.into())),
        Ok(_) => Some(fs::read(path).map_err(fail)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(fail(error)),
    };
    if existing.as_deref().is_some_and(|old| says_the_same(path, old, content)) {
        return Ok(Written::Unchanged);
    }
    together::put(&[NewFile { path, content, mode }], Mode::AsGiven)?;
    Ok(if existing.is_some() { Written::Replaced } else { Written::Created })
}

/// Writes a file that can be generated again at any time, such as one of a dry run: atomically, but without syncing.
///
/// # Errors
/// As [`write_atomically`].
pub(super) fn write_copy(path: &Path, content: &[u8], mode: FileMode) -> Result<(), FileError> {
    together::put(&[NewFile { path, content, mode }], Mode::OfCopy).map(drop)
}

/// Whether an existing file has the content `content`. YAML in another style is equal: kubeadm's, or one
/// with a person's comments.
pub(super) fn says_the_same(path: &Path, old: &[u8], content: &[u8]) -> bool {
    let is_yaml = path.extension().is_some_and(|e| e == "yaml");
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    old == content || (is_yaml && yaml::same(text(old), text(content)))
}

/// Creates a directory and its parents, each new one with `mode`.
pub(super) fn make_dir(path: &Path, mode: u32) -> Result<(), FileError> {
    if path.is_dir() {
        return Ok(());
    }
    let made = fault::step().and_then(|()| fs::DirBuilder::new().recursive(true).mode(mode).create(path));
    made.map_err(|error| {
        // "File exists" is how the system says that it is not a directory.
        let error = if error.kind() == io::ErrorKind::AlreadyExists {
            io::ErrorKind::NotADirectory.into()
        } else {
            error
        };
        FileError::new("make the folder", path, error)
    })
}

pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    fault::step()?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn modes_are_exact_and_same_content_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/key");
        assert_eq!(write_atomically(&path, b"1", FileMode::SECRET).unwrap(), Written::Created);
        let before = fs::metadata(&path).unwrap();
        assert_eq!(before.permissions().mode() & 0o777, 0o600);
        assert_eq!(write_atomically(&path, b"1", FileMode::SECRET).unwrap(), Written::Unchanged);
        let after = fs::metadata(&path).unwrap();
        assert_eq!(before.modified().unwrap(), after.modified().unwrap());
        assert_eq!(write_atomically(&path, b"2", FileMode::CERTIFICATE).unwrap(), Written::Replaced);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn a_folder_in_the_way_is_told_and_nothing_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.crt");
        fs::create_dir(&path).unwrap();
        let error = write_atomically(&path, b"1", FileMode::CERTIFICATE).unwrap_err().to_string();
        assert!(error.contains("ca.crt") && error.contains("folder stands"), "{error}");
        fs::write(dir.path().join("file"), b"x").unwrap();
        let error = write_atomically(&dir.path().join("file/y"), b"1", FileMode::CERTIFICATE)
            .unwrap_err()
            .to_string();
        assert!(error.contains("file"), "{error}");
    }

    #[test]
    fn a_link_is_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, b"1").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert_eq!(write_atomically(&link, b"2", FileMode::SECRET).unwrap(), Written::Replaced);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"2");
    }
}
