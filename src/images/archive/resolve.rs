//! The images of an archive, from its documents and the blobs that these lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use serde::de::DeserializeOwned;

use super::descriptor::{Descriptor, Kind};
use super::layout::{
    self, CONTAINERD_NAME, Config, DOCKER, DockerImage, INDEX, ImageManifest, Index, Layout, OCI_LAYOUT,
    OCI_NAME,
};
use super::scan::LARGEST_DOCUMENT;
use super::{Archive, ArchiveError, Image, Manifest};
use crate::images::canonical;

/// Lists in lists: one is what registries have.
const DEPTH: usize = 3;

/// All images, each complete.
pub(super) fn images<R: Read + Seek>(
    archive: &mut Archive<R>,
    documents: &BTreeMap<String, Vec<u8>>,
) -> Result<Vec<Image>, ArchiveError> {
    let layout: Layout = document(documents, OCI_LAYOUT)?;
    if layout.image_layout_version != "1.0.0" {
        let version = layout.image_layout_version;
        return Err(ArchiveError::Layout(format!("it has version {version:?} of the layout, not 1.0.0")));
    }
    let index: Index = document(documents, INDEX)?;
    if index.schema_version != 2 {
        return Err(ArchiveError::Layout(format!("{INDEX} has the schema {}, not 2", index.schema_version)));
    }
    let mut images = vec![];
    for target in index.manifests {
        let name = name(&target)?;
        let mut image = Image { name, target: target.clone(), manifests: vec![], blobs: vec![] };
        collect(archive, &target, &mut image, DEPTH)?;
        if image.manifests.is_empty() {
            return Err(image.wrong("there is no manifest of it for any platform"));
        }
        images.push(image);
    }
    if images.is_empty() {
        return Err(ArchiveError::Layout(format!("{INDEX} names no image")));
    }
    if documents.contains_key(DOCKER) {
        agree(archive, &images, &document::<Vec<DockerImage>>(documents, DOCKER)?)?;
    }
    Ok(images)
}

fn document<T: DeserializeOwned>(
    documents: &BTreeMap<String, Vec<u8>>,
    name: &str,
) -> Result<T, ArchiveError> {
    let bytes = documents.get(name).ok_or_else(|| ArchiveError::Layout(format!("it has no {name}")))?;
    serde_json::from_slice(bytes).map_err(|e| ArchiveError::Layout(format!("{name}: {e}")))
}

/// The full name that an index gives an image.
fn name(target: &Descriptor) -> Result<String, ArchiveError> {
    let annotation = |key: &str| target.annotations.get(key);
    // Where it is no full name, it is a tag.
    let full = annotation(OCI_NAME).filter(|name| name.contains('/'));
    match (annotation(CONTAINERD_NAME), full) {
        (Some(name), Some(other)) if canonical(name) != canonical(other) => {
            Err(ArchiveError::Layout(format!("{INDEX} has two names for one image: {name} and {other}")))
        }
        (Some(name), _) | (None, Some(name)) => Ok(canonical(name)),
        (None, None) => Err(ArchiveError::Layout(format!("{INDEX} has no name for {}", target.digest))),
    }
}

/// Takes up what a descriptor leads to.
fn collect<R: Read + Seek>(
    archive: &mut Archive<R>,
    from: &Descriptor,
    image: &mut Image,
    depth: usize,
) -> Result<(), ArchiveError> {
    match from.kind() {
        Kind::Index if depth > 0 => {
            let index: Index = archive.json(image, from, "index")?;
            same_type(image, from, index.media_type.as_deref())?;
            for child in index.manifests {
                // Of those for other platforms, archives have none.
                if archive.blobs.contains_key(&child.digest) {
                    collect(archive, &child, image, depth - 1)?;
                }
            }
            Ok(())
        }
        Kind::Manifest => {
            let manifest: ImageManifest = archive.json(image, from, "manifest")?;
            same_type(image, from, manifest.media_type.as_deref())?;
            let config: Config = archive.json(image, &manifest.config, "config")?;
            for layer in &manifest.layers {
                if layer.kind() != Kind::Foreign || archive.blobs.contains_key(&layer.digest) {
                    archive.part(image, layer, "layer")?;
                }
            }
            image.manifests.push(Manifest {
                digest: from.digest.clone(),
                platform: format!("{}/{}", config.os, config.architecture),
                config: manifest.config.digest,
                layers: manifest.layers.into_iter().map(|l| l.digest).collect(),
            });
            Ok(())
        }
        _ => Err(image.wrong(format!("{} is of the type {:?}", from.digest, from.media_type))),
    }
}

/// A blob that says its type must be what it is taken for.
fn same_type(image: &Image, from: &Descriptor, own: Option<&str>) -> Result<(), ArchiveError> {
    match own {
        Some(own) if own != from.media_type => Err(image
            .wrong(format!("{} is of the type {own:?} and listed as {:?}", from.digest, from.media_type))),
        _ => Ok(()),
    }
}

/// Names are under no digest, but stand in the archive twice: Docker's list must say what the index says.
fn agree<R>(archive: &Archive<R>, images: &[Image], docker: &[DockerImage]) -> Result<(), ArchiveError> {
    let differ = |what: &str| {
        ArchiveError::Layout(format!("{DOCKER} and {INDEX} do not agree on {what}: one of them is damaged"))
    };
    for listed in docker {
        let path = &listed.config;
        let config = layout::blob_of(path).ok_or_else(|| differ(path))?;
        let has = |image: &&Image| image.manifests.iter().any(|m| m.config == config);
        let names: BTreeSet<String> = images.iter().filter(has).map(|i| i.name.clone()).collect();
        let tags: BTreeSet<String> = listed.repo_tags.iter().flatten().map(|t| canonical(t)).collect();
        if names != tags {
            let all: Vec<&str> = names.union(&tags).map(String::as_str).collect();
            return Err(differ(&all.join(", ")));
        }
        for path in &listed.layers {
            layout::blob_of(path).filter(|l| archive.blobs.contains_key(l)).ok_or_else(|| differ(path))?;
        }
    }
    Ok(())
}

impl Image {
    fn wrong(&self, reason: impl Into<String>) -> ArchiveError {
        ArchiveError::Image { image: self.name.clone(), reason: reason.into() }
    }
}

impl<R: Read + Seek> Archive<R> {
    /// Takes a blob up as a part of an image: it must be there, in its size.
    fn part(&self, image: &mut Image, of: &Descriptor, part: &'static str) -> Result<(), ArchiveError> {
        let digest = of.digest.clone();
        match self.blobs.get(&digest) {
            None => Err(ArchiveError::Missing { image: image.name.clone(), part, digest }),
            Some(place) if place.size != of.size => Err(image
                .wrong(format!("its {part} {digest} has {} bytes and should have {}", place.size, of.size))),
            Some(_) => {
                if !image.blobs.contains(&digest) {
                    image.blobs.push(digest);
                }
                Ok(())
            }
        }
    }

    /// A part that is a document.
    fn json<T: DeserializeOwned>(
        &mut self,
        image: &mut Image,
        of: &Descriptor,
        part: &'static str,
    ) -> Result<T, ArchiveError> {
        self.part(image, of, part)?;
        let mut bytes = vec![];
        if let Some(blob) = self.blob(&of.digest)? {
            blob.take(LARGEST_DOCUMENT).read_to_end(&mut bytes)?;
        }
        serde_json::from_slice(&bytes).map_err(|e| image.wrong(format!("its {part} {}: {e}", of.digest)))
    }
}
