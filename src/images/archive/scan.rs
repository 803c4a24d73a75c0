//! A pass over an archive: every blob is hashed.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use aws_lc_rs::digest::{Context, SHA256};

use super::descriptor::Digest;
use super::layout::{self, BLOBS, DOCKER, INDEX, OCI_LAYOUT};
use super::{ArchiveError, Place};

/// No document of a layout comes near it.
pub(super) const LARGEST_DOCUMENT: u64 = 4 << 20;

/// What is in an archive.
pub(super) struct Scanned {
    pub(super) blobs: BTreeMap<Digest, Place>,
    /// The documents beside the blobs, by name.
    pub(super) documents: BTreeMap<String, Vec<u8>>,
}

pub(super) fn scan(reader: &mut (impl Read + Seek)) -> Result<Scanned, ArchiveError> {
    let mut scanned = Scanned { blobs: BTreeMap::new(), documents: BTreeMap::new() };
    let mut tar = tar::Archive::new(reader);
    for entry in tar.entries_with_seek()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
        let is_document = [OCI_LAYOUT, INDEX, DOCKER].contains(&path.as_str());
        let kind = entry.header().entry_type();
        if kind.is_dir() || !(is_document || path.starts_with("blobs/")) {
            continue;
        }
        if !kind.is_file() {
            return Err(ArchiveError::Layout(format!("{path} is not a plain file")));
        }
        // A second one of a name would be read by some programs, and the first by others.
        let twice = || ArchiveError::Layout(format!("{path} is in it twice"));
        let (offset, size) = (entry.raw_file_position(), entry.size());
        let cut = |read: u64| {
            let why = format!("the archive ends within {path}, after {read} of {size} bytes");
            if read == size { Ok(()) } else { Err(io::Error::new(io::ErrorKind::UnexpectedEof, why)) }
        };
        if is_document {
            let mut bytes = vec![];
            let read = entry.by_ref().take(LARGEST_DOCUMENT).read_to_end(&mut bytes)?;
            cut(read as u64)?;
            if scanned.documents.insert(path.clone(), bytes).is_some() {
                return Err(twice());
            }
            continue;
        }
        let Some(digest) = layout::blob_of(&path) else {
            return Err(ArchiveError::Layout(format!("{path} is not named as in {BLOBS}<SHA-256>")));
        };
        let (found, read) = hash(&mut entry)?;
        cut(read)?;
        if found != digest {
            return Err(ArchiveError::Damaged { digest, found });
        }
        if scanned.blobs.insert(digest, Place { offset, size }).is_some() {
            return Err(twice());
        }
    }
    Ok(scanned)
}

fn hash(reader: &mut impl Read) -> io::Result<(Digest, u64)> {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0; 1 << 18];
    let mut size = 0;
    loop {
        let count = reader.read(&mut buffer)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return Ok((Digest::of(&context.finish()), size));
        }
        context.update(bytes);
        size += count as u64;
    }
}
