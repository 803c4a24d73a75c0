//! A dry run of a machine: reads come from the real one, writes stay in memory or go to a directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::files::{self, Written};
use super::init_system::{InitSystem, ServiceError, ServiceState};
use super::{FileError, FileMode, Host, RealHost, UnmountFlags, folder};

/// A machine that is only looked at.
pub(crate) struct DryRunHost {
    real: RealHost,
    /// Where the result is left, each file at its real path below it.
    dir: Option<PathBuf>,
    written: Mutex<BTreeMap<PathBuf, DryFile>>,
}

/// A file that would have been written.
#[derive(Clone)]
pub(crate) struct DryFile {
    /// Its content.
    pub content: Vec<u8>,
    /// Its mode.
    pub mode: FileMode,
}

impl DryRunHost {
    /// Looks at the machine; `dir` (absent or empty) is where to leave the result.
    ///
    /// # Errors
    /// When `dir` is not empty, or can't be created.
    pub(crate) fn new(dir: Option<PathBuf>) -> Result<Self, FileError> {
        if let Some(dir) = &dir {
            let used = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
            if used {
                return Err(FileError {
                    action: "use",
                    path: dir.clone(),
                    reason: "the directory for a dry run must be absent or empty: name another, or empty it"
                        .into(),
                    source: None,
                });
            }
            folder::make_dir(dir, 0o700)?;
        }
        Ok(Self { real: RealHost::new(), dir, written: Mutex::default() })
    }

    /// What would have been written, by path.
    pub(crate) fn written(&self) -> BTreeMap<PathBuf, DryFile> {
        self.lock().clone()
    }

    /// The directory that the result is written to.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// Writes one more file to the directory, if there is one, readable by its owner alone.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn leave(&self, name: &str, content: &[u8]) -> Result<(), FileError> {
        match &self.dir {
            Some(dir) => files::write_copy(&dir.join(name), content, FileMode::SECRET),
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, DryFile>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn below(dir: &Path, path: &Path) -> PathBuf {
        dir.join(path.strip_prefix("/").unwrap_or(path))
    }
}

impl Host for DryRunHost {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        match self.lock().get(path) {
            Some(file) => Ok(Some(file.content.clone())),
            None => self.real.read(path),
        }
    }

    fn exists(&self, path: &Path) -> bool {
        self.lock().contains_key(path) || self.real.exists(path)
    }

    fn write(&self, path: &Path, content: &[u8], mode: FileMode) -> Result<Written, FileError> {
        if let Some(dir) = &self.dir {
            files::write_copy(&Self::below(dir, path), content, mode)?;
        }
        // A file that can't be read is an error when it is written.
        let written = match self.read(path)? {
            None => Written::Created,
            Some(old) if files::says_the_same(path, &old, content) => Written::Unchanged,
            Some(_) => Written::Replaced,
        };
        tracing::info!("would write {} (mode {:04o}): {written:?}", path.display(), mode.file);
        self.lock().insert(path.to_owned(), DryFile { content: content.to_vec(), mode });
        Ok(written)
    }

    fn keep(&self, path: &Path) -> Result<(), FileError> {
        if self.dir.is_none() || self.lock().contains_key(path) {
            return Ok(());
        }
        match self.real.read(path)? {
            // What was kept is copied with the mode of a secret: the copy is for one reader.
            Some(content) => self.write(path, &content, FileMode::SECRET).map(|_| ()),
            None => Ok(()),
        }
    }

    fn make_dir(&self, path: &Path, mode: u32) -> Result<(), FileError> {
        match &self.dir {
            Some(dir) => folder::make_dir(&Self::below(dir, path), mode),
            None => Ok(()),
        }
    }

    fn remove(&self, path: &Path) -> Result<(), FileError> {
        let written = self.lock().remove(path).is_some();
        match &self.dir {
            Some(dir) if written => self.real.remove(&Self::below(dir, path)),
            _ => Ok(()),
        }
    }

    fn list(&self, path: &Path) -> Result<Vec<PathBuf>, FileError> {
        let mut paths = self.real.list(path)?;
        paths.extend(self.lock().keys().filter(|p| p.parent() == Some(path)).cloned());
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    fn remove_all(&self, path: &Path) -> Result<(), FileError> {
        self.lock().retain(|written, _| !written.starts_with(path));
        Ok(())
    }

    fn copy_all(&self, _from: &Path, _to: &Path) -> Result<(), FileError> {
        Ok(())
    }

    fn rename(&self, _from: &Path, _to: &Path) -> Result<(), FileError> {
        Ok(())
    }

    fn exchange(&self, _one: &Path, _other: &Path) -> Result<(), FileError> {
        Ok(())
    }

    fn unmount(&self, _path: &Path, _flags: UnmountFlags) -> Result<(), FileError> {
        Ok(())
    }

    fn is_privileged(&self) -> bool {
        true
    }

    fn init_system(&self) -> Option<&dyn InitSystem> {
        Some(&Idle)
    }
}

/// An init system that has nothing to do.
struct Idle;

impl InitSystem for Idle {
    fn name(&self) -> &'static str {
        "dry run"
    }

    fn state(&self, _service: &str) -> ServiceState {
        ServiceState { exists: true, active: true, enabled: true }
    }

    fn stop(&self, _service: &str) -> Result<(), ServiceError> {
        Ok(())
    }

    fn restart(&self, _service: &str) -> Result<(), ServiceError> {
        Ok(())
    }

    fn enable(&self, _service: &str) -> Result<(), ServiceError> {
        Ok(())
    }

    fn disable(&self, _service: &str) -> Result<(), ServiceError> {
        Ok(())
    }

    fn recent_log(&self, _service: &str, _since: std::time::SystemTime) -> Vec<String> {
        vec![]
    }
}
