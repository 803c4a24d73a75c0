//! Writing archives.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek, Write};

use serde::Serialize;

use super::descriptor::{Descriptor, Digest};
use super::layout::{
    CONTAINERD_NAME, DOCKER, DockerImage, INDEX, Index, Layout, OCI_LAYOUT, OCI_NAME, blob_path,
};
use super::{Archive, Image};

/// An archive in the making. The same images give the same bytes.
pub(crate) struct Writer<W: Write> {
    tar: tar::Builder<W>,
    written: BTreeSet<Digest>,
    index: Vec<Descriptor>,
    docker: Vec<DockerImage>,
}

impl<W: Write> Writer<W> {
    /// An empty one.
    pub(crate) fn new(to: W) -> Self {
        Self { tar: tar::Builder::new(to), written: BTreeSet::new(), index: vec![], docker: vec![] }
    }

    /// Adds an image of another archive.
    ///
    /// # Errors
    /// When reading or writing fails.
    pub(crate) fn add<R: Read + Seek>(&mut self, from: &mut Archive<R>, image: &Image) -> io::Result<()> {
        for digest in &image.blobs {
            let size = from.blobs.get(digest).map_or(0, |place| place.size);
            let new = self.written.insert(digest.clone());
            if let (true, Some(blob)) = (new, from.blob(digest)?) {
                self.tar.append_data(&mut header(size), blob_path(digest), blob)?;
            }
        }
        // Both by the full name: containerd reads the one, CRI-O's tools the other.
        let names = [CONTAINERD_NAME, OCI_NAME].map(|key| (key.to_owned(), image.name.clone()));
        self.index.push(Descriptor { annotations: BTreeMap::from(names), ..image.target.clone() });
        if let Some(manifest) = image.manifests.first() {
            self.list_for_docker(&blob_path(&manifest.config), &manifest.layers, &image.name);
        }
        Ok(())
    }

    /// Docker's list has a config once, with all its names.
    fn list_for_docker(&mut self, config: &str, layers: &[Digest], name: &str) {
        match self.docker.iter_mut().find(|d| d.config == config) {
            Some(listed) => listed.repo_tags.get_or_insert_default().push(name.to_owned()),
            None => self.docker.push(DockerImage {
                config: config.to_owned(),
                repo_tags: Some(vec![name.to_owned()]),
                layers: layers.iter().map(blob_path).collect(),
            }),
        }
    }

    /// Writes the documents, and gives the finished file back.
    ///
    /// # Errors
    /// When writing fails.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        let layout = Layout { image_layout_version: "1.0.0".into() };
        let index = Index {
            schema_version: 2,
            media_type: Some("application/vnd.oci.image.index.v1+json".into()),
            manifests: std::mem::take(&mut self.index),
        };
        let docker = std::mem::take(&mut self.docker);
        self.document(OCI_LAYOUT, &layout)?;
        self.document(INDEX, &index)?;
        self.document(DOCKER, &docker)?;
        self.tar.into_inner()
    }

    fn document(&mut self, name: &str, value: &impl Serialize) -> io::Result<()> {
        let bytes = serde_json::to_vec(value)?;
        self.tar.append_data(&mut header(bytes.len() as u64), name, bytes.as_slice())
    }
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    header
}
