//! How blobs are referred to.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hex::hex;

/// A SHA-256 digest, `sha256:` and 64 hexadecimal digits: the only kind that registries of Kubernetes' images use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    const PREFIX: &str = "sha256:";

    /// Of a hash's bytes.
    pub(super) fn of(hash: &aws_lc_rs::digest::Digest) -> Self {
        Self(format!("{}{}", Self::PREFIX, hex(hash.as_ref())))
    }

    /// Of a blob's name.
    pub(super) fn from_hex(hex: &str) -> Result<Self, String> {
        Self::try_from(format!("{}{hex}", Self::PREFIX))
    }

    /// The digits alone.
    pub fn hex(&self) -> &str {
        self.0.strip_prefix(Self::PREFIX).unwrap_or(&self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix(Self::PREFIX).unwrap_or_default();
        let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if digits.len() == 64 && digits.bytes().all(lower) {
            Ok(Self(text))
        } else {
            Err(format!("{text:?} is not a SHA-256 digest"))
        }
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A reference to a blob, with what it should be. Other fields are not kept: they repeat what the blob says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    pub(super) digest: Digest,
    pub(super) size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
}

/// What a blob is, by its media type: OCI's names and Docker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A list of manifests.
    Index,
    /// An image for one platform.
    Manifest,
    /// A layer that may be left out of archives (of Windows).
    Foreign,
    Other,
}

impl Descriptor {
    pub(super) fn kind(&self) -> Kind {
        match self.media_type.as_str() {
            "application/vnd.oci.image.index.v1+json"
            | "application/vnd.docker.distribution.manifest.list.v2+json" => Kind::Index,
            "application/vnd.oci.image.manifest.v1+json"
            | "application/vnd.docker.distribution.manifest.v2+json" => Kind::Manifest,
            other if other.contains(".nondistributable.") || other.contains(".foreign.") => Kind::Foreign,
            _ => Kind::Other,
        }
    }
}
