//! The images that a control plane runs.

use super::settings::{IMAGE_REPOSITORY, Settings};
use super::version::CI;

/// The registry of what Kubernetes' CI builds (`ci/v1.37.0-…`).
const CI_IMAGE_REPOSITORY: &str = "gcr.io/k8s-staging-ci-images";

impl Settings {
    /// An image of the control plane: `<repository>/<name>:<version>`.
    pub(crate) fn image(&self, name: &str) -> String {
        let repository = match self.cluster.config.image_repository.as_str() {
            IMAGE_REPOSITORY if self.cluster.config.kubernetes_version.starts_with(CI) => CI_IMAGE_REPOSITORY,
            repository => repository,
        };
        format!("{repository}/{name}:{}", self.cluster.version.image_tag())
    }

    /// etcd's image.
    pub(crate) fn etcd_image(&self) -> String {
        let local = self.cluster.config.etcd.local.clone().unwrap_or_default();
        let repository = Some(local.image_repository)
            .filter(|r| !r.is_empty())
            .unwrap_or_else(|| self.cluster.config.image_repository.clone());
        format!("{repository}/etcd:{}", self.etcd_tag())
    }

    /// The tag of etcd's image.
    pub(crate) fn etcd_tag(&self) -> String {
        let given =
            self.cluster.config.etcd.local.as_ref().map(|l| l.image_tag.clone()).filter(|t| !t.is_empty());
        given.unwrap_or_else(|| self.cluster.release.etcd_tag(self.cluster.version.patch()).to_owned())
    }

    /// CoreDNS' image. Only `registry.k8s.io` keeps it one folder deeper, as kubeadm knows.
    pub(crate) fn coredns_image(&self) -> String {
        let dns = &self.cluster.config.dns;
        let repository = if dns.image_repository.is_empty() {
            &self.cluster.config.image_repository
        } else {
            &dns.image_repository
        };
        let folder = if repository == IMAGE_REPOSITORY { "/coredns" } else { "" };
        let tag = if dns.image_tag.is_empty() { self.cluster.release.coredns } else { &dns.image_tag };
        format!("{repository}{folder}/coredns:{tag}")
    }

    /// The image of the sandbox that every Pod runs in.
    pub(crate) fn pause_image(&self) -> String {
        format!("{}/pause:{}", self.cluster.config.image_repository, self.cluster.release.pause)
    }

    /// Every image that this node will run, in the order in which `kubeadm config images list` names them.
    pub(crate) fn images(&self) -> Vec<String> {
        let mut images: Vec<String> = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"]
            .iter()
            .map(|n| self.image(n))
            .collect();
        if !self.cluster.config.proxy.disabled {
            images.push(self.image("kube-proxy"));
        }
        if !self.cluster.config.dns.disabled {
            images.push(self.coredns_image());
        }
        images.push(self.pause_image());
        if self.cluster.config.etcd.local.is_some() {
            images.push(self.etcd_image());
        }
        images
    }
}

/// Major, minor and patch of etcd's version or of a tag of its image, such as `3.6.8-0`; none for a tag that is no
/// version.
pub(crate) fn etcd_version(tag: &str) -> Option<(u64, u64, Option<u64>)> {
    let mut parts = tag.trim_start_matches('v').split(['.', '-']).map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next().flatten()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etcd_version_is_read_from_a_tag() {
        for (tag, version) in [
            ("3.6.8-0", Some((3, 6, Some(8)))),
            ("v3.5.24", Some((3, 5, Some(24)))),
            ("3.6", Some((3, 6, None))),
            ("3.6-mine", Some((3, 6, None))),
            ("3", None),
            ("latest", None),
            ("", None),
        ] {
            assert_eq!(etcd_version(tag), version, "{tag:?}");
        }
    }
}
