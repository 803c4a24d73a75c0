//! The documents of a layout.

use serde::{Deserialize, Serialize};

use super::descriptor::{Descriptor, Digest};

/// Where blobs are in an archive.
pub(super) const BLOBS: &str = "blobs/sha256/";
/// The layout's own version.
pub(super) const OCI_LAYOUT: &str = "oci-layout";
/// The list of images.
pub(super) const INDEX: &str = "index.json";
/// Docker's list of images.
pub(super) const DOCKER: &str = "manifest.json";

/// What containerd names an image by in an index: its full name.
pub(super) const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// What the layout's specification names an image by: for some tools the full name, for others the tag.
pub(super) const OCI_NAME: &str = "org.opencontainers.image.ref.name";

/// `oci-layout`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Layout {
    pub(super) image_layout_version: String,
}

/// `index.json`, and a blob that lists manifests.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    pub(super) schema_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) media_type: Option<String>,
    pub(super) manifests: Vec<Descriptor>,
}

/// An image's manifest.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageManifest {
    #[serde(default)]
    pub(super) media_type: Option<String>,
    pub(super) config: Descriptor,
    pub(super) layers: Vec<Descriptor>,
}

/// What a config tells of its platform.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    #[serde(default = "unknown")]
    pub(super) os: String,
    #[serde(default = "unknown")]
    pub(super) architecture: String,
}

fn unknown() -> String {
    "unknown".into()
}

/// An image in `manifest.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DockerImage {
    pub(super) config: String,
    pub(super) repo_tags: Option<Vec<String>>,
    pub(super) layers: Vec<String>,
}

/// The path of a blob in an archive.
pub(super) fn blob_path(digest: &Digest) -> String {
    format!("{BLOBS}{}", digest.hex())
}

/// The blob at a path.
pub(super) fn blob_of(path: &str) -> Option<Digest> {
    Digest::from_hex(path.strip_prefix(BLOBS)?).ok()
}
