//! What a container runtime says about itself, all in one.

use std::path::PathBuf;

use super::{CgroupDriver, CriError, ImageInfo, RuntimeStatus, RuntimeVersion};

/// What the container runtime says about itself.
#[derive(Clone, Debug)]
pub(crate) struct RuntimeFacts {
    /// Who it is.
    pub version: RuntimeVersion,
    /// Its health.
    pub status: RuntimeStatus,
    /// Its cgroup driver; none if it does not report it.
    pub cgroup_driver: Result<Option<CgroupDriver>, CriError>,
    /// The images it holds.
    pub images: Vec<ImageInfo>,
    /// The directory that it keeps images in, if it reports it.
    pub image_dir: Option<PathBuf>,
}

impl RuntimeFacts {
    /// Whether it holds an image by this reference.
    pub(crate) fn holds(&self, reference: &str) -> bool {
        self.images.iter().any(|i| i.repo_tags.iter().chain(&i.repo_digests).any(|name| name == reference))
    }
}
