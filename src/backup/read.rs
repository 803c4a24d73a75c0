//! Reading an archive.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use age::{DecryptError, Decryptor};
use aws_lc_rs::digest::{Context, SHA256};
use flate2::read::GzDecoder;
use zeroize::Zeroizing;

use super::BackupError;
use super::key::Unlock;
use super::manifest::{CONFIGURATION, Entry, FORMAT, Kind, MANIFEST, Manifest, SNAPSHOT};
use crate::hex::hex;

/// Neither the manifest nor a file is larger, but for the snapshot.
const LARGEST: u64 = 32 << 20;

/// An archive, decrypted but for its snapshot.
pub(crate) struct Archive {
    /// What is in it.
    pub(crate) manifest: Manifest,
    path: PathBuf,
    unlock: Unlock,
    files: BTreeMap<String, Zeroizing<Vec<u8>>>,
}

/// Verifies a whole archive: that it is complete, undamaged, and holds what its manifest says.
///
/// # Errors
/// When it can't be read or decrypted, or is not good.
pub(crate) fn verify(path: &Path, unlock: &Unlock) -> Result<Manifest, BackupError> {
    Ok(read(path, unlock, Some(&mut io::sink()))?.0)
}

impl Archive {
    /// Opens an archive and reads all of it but for the snapshot.
    ///
    /// # Errors
    /// When it can't be read or decrypted, or is not good.
    pub(crate) fn open(path: &Path, unlock: &Unlock) -> Result<Self, BackupError> {
        let (manifest, files) = read(path, unlock, None)?;
        Ok(Self { manifest, files, path: path.to_owned(), unlock: unlock.clone() })
    }

    /// The files of a kind, each with its content.
    pub(crate) fn files(&self, kind: Kind) -> impl Iterator<Item = (&Entry, &[u8])> {
        let entries = self.manifest.entries.iter().filter(move |entry| entry.kind == kind);
        entries.filter_map(|entry| Some((entry, self.files.get(&entry.name)?.as_slice())))
    }

    /// The configuration, if there is one.
    pub(crate) fn configuration(&self) -> Option<String> {
        self.files.get(CONFIGURATION).map(|text| String::from_utf8_lossy(text).into_owned())
    }

    /// Writes the snapshot, verified; gives its size.
    ///
    /// # Errors
    /// When the archive can't be read or is not good, or the snapshot can't be written.
    pub(crate) fn extract_snapshot(&self, to: &mut dyn Write) -> Result<u64, BackupError> {
        read(&self.path, &self.unlock, Some(to))?;
        let entry = self.manifest.entries.iter().find(|entry| entry.kind == Kind::Snapshot);
        Ok(entry.map_or(0, |entry| entry.size))
    }
}

type Files = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// Reads an archive; the snapshot only where somebody takes it, and then to the archive's end.
fn read(
    path: &Path,
    unlock: &Unlock,
    mut snapshot: Option<&mut dyn Write>,
) -> Result<(Manifest, Files), BackupError> {
    let damaged = |reason: String| BackupError::Damaged { path: path.to_owned(), reason };
    let content = |error: io::Error| BackupError::of_content(path, &error);
    let mut tar = tar::Archive::new(decrypted(path, unlock)?);
    let mut manifest: Option<Manifest> = None;
    let mut files = Files::new();
    let mut snapshots = 0;
    for part in tar.entries().map_err(content)? {
        let mut part = part.map_err(content)?;
        let name = String::from_utf8_lossy(&part.path_bytes()).into_owned();
        let Some(manifest) = &manifest else {
            if name != MANIFEST {
                let reason = format!("its first file is {name:?}");
                return Err(BackupError::NotArchive { path: path.to_owned(), reason });
            }
            manifest = Some(parse(path, &whole(&mut part).map_err(content)?)?);
            continue;
        };
        let expected = manifest.entries.iter().find(|entry| entry.name == name);
        let Some(expected) = expected else {
            return Err(damaged(format!("it holds {name:?}, which its manifest does not name")));
        };
        let sha256 = if name == SNAPSHOT {
            let Some(to) = snapshot.as_mut() else { break };
            snapshots += 1;
            copy(&mut part, *to, path)?
        } else {
            let bytes = whole(&mut part).map_err(content)?;
            let hash = hex(aws_lc_rs::digest::digest(&SHA256, &bytes).as_ref());
            files.insert(name.clone(), bytes);
            hash
        };
        if sha256 != expected.sha256 {
            return Err(damaged(format!("{name} is not what its manifest says")));
        }
    }
    let Some(manifest) = manifest else {
        let reason = "it is empty".to_owned();
        return Err(BackupError::NotArchive { path: path.to_owned(), reason });
    };
    if snapshot.is_some() {
        // That the end is the real one shows only behind it.
        io::copy(&mut tar.into_inner(), &mut io::sink()).map_err(content)?;
    }
    let wanted = |entry: &&Entry| entry.kind != Kind::Snapshot;
    let missing = manifest.entries.iter().filter(wanted).find(|entry| !files.contains_key(&entry.name));
    let lacks_snapshot = snapshot.is_some() && manifest.snapshot.is_some() && snapshots == 0;
    match missing.map(|entry| entry.name.as_str()).or(lacks_snapshot.then_some(SNAPSHOT)) {
        Some(name) => Err(damaged(format!("{name} is missing"))),
        None => Ok((manifest, files)),
    }
}

fn parse(path: &Path, text: &[u8]) -> Result<Manifest, BackupError> {
    let not = |reason: String| BackupError::NotArchive { path: path.to_owned(), reason };
    let value: serde_json::Value =
        serde_json::from_slice(text).map_err(|e| not(format!("its manifest can't be read: {e}")))?;
    let format = value.get("format").and_then(serde_json::Value::as_u64).unwrap_or_default();
    let format = u32::try_from(format).unwrap_or(u32::MAX);
    if format > FORMAT {
        return Err(BackupError::Newer { path: path.to_owned(), format, known: FORMAT });
    }
    serde_json::from_value(value).map_err(|e| not(format!("its manifest can't be read: {e}")))
}

/// What is in an encrypted file, unpacked.
fn decrypted(path: &Path, unlock: &Unlock) -> Result<GzDecoder<impl Read + use<>>, BackupError> {
    let file = File::open(path).map_err(BackupError::file("read", path))?;
    let failed = |error| of_decryption(path, unlock, error);
    let decryptor = Decryptor::new_buffered(BufReader::new(file)).map_err(failed)?;
    let identities = unlock.identities()?;
    if decryptor.is_scrypt() != matches!(unlock, Unlock::Passphrase(_)) {
        return Err(failed(DecryptError::NoMatchingKeys));
    }
    let content = decryptor.decrypt(identities.iter().map(AsRef::as_ref)).map_err(failed)?;
    Ok(GzDecoder::new(content))
}

fn of_decryption(path: &Path, unlock: &Unlock, error: DecryptError) -> BackupError {
    let locked = |reason, fix| BackupError::Locked { path: path.to_owned(), reason, fix };
    match (error, unlock) {
        (DecryptError::NoMatchingKeys, Unlock::Passphrase(_)) => locked(
            "it is encrypted to recipients, not with a passphrase",
            "give the file of the identity with --identity",
        ),
        (DecryptError::NoMatchingKeys, Unlock::Identities(_)) => locked(
            "none of the identities belongs to one of its recipients, or it is encrypted with a passphrase",
            "give the identity whose public key was named by --recipient; for one with a passphrase, --passphrase-file",
        ),
        (DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed, Unlock::Passphrase(_)) => {
            locked("the passphrase is wrong", "give the passphrase that it was made with")
        }
        (DecryptError::ExcessiveWork { .. }, _) => {
            locked("its passphrase needs more memory than this program allows", "decrypt it with `age -d`")
        }
        (DecryptError::Io(error), _) if error.kind() != io::ErrorKind::InvalidData => match error.kind() {
            io::ErrorKind::UnexpectedEof => BackupError::of_content(path, &error),
            _ => BackupError::file("read", path)(error),
        },
        (DecryptError::UnknownFormat, _) => {
            BackupError::NotArchive { path: path.to_owned(), reason: "it is not encrypted by age".into() }
        }
        (DecryptError::InvalidHeader, _) => BackupError::NotArchive {
            path: path.to_owned(),
            reason: "its header is not that of an age file, or was changed".into(),
        },
        (error, _) => BackupError::Damaged {
            path: path.to_owned(),
            reason: format!("its header was changed ({error})"),
        },
    }
}

/// The whole of a small file.
fn whole(part: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![]);
    part.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a file in it is too large"));
    }
    Ok(bytes)
}

/// Copies a part, and gives its SHA-256.
fn copy(part: &mut impl Read, to: &mut dyn Write, path: &Path) -> Result<String, BackupError> {
    let mut hash = Context::new(&SHA256);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = part.read(&mut buffer).map_err(|error| BackupError::of_content(path, &error))?;
        if count == 0 {
            return Ok(hex(hash.finish().as_ref()));
        }
        let read = buffer.get(..count).unwrap_or_default();
        hash.update(read);
        to.write_all(read).map_err(BackupError::file("write", Path::new("etcd's snapshot")))?;
    }
}
