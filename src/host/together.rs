//! Several files replaced at once, such as a key and its certificate.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{FileError, FileMode, fault, folder};

/// How the names of our temporary files begin; kubelet ignores such names among manifests.
pub(crate) const TEMPORARY: &str = ".kubestrap-";

/// A file that is to be written together with others.
#[derive(Clone, Copy)]
pub struct NewFile<'a> {
    /// Where.
    pub path: &'a Path,
    /// Its content.
    pub content: &'a [u8],
    /// Its mode, if it does not exist yet.
    pub mode: FileMode,
}

/// Writes files so that each name always has the complete old or new content. All are written and synced
/// first and then renamed, in the given order, so that the first and the last appear almost together. A file
/// that is there keeps its mode and its owner (kubeadm writes into it), and a link is written through.
///
/// # Errors
/// When any step fails. Before the first rename that leaves everything as it was.
pub(crate) fn replace_together(new_files: &[NewFile<'_>]) -> Result<(), FileError> {
    for dir in put(new_files, Mode::OfExisting)? {
        folder::sync_dir(&dir).map_err(|e| FileError::new("write", &dir, e))?;
    }
    Ok(())
}

/// The mode of a file that replaces another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The one given.
    AsGiven,
    /// The other's, and its owner.
    OfExisting,
    /// The one given; and nothing is lost if a power cut takes the file.
    OfCopy,
}

/// Writes files, as [`replace_together`] does, and gives the directories that are yet to be synced.
pub(super) fn put(new_files: &[NewFile<'_>], mode: Mode) -> Result<Vec<PathBuf>, FileError> {
    let prepared = new_files.iter().map(|new| prepare(new, mode)).collect::<Result<Vec<_>, _>>()?;
    let mut dirs: Vec<PathBuf> = vec![];
    for Prepared { file, target, mode } in prepared {
        let fail = |error| FileError::new("write", &target, error);
        fault::step().map_err(fail)?;
        file.persist(&target).map_err(|e| fail(e.error))?;
        tracing::info!("wrote {} (mode {mode:04o})", target.display());
        dirs.extend(target.parent().map(Path::to_owned));
    }
    dirs.sort();
    dirs.dedup();
    Ok(dirs)
}

/// A file that is written but does not have its name yet.
struct Prepared {
    file: NamedTempFile,
    target: PathBuf,
    mode: u32,
}

fn prepare(new: &NewFile<'_>, kept: Mode) -> Result<Prepared, FileError> {
    let fail = |error| FileError::new("write", new.path, error);
    let (target, existing) = match fs::canonicalize(new.path) {
        Ok(target) => (target.clone(), Some(fs::metadata(&target).map_err(fail)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (new.path.to_owned(), None),
        Err(error) => return Err(fail(error)),
    };
    if existing.as_ref().is_some_and(fs::Metadata::is_dir) {
        return Err(fail(io::ErrorKind::IsADirectory.into()));
    }
    let dir = target.parent().unwrap_or(Path::new("/"));
    folder::make_dir(dir, new.mode.dir)?;
    fault::step().map_err(fail)?;
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(dir)
        .map_err(fail)?;
    file.disable_cleanup(fault::kills());
    let mut mode = new.mode.file;
    if let Some(existing) = existing.filter(|_| kept == Mode::OfExisting) {
        mode = existing.mode() & 0o7777;
        let own = file.as_file().metadata().map_err(fail)?;
        if (own.uid(), own.gid()) != (existing.uid(), existing.gid()) {
            fchown(file.as_file(), Some(existing.uid()), Some(existing.gid())).map_err(fail)?;
        }
    }
    let permissions = Permissions::from_mode(mode);
    fault::step().and_then(|()| file.as_file().set_permissions(permissions)).map_err(fail)?;
    fault::write_all(file.as_file_mut(), new.content).map_err(fail)?;
    if kept != Mode::OfCopy {
        fault::step().and_then(|()| file.as_file().sync_all()).map_err(fail)?;
    }
    Ok(Prepared { file, target, mode })
}

/// Removes what interrupted runs left in folders. One that can't be read holds nothing of ours.
pub(crate) fn remove_all_leftovers(folders: impl IntoIterator<Item = PathBuf>) {
    for folder in folders {
        let _ = remove_leftovers(&folder);
    }
}

/// Removes the temporary files that an interrupted run left in a directory. To be called under a [`super::Lock`].
///
/// # Errors
/// When the directory can't be read, or a file can't be removed.
pub(crate) fn remove_leftovers(dir: &Path) -> Result<(), FileError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(FileError::new("read the directory", dir, error)),
    };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
        if ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            fs::remove_file(entry.path()).map_err(|e| FileError::new("remove", &entry.path(), e))?;
            tracing::info!("removed {}, which an interrupted run left", entry.path().display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new<'a>(path: &'a Path, content: &'a [u8]) -> NewFile<'a> {
        NewFile { path, content, mode: FileMode::SECRET }
    }

    #[test]
    fn files_keep_their_mode_and_links_their_place() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link, fresh) =
            (dir.path().join("real"), dir.path().join("link"), dir.path().join("a/fresh"));
        fs::write(&real, b"1").unwrap();
        fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        replace_together(&[new(&link, b"2"), new(&fresh, b"3")]).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!((fs::read(&real).unwrap(), fs::read(&fresh).unwrap()), (b"2".to_vec(), b"3".to_vec()));
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
        assert_eq!((mode(&real), mode(&fresh)), (0o640, 0o600));
    }

    #[test]
    fn one_that_can_not_be_written_keeps_all_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        fs::write(&first, b"old").unwrap();
        fs::create_dir(&second).unwrap();
        let error = replace_together(&[new(&first, b"new"), new(&second, b"new")]).unwrap_err().to_string();
        assert!(error.contains("second") && error.contains("directory is where"), "{error}");
        assert_eq!(fs::read(&first).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "no temporary file stays");
    }

    #[test]
    fn leftovers_go_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".kubestrap-x", ".other", "ca.key"] {
            fs::write(dir.path().join(name), b"").unwrap();
        }
        remove_leftovers(dir.path()).unwrap();
        assert!(!dir.path().join(".kubestrap-x").exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
