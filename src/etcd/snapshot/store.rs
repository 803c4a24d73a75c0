//! A folder of snapshots: listed, and pruned by number and age.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::file::{Facts, SnapshotError, UNFINISHED, facts_path, read_facts};

/// How names of snapshots begin, and end.
const PREFIX: &str = "etcd-";
const EXTENSION: &str = "db";
/// An unfinished snapshot that is older is not being written any more.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// A snapshot in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Its file.
    pub(crate) path: PathBuf,
    /// When it was written.
    pub(crate) modified: SystemTime,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// What is written down beside it.
    pub(crate) facts: Option<Facts>,
}

/// How many snapshots are kept, and for how long; the newest one always is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retention {
    /// At most this many.
    pub(crate) count: Option<usize>,
    /// None that is older.
    pub(crate) age: Option<Duration>,
}

/// The name for a snapshot of a node at a time, such as `etcd-n1-20261128T041500Z.db`.
pub(crate) fn file_name(node: &str, now: time::OffsetDateTime) -> String {
    let format = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
    let time = now.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default();
    format!("{PREFIX}{node}-{time}.{EXTENSION}")
}

/// The snapshots of a folder, the newest first. Files with other names are not ours.
///
/// # Errors
/// When the folder can't be read; one that does not exist has none.
pub(crate) fn list(dir: &Path) -> Result<Vec<Stored>, SnapshotError> {
    let mut stored = vec![];
    for path in files(dir)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.starts_with(PREFIX) || path.extension().is_none_or(|e| e != EXTENSION) {
            continue;
        }
        let meta = match path.symlink_metadata() {
            Ok(meta) => meta,
            // Pruned meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(SnapshotError::file("read", &path)(error)),
        };
        if meta.is_file() {
            let modified = meta.modified().map_err(SnapshotError::file("read", &path))?;
            let facts = read_facts(&path);
            stored.push(Stored { path, modified, size: meta.len(), facts });
        }
    }
    stored.sort_by(|a, b| (b.modified, &b.path).cmp(&(a.modified, &a.path)));
    Ok(stored)
}

/// Which snapshots of a folder are to be removed now.
///
/// # Errors
/// When the folder can't be read.
pub(crate) fn expired(
    dir: &Path,
    retention: Retention,
    now: SystemTime,
) -> Result<Vec<Stored>, SnapshotError> {
    let is_old = |at: SystemTime| {
        retention.age.is_some_and(|age| now.duration_since(at).is_ok_and(|since| since > age))
    };
    let keep = |(index, stored): &(usize, Stored)| {
        *index == 0 || (retention.count.is_none_or(|count| *index < count) && !is_old(stored.modified))
    };
    Ok(list(dir)?.into_iter().enumerate().filter(|s| !keep(s)).map(|(_, stored)| stored).collect())
}

/// Removes what [`expired`] tells, and what runs that were killed left; gives the snapshots that were removed.
///
/// # Errors
/// When the folder can't be read, or a file not removed.
pub(crate) fn prune(dir: &Path, retention: Retention, now: SystemTime) -> Result<Vec<Stored>, SnapshotError> {
    let expired = expired(dir, retention, now)?;
    for stored in &expired {
        remove(&facts_path(&stored.path))?;
        remove(&stored.path)?;
    }
    for path in files(dir)? {
        let is_ours =
            path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()));
        let modified = path.symlink_metadata().and_then(|meta| meta.modified());
        let is_old = modified.is_ok_and(|at| now.duration_since(at).is_ok_and(|since| since > ABANDONED));
        if is_ours && is_old {
            remove(&path)?;
        }
    }
    Ok(expired)
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, SnapshotError> {
    match fs::read_dir(dir) {
        Ok(entries) => entries
            .map(|entry| entry.map(|e| e.path()))
            .collect::<io::Result<_>>()
            .map_err(SnapshotError::file("read", dir)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(vec![]),
        Err(error) => Err(SnapshotError::file("read", dir)(error)),
    }
}

fn remove(path: &Path) -> Result<(), SnapshotError> {
    match fs::remove_file(path) {
        Ok(()) => tracing::info!("removed {}", path.display()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(SnapshotError::file("remove", path)(error)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn folder(now: SystemTime) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, age: Duration| {
            let file = fs::File::create(dir.path().join(name)).unwrap();
            file.set_modified(now - age).unwrap();
        };
        for hours in 1..=4 {
            file(&format!("etcd-n1-{hours}.db"), HOUR * hours);
            file(&format!("etcd-n1-{hours}.db.json"), HOUR * hours);
        }
        file("other.db", HOUR * 100);
        file(".kubestrap-snapshot-dead", HOUR * 30);
        file(".kubestrap-snapshot-alive", HOUR);
        dir
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.ends_with(".json"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn snapshots_are_pruned_by_number_and_age_and_nothing_else_is_touched() {
        let now = SystemTime::now();
        let dir = folder(now);
        let removed = prune(dir.path(), Retention { count: Some(3), age: None }, now).unwrap();
        assert_eq!(removed.len(), 1);
        let left = [".kubestrap-snapshot-alive", "etcd-n1-1.db", "etcd-n1-2.db", "etcd-n1-3.db", "other.db"];
        assert_eq!(names(dir.path()), left);
        assert!(!dir.path().join("etcd-n1-4.db.json").exists());
        prune(dir.path(), Retention { count: None, age: Some(HOUR * 5 / 2) }, now).unwrap();
        assert_eq!(list(dir.path()).unwrap().len(), 2);
    }

    #[test]
    fn newest_snapshot_is_kept_however_old_it_is() {
        let now = SystemTime::now();
        let dir = folder(now);
        prune(dir.path(), Retention { count: Some(0), age: Some(Duration::ZERO) }, now).unwrap();
        let kept = list(dir.path()).unwrap();
        assert_eq!(kept.len(), 1);
        assert!(kept[0].path.ends_with("etcd-n1-1.db"));
        assert_eq!(list(Path::new("/nonexistent")).unwrap(), []);
    }

    #[test]
    fn name_tells_node_and_time() {
        let now = time::macros::datetime!(2026-11-28 05:15:09 +1);
        assert_eq!(file_name("n1", now), "etcd-n1-20261128T041509Z.db");
    }
}
