//! A snapshot of etcd's database: saved from a member, and verified.
//!
//! etcd streams its database file with the file's SHA-256 behind it. Both are kept as they come, which is what
//! `etcdutl snapshot restore` takes.

mod error;

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::bbolt::{self, DatabaseError};
use crate::etcd::Etcd;
use crate::hex::hex;
use crate::host::{FileMode, write_atomically};
pub(crate) use error::SnapshotError;

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
mod tests;
