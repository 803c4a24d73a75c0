//! The machine we run on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::{self, Written};
use super::init_system::{self, InitSystem};
use super::together::{self, NewFile};
use super::{FileError, FileMode, Host, UnmountFlags, copy, exchange, folder};
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
        folder::make_dir(path, mode)
    }

    fn remove(&self, path: &Path) -> Result<(), FileError> {
        match fs::remove_file(path) {
            Ok(()) => tracing::info!("removed {}", path.display()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(FileError::new("remove", path, error)),
        }
        Ok(())
    }

    fn remove_all(&self, path: &Path) -> Result<(), FileError> {
        let Ok(meta) = fs::symlink_metadata(path) else { return Ok(()) };
        let removed = if meta.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        removed.map_err(|e| FileError::new("remove", path, e))?;
        tracing::info!("removed {}", path.display());
        Ok(())
    }

    fn copy_all(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        copy::copy_all(from, to)?;
        tracing::info!("copied {} to {}", from.display(), to.display());
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        fs::rename(from, to).map_err(|e| FileError::new("rename", from, e))?;
        tracing::info!("renamed {} to {}", from.display(), to.display());
        Ok(())
    }

    fn exchange(&self, one: &Path, other: &Path) -> Result<(), FileError> {
        exchange::exchange(one, other)
    }

    fn unmount(&self, path: &Path, flags: UnmountFlags) -> Result<(), FileError> {
        mounts::unmount(path, flags)?;
        tracing::info!("unmounted {}", path.display());
        Ok(())
    }

    fn is_privileged(&self) -> bool {
        rustix::process::geteuid().is_root()
    }

    fn list(&self, path: &Path) -> Result<Vec<PathBuf>, FileError> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
            Err(error) => return Err(FileError::new("read the directory", path, error)),
        };
        let mut paths = entries
            .map(|e| e.map(|e| e.path()))
            .collect::<io::Result<Vec<_>>>()
            .map_err(|e| FileError::new("read the directory", path, e))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::logged;

    #[test]
    fn what_is_done_to_files_is_logged_without_their_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let host = RealHost::of_files();
        let log = logged(tracing::Level::INFO, || {
            host.write(&path("pki/ca.key"), b"hush", FileMode::SECRET).unwrap();
            host.write(&path("pki/ca.key"), b"hush", FileMode::SECRET).unwrap();
            host.rename(&path("pki/ca.key"), &path("pki/old.key")).unwrap();
            host.copy_all(&path("pki"), &path("copy")).unwrap();
            host.remove(&path("pki/old.key")).unwrap();
            host.remove(&path("pki/old.key")).unwrap();
            host.remove_all(&path("copy")).unwrap();
        });
        let lines = log.replace(dir.path().to_str().unwrap(), "DIR");
        let lines: Vec<&str> = lines.lines().map(|l| l.split_once("INFO ").unwrap().1).collect();
        let expected = [
            "created the directory DIR/pki (mode 0755)",
            "wrote DIR/pki/ca.key (mode 0600)",
            "kept DIR/pki/ca.key: it has this content already",
            "renamed DIR/pki/ca.key to DIR/pki/old.key",
            "copied DIR/pki to DIR/copy",
            "removed DIR/pki/old.key",
            "removed DIR/copy",
        ];
        assert_eq!(lines, expected);
    }
}
