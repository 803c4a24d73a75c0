//! The machine we run on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::{self, FileError, Written};
use super::init_system::{self, InitSystem};
use super::together::{self, NewFile};
use super::{FileMode, Host, UnmountFlags, copy};
use super::{mounts, process};

/// The machine we run on.
pub struct RealHost {
    init_system: Option<Box<dyn InitSystem>>,
}

impl RealHost {
    /// The machine, with the init system that it has.
    pub fn new() -> Self {
        Self { init_system: init_system::detect() }
    }
}

#[cfg(test)]
impl RealHost {
    /// The machine's files alone: no service is touched.
    pub(crate) fn of_files() -> Self {
        Self { init_system: None }
    }
}

impl Default for RealHost {
    fn default() -> Self {
        Self::new()
    }
}

impl Host for RealHost {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        match fs::read(path) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FileError::new("read", path, error)),
        }
    }

    fn exists(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    fn write(&self, path: &Path, content: &[u8], mode: FileMode) -> Result<Written, FileError> {
        files::write_atomically(path, content, mode)
    }

    fn write_together(&self, files: &[NewFile<'_>]) -> Result<(), FileError> {
        together::replace_together(files)
    }

    fn point_at(&self, path: &Path) {
        let _ = fs::metadata(path).and_then(|meta| fs::set_permissions(path, meta.permissions()));
    }

    fn keep(&self, _path: &Path) -> Result<(), FileError> {
        Ok(())
    }

    fn make_dir(&self, path: &Path, mode: u32) -> Result<(), FileError> {
        files::make_dir(path, mode)
    }

    fn remove(&self, path: &Path) -> Result<(), FileError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(FileError::new("remove", path, error))
            }
            _ => Ok(()),
        }
    }

    fn remove_all(&self, path: &Path) -> Result<(), FileError> {
        let Ok(meta) = fs::symlink_metadata(path) else { return Ok(()) };
        let removed = if meta.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        removed.map_err(|e| FileError::new("remove", path, e))
    }

    fn copy_all(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        copy::copy_all(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        fs::rename(from, to).map_err(|e| FileError::new("rename", from, e))
    }

    fn unmount(&self, path: &Path, flags: UnmountFlags) -> Result<(), FileError> {
        mounts::unmount(path, flags)
    }

    fn is_privileged(&self) -> bool {
        rustix::process::geteuid().is_root()
    }

    fn list(&self, path: &Path) -> Result<Vec<PathBuf>, FileError> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(error) => return Err(FileError::new("read the folder", path, error)),
        };
        let mut paths = entries
            .map(|e| e.map(|e| e.path()))
            .collect::<io::Result<Vec<_>>>()
            .map_err(|e| FileError::new("read the folder", path, e))?;
        paths.sort();
        Ok(paths)
    }

    fn runs_older_than(&self, program: &str, files: &[PathBuf]) -> bool {
        let running = process::processes().into_iter().filter(|p| p.on_host && p.is(program));
        let Some(since) = running.filter_map(|p| process::started(p.pid)).min() else { return false };
        let written = files.iter().filter_map(|f| fs::metadata(f).and_then(|m| m.modified()).ok());
        written.into_iter().any(|written| written > since)
    }

    fn init_system(&self) -> Option<&dyn InitSystem> {
        self.init_system.as_deref()
    }
}
