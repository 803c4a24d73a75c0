//! One kubestrap at a time: a run that changes a directory locks it against other runs.
//!
//! A lock is a file below `/run` that the kernel locks (flock(2)) for as long as the process lives: one that is
//! killed leaves no lock behind. The file also names the holder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{FileError, folder};

/// Where root's locks are; they need not outlast the machine's running.
const DIR: &str = "/run/kubestrap";

/// Who holds a lock.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// Its command, without values that may be secrets: `init`, `certs renew`.
    pub command: String,
    /// Since when, RFC 3339 in UTC.
    pub since: String,
}

/// A lock that can't be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("another kubestrap is at work on {}: {}", .folder.display(), words(.holder.as_ref()))]
    Held {
        /// The folder.
        folder: PathBuf,
        /// The holder; none if it has not written its name yet.
        holder: Option<Holder>,
    },
    /// The lock's own file can't be used.
    #[error(transparent)]
    File(#[from] FileError),
}

fn words(holder: Option<&Holder>) -> String {
    match holder {
        Some(Holder { pid, command, since }) => format!(
            "process {pid}, `kubestrap {command}`, since {since}\n  fix: wait until it is done and run again; `ps -fp {pid}` shows it"
        ),
        None => "it has only just begun\n  fix: wait until it is done and run again".into(),
    }
}

/// Locked directories; dropping it, or the end of the process, releases them.
#[derive(Debug)]
pub struct Lock {
    files: Vec<File>,
}

impl Lock {
    /// Locks directories, which need not exist yet, for `command` (its name, with what it works on).
    ///
    /// # Errors
    /// Immediately, when another process holds one of them.
    pub fn take(folders: &[&Path], command: &str) -> Result<Self, LockError> {
        Self::take_in(&dir(), folders, command)
    }

    fn take_in(dir: &Path, folders: &[&Path], command: &str) -> Result<Self, LockError> {
        folder::make_dir(dir, 0o700)?;
        let since =
            OffsetDateTime::now_utc().replace_nanosecond(0).ok().and_then(|t| t.format(&Rfc3339).ok());
        let me =
            Holder { pid: std::process::id(), command: command.to_owned(), since: since.unwrap_or_default() };
        let text = serde_json::to_string(&me).unwrap_or_default();
        let mut names: Vec<(String, &Path)> = folders.iter().map(|f| (file_name(f), *f)).collect();
        names.sort();
        names.dedup_by(|a, b| a.0 == b.0);
        let mut lock = Self { files: vec![] };
        for (name, folder) in names {
            let path = dir.join(name);
            let fail = |error| FileError::new("lock", &path, error);
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
                .open(&path)
                .map_err(fail)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::Error(error)) => return Err(fail(error).into()),
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Held { folder: folder.to_owned(), holder: holder(&mut file) });
                }
            }
            file.set_len(0).and_then(|()| file.write_all(text.as_bytes())).map_err(fail)?;
            lock.files.push(file);
        }
        Ok(lock)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        for file in &self.files {
            // Before the lock is released, so that no finished process is named.
            let _ = file.set_len(0);
        }
    }
}

/// Who wrote itself down. Between the lock and that lies a moment, in which the file is empty or names who was
/// killed.
fn holder(file: &mut File) -> Option<Holder> {
    const TRIES: u32 = 20;
    for _ in 0..TRIES {
        let mut text = String::new();
        let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
        let holder: Option<Holder> = read.ok().and_then(|_| serde_json::from_str(&text).ok());
        if let Some(holder) = holder.filter(|h| Path::new("/proc").join(h.pid.to_string()).exists()) {
            return Some(holder);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

fn dir() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return DIR.into();
    }
    let own = std::env::var_os("XDG_RUNTIME_DIR").filter(|d| !d.is_empty());
    match own {
        Some(dir) => PathBuf::from(dir).join("kubestrap"),
        None => std::env::temp_dir().join(format!("kubestrap-{}", rustix::process::geteuid().as_raw())),
    }
}

/// `/etc/kubernetes/pki` is `etc-kubernetes-pki.lock`, by whatever links it is reached.
fn file_name(folder: &Path) -> String {
    /// In letters: a name may have 255 bytes.
    const LONGEST: usize = 60;
    let real = fs::canonicalize(folder).or_else(|_| std::path::absolute(folder));
    let real = real.unwrap_or_else(|_| folder.to_owned());
    let dashed: Vec<char> = real.to_string_lossy().trim_matches('/').replace('/', "-").chars().collect();
    let tail: String = dashed.iter().skip(dashed.len().saturating_sub(LONGEST)).collect();
    format!("{tail}.lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let dir = tempfile::tempdir().unwrap();
        let (pki, etc) = (dir.path().join("pki"), dir.path().join("etc"));
        let take = |folders: &[&Path]| Lock::take_in(dir.path(), folders, "init");
        let lock = take(&[&pki, &etc]).unwrap();
        let error = take(&[&etc]).unwrap_err();
        let LockError::Held { holder: Some(holder), .. } = &error else { panic!("{error:?}") };
        assert_eq!((holder.pid, holder.command.as_str()), (std::process::id(), "init"));
        let text = error.to_string();
        assert!(text.contains("at work on") && text.contains("`kubestrap init`, since 2"), "{text}");
        take(&[&dir.path().join("other")]).unwrap();
        drop(lock);
        take(&[&pki, &pki]).unwrap();
    }

    #[test]
    fn who_was_killed_is_neither_in_the_way_nor_named() {
        let dir = tempfile::tempdir().unwrap();
        let gone = Holder { pid: u32::MAX, command: "reset".into(), since: String::new() };
        let file = dir.path().join(file_name(Path::new("/x/y")));
        fs::write(&file, serde_json::to_string(&gone).unwrap()).unwrap();
        let held = File::open(&file).unwrap();
        held.try_lock().unwrap();
        let error = Lock::take_in(dir.path(), &[Path::new("/x/y")], "init").unwrap_err().to_string();
        assert!(error.contains("only just begun"), "{error}");
        drop(held);
        Lock::take_in(dir.path(), &[Path::new("/x/y")], "init").unwrap();
    }
}
