//! A snapshot of etcd's database: saved from a member, and verified.
//!
//! etcd streams its database file with the file's SHA-256 behind it. Both are kept as they come, which is what
//! `etcdutl snapshot restore` takes.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::bbolt::{self, DatabaseError};
use crate::etcd::{Etcd, EtcdError};
use crate::hex::hex;
use crate::host::{FileError, FileMode, hint, write_atomically};

/// How the names of unfinished snapshots begin.
pub(super) const UNFINISHED: &str = ".kubestrap-snapshot-";

/// What is written beside a snapshot, as `NAME.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Facts {
    /// When it was taken (RFC 3339).
    pub(crate) time: String,
    /// The name of the member it was taken from.
    pub(crate) member: String,
    /// The member's id, in hex.
    pub(crate) member_id: String,
    /// The cluster's id, in hex.
    pub(crate) cluster_id: String,
    /// etcd's version.
    pub(crate) version: String,
    /// The revision of the last change in it; none if it is empty.
    pub(crate) revision: Option<i64>,
    /// The file's size in bytes.
    pub(crate) size: u64,
    /// The SHA-256 of the database, in hex.
    pub(crate) sha256: String,
}

/// What verifying a snapshot tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    /// The revision of the last change in it; none if it is empty.
    pub(crate) revision: Option<i64>,
    /// The file's size in bytes.
    pub(crate) size: u64,
    /// The SHA-256 of the database, in hex.
    pub(crate) sha256: String,
}

/// Why there is no snapshot, or not a good one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SnapshotError {
    /// etcd does not give one.
    #[error(transparent)]
    Etcd(#[from] EtcdError),
    /// The file can't be read or written.
    #[error("can't {action} {}: {source}{}", path.display(), hint(source))]
    File {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The facts beside it can't be written.
    #[error(transparent)]
    Facts(#[from] FileError),
    /// It has the name of a file that exists.
    #[error("{} exists already, and a snapshot never overwrites a file\n  fix: name another file, or remove that one", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The stream broke off, or the file is cut off.
    #[error(
        "the snapshot {} is cut off: after {size} bytes there is no SHA-256 of them\n  fix: use another snapshot (`kubestrap etcd snapshot list`); a copy of etcd's file member/snap/db has no hash: restore it with --skip-hash-check", path.display()
    )]
    CutOff {
        /// The file.
        path: PathBuf,
        /// How long it is.
        size: u64,
    },
    /// Its content is not what etcd sent.
    #[error(
        "the snapshot {} is damaged: its SHA-256 is {actual}, etcd's is {expected}\n  fix: use another snapshot (`kubestrap etcd snapshot list`)", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The hash of its content.
        actual: String,
        /// The hash at its end.
        expected: String,
    },
    /// It is not what was written down beside it.
    #[error(
        "the snapshot {} is another one than its facts tell: {what} is {actual}, not {expected}\n  fix: use another snapshot (`kubestrap etcd snapshot list`), or move {} away if you trust this one", path.display(), facts_path(path).display()
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// What it is.
        actual: String,
        /// What is written down.
        expected: String,
    },
    /// It holds something else.
    #[error(
        "{} is not a database of etcd: {reason}\n  fix: use a snapshot of etcd (`kubestrap etcd snapshot list`)", path.display()
    )]
    NotDatabase {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl SnapshotError {
    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}

/// Where the facts about a snapshot are.
pub(super) fn facts_path(snapshot: &Path) -> PathBuf {
    let mut name = snapshot.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

/// Saves a snapshot of the member at a client URL to `path`, whole or not at all: a temporary file that only its owner
/// can read, its hash verified, synced and renamed; then the facts beside it.
///
/// # Errors
/// When etcd does not give one, it does not arrive whole, or it can't be written.
pub(crate) fn save(
    etcd: &mut dyn Etcd,
    client_url: &str,
    member: &str,
    path: &Path,
    now: OffsetDateTime,
) -> Result<Facts, SnapshotError> {
    if path.symlink_metadata().is_ok() {
        return Err(SnapshotError::Exists { path: path.to_owned() });
    }
    let failed = || SnapshotError::file("write", path);
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed())?;
    let status = etcd.status(client_url)?;
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(dir)
        .map_err(failed())?;
    let mut content = Content::new();
    let mut written = Ok(());
    etcd.snapshot(client_url, &mut |part| {
        content.update(part);
        written = file.write_all(part);
        written.is_ok()
    })?;
    written.map_err(failed())?;
    let verified = judge(file.as_file(), content, path)?;
    file.as_file().sync_all().map_err(failed())?;
    file.persist_noclobber(path).map_err(|e| match e.error.kind() {
        io::ErrorKind::AlreadyExists => SnapshotError::Exists { path: path.to_owned() },
        _ => failed()(e.error),
    })?;
    tracing::info!("wrote {} (mode 0600)", path.display());
    let facts = Facts {
        time: now.format(&Rfc3339).unwrap_or_default(),
        member: member.to_owned(),
        member_id: format!("{:x}", status.id),
        cluster_id: format!("{:x}", status.cluster_id),
        version: status.version,
        revision: verified.revision,
        size: verified.size,
        sha256: verified.sha256,
    };
    let text = serde_json::to_string_pretty(&facts).unwrap_or_default() + "\n";
    write_atomically(&facts_path(path), text.as_bytes(), FileMode::SECRET)?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed())?;
    Ok(facts)
}

/// Verifies a snapshot: that its hash is right, that it is a database of etcd, and the one that the facts beside it
/// tell of, if there are any.
///
/// # Errors
/// When it can't be read, or is not good.
pub(crate) fn verify(path: &Path) -> Result<Verified, SnapshotError> {
    let failed = || SnapshotError::file("read", path);
    let mut file = File::open(path).map_err(failed())?;
    let mut content = Content::new();
    let mut part = vec![0; 64 * 1024];
    loop {
        match file.read(&mut part) {
            Ok(0) => break,
            Ok(count) => content.update(part.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed()(error)),
        }
    }
    let verified = judge(&file, content, path)?;
    if let Some(facts) = read_facts(path) {
        let other = |what, actual: String, expected: String| {
            Err(SnapshotError::Other { path: path.to_owned(), what, actual, expected })
        };
        if facts.sha256 != verified.sha256 {
            return other("its SHA-256", verified.sha256, facts.sha256);
        }
        if facts.size != verified.size {
            return other("its size", verified.size.to_string(), facts.size.to_string());
        }
    }
    Ok(verified)
}

/// Checks that a file without a hash behind it, such as a copy of etcd's own, is a database of etcd; its size.
///
/// # Errors
/// When it can't be read, or is none.
pub(crate) fn check_database(path: &Path) -> Result<u64, SnapshotError> {
    let file = File::open(path).map_err(SnapshotError::file("read", path))?;
    let size = file.metadata().map_err(SnapshotError::file("read", path))?.len();
    match bbolt::read(&file, size) {
        Ok(_) => Ok(size),
        Err(DatabaseError::Io(source)) => {
            Err(SnapshotError::File { action: "read", path: path.to_owned(), source })
        }
        Err(DatabaseError::Damaged(reason)) => {
            Err(SnapshotError::NotDatabase { path: path.to_owned(), reason: reason.to_owned() })
        }
    }
}

/// The facts beside a snapshot, if they are there and can be read.
pub(crate) fn read_facts(snapshot: &Path) -> Option<Facts> {
    serde_json::from_slice(&fs::read(facts_path(snapshot)).ok()?).ok()
}

fn judge(file: &File, content: Content, path: &Path) -> Result<Verified, SnapshotError> {
    let path = path.to_owned();
    let size = content.size;
    let Some((actual, expected)) = content.finish() else {
        return Err(SnapshotError::CutOff { path, size });
    };
    let database = size - SHA256_OUTPUT_LEN as u64;
    if actual != expected {
        // A file of whole blocks and a hash is complete; another one lacks its end.
        return Err(match database.is_multiple_of(512) {
            true => SnapshotError::Damaged { path, actual, expected },
            false => SnapshotError::CutOff { path, size },
        });
    }
    match bbolt::read(file, database) {
        Ok(database) => Ok(Verified { revision: database.revision, size, sha256: actual }),
        Err(DatabaseError::Io(source)) => Err(SnapshotError::File { action: "read", path, source }),
        Err(DatabaseError::Damaged(reason)) => {
            Err(SnapshotError::NotDatabase { path, reason: reason.to_owned() })
        }
    }
}

/// Hashes a stream but for the hash at its end, which is kept.
struct Content {
    hash: Context,
    end: Vec<u8>,
    size: u64,
}

impl Content {
    fn new() -> Self {
        Self { hash: Context::new(&SHA256), end: vec![], size: 0 }
    }

    fn update(&mut self, part: &[u8]) {
        self.size += part.len() as u64;
        self.end.extend_from_slice(part);
        let ready = self.end.len().saturating_sub(SHA256_OUTPUT_LEN);
        self.hash.update(&self.end.drain(..ready).collect::<Vec<_>>());
    }

    /// The hash of the content, and the one at its end.
    fn finish(self) -> Option<(String, String)> {
        let complete = self.end.len() == SHA256_OUTPUT_LEN && self.size > SHA256_OUTPUT_LEN as u64;
        complete.then(|| (hex(self.hash.finish().as_ref()), hex(&self.end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etcd::fake::Fake;

    #[test]
    fn stream_that_breaks_off_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/a.db");
        for database in [vec![], vec![0; 32], vec![1; 5000], vec![1; 8192 + 32]] {
            let mut etcd = Fake { database, ..Fake::default() };
            save(&mut etcd, "https://a", "n1", &path, OffsetDateTime::UNIX_EPOCH).unwrap_err();
            assert_eq!(fs::read_dir(dir.path().join("new")).unwrap().count(), 0);
        }
    }

    #[test]
    fn existing_file_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        fs::write(&path, "x").unwrap();
        let error =
            save(&mut Fake::default(), "https://a", "n1", &path, OffsetDateTime::UNIX_EPOCH).unwrap_err();
        assert!(matches!(error, SnapshotError::Exists { .. }), "{error}");
    }

    #[test]
    fn hash_is_found_behind_parts_of_any_size() {
        let data: Vec<u8> = (0..1000_u32).map(|n| n as u8).collect();
        let hash = aws_lc_rs::digest::digest(&SHA256, &data);
        let whole = [data.as_slice(), hash.as_ref()].concat();
        for size in [1, 7, 31, 32, 33, 2000] {
            let mut content = Content::new();
            whole.chunks(size).for_each(|part| content.update(part));
            let (actual, expected) = content.finish().unwrap();
            assert_eq!(actual, expected);
        }
    }
}
