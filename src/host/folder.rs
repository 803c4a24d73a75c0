//! Folders, made and synced.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::{FileError, fault};

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
        FileError::new("create the directory", path, error)
    })?;
    tracing::info!("created the directory {} (mode {mode:04o})", path.display());
    Ok(())
}

pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    fault::step()?;
    File::open(dir)?.sync_all()
}
