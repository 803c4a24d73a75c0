//! Archives of images: tar files with an OCI image layout.
//!
//! `index.json` names the images; each is a tree of blobs, whose names are the SHA-256 of their bytes. `manifest.json`
//! says the same once more in Docker's words.
//! Sources: github.com/opencontainers/image-spec, image-layout.md and manifest.md; `docker image save`.

mod descriptor;
mod layout;
mod resolve;
mod scan;
mod write;

#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use descriptor::Descriptor;
pub(crate) use descriptor::Digest;
pub(crate) use write::Writer;

/// An archive whose blobs are what their names say, and in which no image lacks a part.
#[derive(Debug)]
pub(crate) struct Archive<R> {
    reader: R,
    /// It has Docker's list.
    listed: bool,
    blobs: BTreeMap<Digest, Place>,
    images: Vec<Image>,
}

/// By what a program finds an image in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// By any name that an index may give it.
    Any,
    /// By its full name in `org.opencontainers.image.ref.name`, where others have the tag alone.
    FullName,
    /// By Docker's list.
    DockersList,
}

/// Where a blob's bytes are.
#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u64,
    size: u64,
}

/// An image of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    /// Its full name, such as `registry.k8s.io/pause:3.10.2`.
    pub name: String,
    target: Descriptor,
    /// Its manifests that are here: one for each platform.
    manifests: Vec<Manifest>,
    /// What it consists of, in the order in which it was found.
    blobs: Vec<Digest>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Manifest {
    digest: Digest,
    /// Operating system and architecture, such as `linux/amd64`.
    platform: String,
    config: Digest,
    layers: Vec<Digest>,
}

/// What is wrong with an archive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    /// It can't be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is no image archive, or one of a kind that can't be verified.
    #[error("it is not an OCI image archive that can be verified: {0}")]
    Layout(String),
    /// A blob is not what its name says.
    #[error("the blob {digest} is damaged: its bytes have {found}")]
    Damaged {
        /// Its name.
        digest: Digest,
        /// What its bytes give.
        found: Digest,
    },
    /// A part of an image is not there.
    #[error("{image} is incomplete: its {part} {digest} is not in the archive")]
    Missing {
        /// The image.
        image: String,
        /// What it is.
        part: &'static str,
        /// Its digest.
        digest: Digest,
    },
    /// An image can't be understood.
    #[error("{image}: {reason}")]
    Image {
        /// The image.
        image: String,
        /// Why.
        reason: String,
    },
}

impl Image {
    /// The digest that registries and runtimes know it by.
    pub(crate) fn digest(&self) -> &Digest {
        &self.target.digest
    }

    /// The platforms it is here for, such as `linux/amd64`.
    pub(crate) fn platforms(&self) -> Vec<&str> {
        self.manifests.iter().map(|m| m.platform.as_str()).collect()
    }

    /// Every digest that a runtime may take for its id: its own, and those of its manifests and configs.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &Digest> {
        let manifests = self.manifests.iter().flat_map(|m| [&m.digest, &m.config]);
        std::iter::once(self.digest()).chain(manifests)
    }
}

impl<R: Read + Seek> Archive<R> {
    /// Reads a whole archive and verifies it.
    ///
    /// # Errors
    /// When it can't be read, a blob is damaged or an image incomplete.
    pub(crate) fn open(mut reader: R) -> Result<Self, ArchiveError> {
        reader.rewind()?;
        let scanned = scan::scan(&mut reader)?;
        let listed = scanned.documents.contains_key(layout::DOCKER);
        let mut archive = Self { reader, listed, blobs: scanned.blobs, images: vec![] };
        archive.images = resolve::images(&mut archive, &scanned.documents)?;
        Ok(archive)
    }

    /// Its images.
    pub(crate) fn images(&self) -> &[Image] {
        &self.images
    }

    /// The bytes of an image that are here.
    pub(crate) fn size(&self, image: &Image) -> u64 {
        image.blobs.iter().filter_map(|b| self.blobs.get(b)).map(|place| place.size).sum()
    }

    /// Whether a program finds all images in it that finds them by `naming`.
    pub(crate) fn names_all_by(&self, naming: Naming) -> bool {
        match naming {
            Naming::Any => true,
            Naming::FullName => self
                .images
                .iter()
                .all(|i| i.target.annotations.get(layout::OCI_NAME).is_some_and(|own| *own == i.name)),
            Naming::DockersList => self.listed,
        }
    }

    /// The file, at its beginning.
    ///
    /// # Errors
    /// When it can't be rewound.
    pub(crate) fn into_reader(mut self) -> io::Result<R> {
        self.reader.rewind()?;
        Ok(self.reader)
    }

    /// A blob, if it is here.
    fn blob(&mut self, digest: &Digest) -> io::Result<Option<io::Take<&mut R>>> {
        let Some(place) = self.blobs.get(digest) else { return Ok(None) };
        self.reader.seek(SeekFrom::Start(place.offset))?;
        Ok(Some(self.reader.by_ref().take(place.size)))
    }
}
