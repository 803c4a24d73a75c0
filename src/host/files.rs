//! Atomic writes of files.

use std::fs;
use std::io;
use std::path::Path;

use super::together::{self, Mode};
use super::{FileError, FileMode, NewFile};
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
        tracing::info!("kept {}: it has this content already", path.display());
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
        assert!(error.contains("ca.crt") && error.contains("directory is where"), "{error}");
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
