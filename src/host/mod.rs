//! The machine seam: files, the init system, network facts, the container runtime.
//!
//! Phases reach the machine only through [`Host`]. [`RealHost`] is the machine; [`DryRunHost`] reads from it and
//! keeps what would be written in memory, or in a directory, so that no phase asks whether this is a dry run.

mod block_on;
pub(crate) mod command;
mod container_runtime;
mod copy;
pub(crate) mod cri;
pub(crate) mod disk;
mod dry_run;
mod etcd_version;
mod exchange;
mod facts;
pub(crate) mod fault;
mod file_error;
mod files;
mod folder;
mod http_client;
mod init_system;
pub(crate) mod kubelet;
pub(crate) mod label;
mod lock;
pub(crate) mod machine;
pub(crate) mod mounts;
pub(crate) mod net;
pub(crate) mod process;
mod real;
pub(crate) mod real_machine;
mod service_words;
pub(crate) mod system;
pub(crate) mod tls;
mod together;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub(crate) use rustix::mount::UnmountFlags;

pub(crate) use block_on::block_on;
pub(crate) use container_runtime::talk;
pub(crate) use container_runtime::{ContainerRuntime, CriRuntime, DryRuntime};
pub(crate) use dry_run::DryRunHost;
pub(crate) use facts::gather;
pub(crate) use file_error::{FileError, hint};
pub(crate) use files::{Written, write_atomically};
pub(crate) use http_client::http_client;
pub(crate) use init_system::{InitSystem, ServiceError, ServiceState};
pub use lock::Lock;
pub(crate) use mounts::unmount_flags;
pub use real::RealHost;
pub(crate) use service_words::in_words_of;
pub(crate) use together::{NewFile, TEMPORARY, remove_all_leftovers, remove_leftovers};

/// The moment that is so long past; the earliest, where that is before all time.
pub(crate) fn ago(period: Duration) -> SystemTime {
    SystemTime::now().checked_sub(period).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The modes of a file and of its new parent directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMode {
    /// Permission bits of the file.
    pub file: u32,
    /// Permission bits of directories created for it.
    pub dir: u32,
}

impl FileMode {
    /// A certificate: for all to read.
    pub const CERTIFICATE: Self = Self { file: 0o644, dir: 0o755 };
    /// A private key or kubeconfig.
    pub const SECRET: Self = Self { file: 0o600, dir: 0o755 };
    /// A static Pod's manifest.
    pub const MANIFEST: Self = Self { file: 0o600, dir: 0o700 };
    /// kubelet's files. kubeadm leaves them readable for all; the CIS benchmark wants 0600.
    pub const KUBELET: Self = Self { file: 0o600, dir: 0o700 };
    /// A program that others may run.
    pub const SCRIPT: Self = Self { file: 0o755, dir: 0o755 };
    /// A systemd unit.
    pub const UNIT: Self = Self { file: 0o644, dir: 0o755 };
}

/// What phases may do to a machine.
pub trait Host: Send + Sync {
    /// The contents of a file, or none if there is no such file.
    ///
    /// # Errors
    /// When it exists and can't be read.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError>;

    /// Whether something is at `path`.
    fn exists(&self, path: &Path) -> bool;

    /// Writes a file atomically: temporary file, mode, content, fsync, rename. A file with equal content stays
    /// untouched.
    ///
    /// # Errors
    /// When any step fails; then the file is as it was.
    fn write(&self, path: &Path, content: &[u8], mode: FileMode) -> Result<Written, FileError>;

    /// Writes several files together, as [`together::replace_together`] does.
    ///
    /// # Errors
    /// When any step fails; before the first file is in place, all are as they were.
    fn write_together(&self, files: &[NewFile<'_>]) -> Result<(), FileError> {
        files.iter().try_for_each(|file| self.write(file.path, file.content, file.mode).map(drop))
    }

    /// Makes a watcher of the file's directory look at the file: sets the mode that it already has. A failure is
    /// left, since the watcher will look some time.
    fn point_at(&self, _path: &Path) {}

    /// Takes note that an existing file stays in use as it is.
    ///
    /// # Errors
    /// When a dry run can't copy it into its directory.
    fn keep(&self, path: &Path) -> Result<(), FileError>;

    /// Creates a directory and its parents, if missing.
    ///
    /// # Errors
    /// When it can't be created, or something else is at its path.
    fn make_dir(&self, path: &Path, mode: u32) -> Result<(), FileError>;

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// When it can't be removed.
    fn remove(&self, path: &Path) -> Result<(), FileError>;

    /// Removes a file, or a directory with everything in it, if it exists.
    ///
    /// # Errors
    /// When part of it can't be removed.
    fn remove_all(&self, path: &Path) -> Result<(), FileError>;

    /// Copies a folder with all that is in it, modes and owners too, to a path where there is nothing yet.
    ///
    /// # Errors
    /// When something of it can't be copied; then the copy is not whole.
    fn copy_all(&self, from: &Path, to: &Path) -> Result<(), FileError>;

    /// Gives a file or folder another name on the same file system.
    ///
    /// # Errors
    /// When that can't be done; then it has the name that it had.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError>;

    /// Exchanges the names of two files or folders, in one step where the file system can do that.
    ///
    /// # Errors
    /// When that can't be done; then each has the name that it had.
    fn exchange(&self, one: &Path, other: &Path) -> Result<(), FileError>;

    /// Unmounts what is mounted at `path`.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn unmount(&self, path: &Path, flags: UnmountFlags) -> Result<(), FileError>;

    /// Whether this process may change the machine: as root, or in a dry run, which changes nothing.
    fn is_privileged(&self) -> bool;

    /// The paths in a directory, sorted; none if it does not exist.
    ///
    /// # Errors
    /// When it can't be read.
    fn list(&self, path: &Path) -> Result<Vec<PathBuf>, FileError>;

    /// What starts and stops services here; none that we know on some machines.
    fn init_system(&self) -> Option<&dyn InitSystem>;

    /// `advice`, whose commands are systemd's, with those of this machine's init system.
    fn advice(&self, advice: &str) -> String {
        in_words_of(self.init_system().map(InitSystem::name), advice)
    }

    /// Whether `program` runs since before one of these files was written, and so may not have read it.
    fn runs_older_than(&self, _program: &str, _files: &[PathBuf]) -> bool {
        false
    }
}

/// A shared host is a host: the owner of the other reference can look at what a dry run wrote.
impl<H: Host + ?Sized> Host for std::sync::Arc<H> {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        (**self).read(path)
    }
    fn exists(&self, path: &Path) -> bool {
        (**self).exists(path)
    }
    fn write(&self, path: &Path, content: &[u8], mode: FileMode) -> Result<Written, FileError> {
        (**self).write(path, content, mode)
    }
    fn write_together(&self, files: &[NewFile<'_>]) -> Result<(), FileError> {
        (**self).write_together(files)
    }
    fn point_at(&self, path: &Path) {
        (**self).point_at(path);
    }
    fn keep(&self, path: &Path) -> Result<(), FileError> {
        (**self).keep(path)
    }
    fn make_dir(&self, path: &Path, mode: u32) -> Result<(), FileError> {
        (**self).make_dir(path, mode)
    }
    fn remove(&self, path: &Path) -> Result<(), FileError> {
        (**self).remove(path)
    }
    fn remove_all(&self, path: &Path) -> Result<(), FileError> {
        (**self).remove_all(path)
    }
    fn copy_all(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        (**self).copy_all(from, to)
    }
    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        (**self).rename(from, to)
    }
    fn exchange(&self, one: &Path, other: &Path) -> Result<(), FileError> {
        (**self).exchange(one, other)
    }
    fn unmount(&self, path: &Path, flags: UnmountFlags) -> Result<(), FileError> {
        (**self).unmount(path, flags)
    }
    fn is_privileged(&self) -> bool {
        (**self).is_privileged()
    }
    fn list(&self, path: &Path) -> Result<Vec<PathBuf>, FileError> {
        (**self).list(path)
    }
    fn init_system(&self) -> Option<&dyn InitSystem> {
        (**self).init_system()
    }
    fn runs_older_than(&self, program: &str, files: &[PathBuf]) -> bool {
        (**self).runs_older_than(program, files)
    }
}
