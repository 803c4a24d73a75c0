//! The container runtime of a machine: containerd, CRI-O or Docker.

pub(crate) mod containerd;
pub(crate) mod crio;
mod daemon;
mod docker;
pub(crate) mod oci;

use std::path::Path;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::command::check;
use crate::json::at;
pub(crate) use daemon::Daemon;

/// Which one the machines have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
pub(crate) enum Runtime {
    /// containerd 2
    #[default]
    Containerd,
    /// CRI-O, with conmon, crun, and skopeo to move its images
    Crio,
    /// Docker with cri-dockerd, and skopeo to move its images
    Docker,
}

impl Runtime {
    /// The programs that it is made of; the first of them is the service's.
    pub(crate) const fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Containerd => &["containerd", "containerd-shim-runc-v2", "ctr", "runc"],
            Self::Crio => &["crio", "pinns", "conmon", "crun", "skopeo"],
            Self::Docker => &[
                "cri-dockerd",
                "dockerd",
                "docker",
                "containerd",
                "containerd-shim-runc-v2",
                "runc",
                "skopeo",
            ],
        }
    }

    /// Where it listens.
    pub(crate) const fn socket(self) -> &'static str {
        match self {
            Self::Containerd => containerd::USUAL.socket,
            Self::Crio => crio::SOCKET,
            Self::Docker => docker::SOCKET,
        }
    }

    /// The folder with its images, from the root.
    pub(crate) const fn folder(self) -> &'static str {
        match self {
            Self::Containerd => "var/lib/containerd",
            Self::Crio => "var/lib/containers",
            Self::Docker => "var/lib/docker",
        }
    }

    /// Its configuration: the defaults, but for the sandboxes' image and for what some machines can't do.
    pub(crate) fn configuration(self, pause: &str) -> String {
        match self {
            Self::Containerd => containerd::configuration(pause),
            Self::Crio => crio::configuration(pause),
            Self::Docker => docker::configuration(pause),
        }
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) fn start(self, configuration: &str) -> anyhow::Result<Daemon> {
        match self {
            Self::Containerd => containerd::start_at(&containerd::USUAL, configuration),
            Self::Crio => crio::start(configuration),
            Self::Docker => docker::start(configuration),
        }
    }

    /// Brings the image `reference` out of an OCI archive.
    ///
    /// # Errors
    /// When that fails.
    pub(crate) fn import(self, archive: &Path, reference: &str) -> anyhow::Result<()> {
        let archive = archive.display().to_string();
        match self {
            Self::Containerd => ctr(&["images", "import", &archive]),
            Self::Crio => skopeo(&["copy", &format!("oci-archive:{archive}"), &crio::stored(reference)]),
            Self::Docker => skopeo(&["copy", &format!("oci-archive:{archive}"), &docker::stored(reference)]),
        }
    }

    /// Gives the image `own` another name.
    ///
    /// # Errors
    /// When that fails.
    pub(crate) fn tag(self, own: &str, name: &str) -> anyhow::Result<()> {
        match self {
            Self::Containerd => ctr(&["images", "tag", "--force", own, name]),
            Self::Crio => skopeo(&["copy", &crio::stored(own), &crio::stored(name)]),
            Self::Docker => docker::docker(&["image", "tag", own, name]),
        }
    }

    /// Takes an image away.
    ///
    /// # Errors
    /// When that fails.
    pub(crate) fn remove(self, reference: &str) -> anyhow::Result<()> {
        match self {
            Self::Containerd => ctr(&["images", "remove", "--sync", reference]),
            Self::Crio => skopeo(&["delete", &crio::stored(reference)]),
            Self::Docker => docker::docker(&["image", "rm", reference]),
        }
    }

    /// The id of an image, where it has it and skopeo can ask: the digest of its configuration, which names each layer's
    /// content. The manifest's digest is another after a move, since the storages keep layers unpacked and each archive
    /// packs them again.
    pub(crate) fn image_id(self, reference: &str) -> Option<String> {
        let image = match self {
            Self::Containerd => return None,
            Self::Crio => crio::stored(reference),
            Self::Docker => docker::stored(reference),
        };
        let manifest = check("skopeo", &["inspect", "--raw", &image]).ok()?;
        let manifest = serde_json::from_str(&manifest.stdout).ok()?;
        at(&manifest, "/config/digest").as_str().map(str::to_owned)
    }

    /// The words that list the running containers' ids, sandboxes included.
    pub(crate) const fn listing(self) -> &'static [&'static str] {
        match self {
            Self::Containerd => &["ctr", "--namespace", "k8s.io", "tasks", "list", "--quiet"],
            Self::Crio => &["crun", "--root", "/run/crun", "list", "--quiet"],
            Self::Docker => &["docker", "ps", "--quiet", "--no-trunc"],
        }
    }
}

fn ctr(args: &[&str]) -> anyhow::Result<()> {
    check("ctr", &[&["--namespace", "k8s.io"], args].concat()).map(drop)
}

fn skopeo(args: &[&str]) -> anyhow::Result<()> {
    check("skopeo", args).map(drop)
}
