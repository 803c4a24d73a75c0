//! Writing an archive.

use std::fs::{self, File, Permissions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use age::Encryptor;
use aws_lc_rs::digest::{Context, SHA256};
use flate2::Compression;
use flate2::write::GzEncoder;
use time::OffsetDateTime;

use super::BackupError;
use super::collect::Collected;
use super::key::Lock;
use super::manifest::{Entry, Kind, MANIFEST, Manifest, SNAPSHOT};
use crate::hex::hex;

/// How the names of unfinished archives begin, and of the folders of their snapshots.
pub(crate) const UNFINISHED: &str = ".kubestrap-backup-";

/// The name for a backup of a node at a time.
pub(crate) fn file_name(node: &str, now: OffsetDateTime) -> String {
    let format = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
    let time = now.to_offset(time::UtcOffset::UTC).format(format).unwrap_or_default();
    format!("kubestrap-backup-{node}-{time}.tar.gz.age")
}

/// Removes what backups that were killed left in a folder, whose lock the caller holds.
///
/// # Errors
/// When the folder can't be read, or something in it not removed.
pub(crate) fn remove_unfinished(dir: &Path) -> Result<(), BackupError> {
    for entry in fs::read_dir(dir).map_err(BackupError::file("read", dir))? {
        let entry = entry.map_err(BackupError::file("read", dir))?;
        if !entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            continue;
        }
        let path = entry.path();
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let removed = if is_dir { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(BackupError::file("remove", &path))?;
    }
    Ok(())
}

/// Writes an archive, whole or not at all: a temporary file that only its owner can read, synced and renamed. The
/// manifest gets its entries here. Gives the archive's size.
///
/// # Errors
/// When the key can't be used, a file can't be read, or the archive not written.
pub(crate) fn write(
    path: &Path,
    lock: &Lock,
    mut manifest: Manifest,
    collected: &Collected,
    snapshot: Option<&Path>,
) -> Result<u64, BackupError> {
    if path.symlink_metadata().is_ok() {
        return Err(BackupError::Exists { path: path.to_owned() });
    }
    let recipients = lock.recipients()?;
    let encryptor = Encryptor::with_recipients(recipients.iter().map(AsRef::as_ref))
        .map_err(|error| BackupError::Key(error.to_string()))?;
    manifest.entries = collected.files.iter().map(|(entry, _)| entry.clone()).collect();
    let snapshot = match snapshot {
        None => None,
        Some(path) => {
            let (entry, file) = snapshot_entry(path).map_err(BackupError::file("read", path))?;
            manifest.entries.push(entry.clone());
            Some((entry, file))
        }
    };
    let failed = BackupError::file("write", path);
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(&failed)?;
    let file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(dir)
        .map_err(&failed)?;
    let content = || -> io::Result<()> {
        let encrypted = encryptor.wrap_output(BufWriter::new(file.as_file()))?;
        let mut tar = tar::Builder::new(GzEncoder::new(encrypted, Compression::fast()));
        let text = serde_json::to_vec_pretty(&manifest)?;
        tar.append_data(&mut header(text.len() as u64, 0o600), MANIFEST, text.as_slice())?;
        for (entry, content) in &collected.files {
            tar.append_data(&mut header(entry.size, entry.mode), &entry.name, content.as_slice())?;
        }
        if let Some((entry, file)) = &snapshot {
            let mut file = BufReader::new(file).take(entry.size);
            tar.append_data(&mut header(entry.size, entry.mode), &entry.name, &mut file)?;
        }
        tar.into_inner()?.finish()?.finish()?.flush()
    };
    content().map_err(&failed)?;
    file.as_file().sync_all().map_err(&failed)?;
    let size = file.as_file().metadata().map_err(&failed)?.len();
    file.persist_noclobber(path).map_err(|e| match e.error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists { path: path.to_owned() },
        _ => failed(e.error),
    })?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(&failed)?;
    tracing::info!("wrote {} (mode 0600)", path.display());
    Ok(size)
}

fn header(size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(mode);
    header
}

/// The snapshot's entry, and its file from the beginning.
fn snapshot_entry(path: &Path) -> io::Result<(Entry, File)> {
    let mut hash = Context::new(&SHA256);
    let mut file = File::open(path)?;
    let mut part = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        let count = file.read(&mut part)?;
        if count == 0 {
            break;
        }
        size += count as u64;
        hash.update(part.get(..count).unwrap_or_default());
    }
    let sha256 = hex(hash.finish().as_ref());
    let entry = Entry { name: SNAPSHOT.into(), kind: Kind::Snapshot, path: None, mode: 0o600, size, sha256 };
    Ok((entry, File::open(path)?))
}
