//! A Kubernetes version, `v1.36.2`.

use std::fmt;
use std::str::FromStr;

/// A Kubernetes version; orders as semantic versions do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KubernetesVersion(semver::Version);

impl KubernetesVersion {
    /// A release of major 1.
    pub(super) fn of_release(minor: u64, patch: u64) -> Self {
        Self(semver::Version::new(1, minor, patch))
    }

    /// The minor: 36 of `v1.36.2`.
    pub(crate) fn minor(&self) -> u64 {
        self.0.minor
    }

    /// The major: 1 of `v1.36.2`.
    pub(crate) fn major(&self) -> u64 {
        self.0.major
    }

    /// The patch: 2 of `v1.36.2`.
    pub(crate) fn patch(&self) -> u64 {
        self.0.patch
    }

    /// What kind of prerelease it is, `alpha`, `beta` or `rc`; none if it is a release.
    pub(crate) fn unstable(&self) -> Option<&str> {
        let pre = self.0.pre.as_str();
        (!pre.is_empty()).then(|| pre.split('.').next().unwrap_or(pre))
    }

    /// Whether it is a release: neither a prerelease nor somebody's own build.
    pub(super) fn is_release(&self) -> bool {
        self.0.pre.is_empty() && self.0.build.is_empty()
    }

    /// The version as an image tag: what a tag can't hold becomes `_` (kubeadm does the same with `+`).
    pub(crate) fn image_tag(&self) -> String {
        let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        self.to_string().chars().map(|c| if keep(c) { c } else { '_' }).collect()
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// A text that is no `vX.Y.Z`.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a version of the form v1.36.2")]
pub(crate) struct VersionError(String);

impl FromStr for KubernetesVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix('v').unwrap_or(text);
        semver::Version::parse(bare).map(Self).map_err(|_| VersionError(text.to_owned()))
    }
}

/// What marks versions that Kubernetes' CI built.
pub(crate) const CI: &str = "ci/";

/// A version as configurations may give it, `v1.36.2`, `release/v1.36.2` or `ci/v1.36.2`: whether CI built it, and the
/// version.
///
/// # Errors
/// When what follows the prefix is no `vX.Y.Z`.
pub(crate) fn prefixed(text: &str) -> Result<(bool, KubernetesVersion), VersionError> {
    match text.strip_prefix(CI) {
        Some(version) => Ok((true, version.parse()?)),
        None => Ok((false, text.strip_prefix("release/").unwrap_or(text).parse()?)),
    }
}

/// Whether `text` is a label that stands for a version published on the internet, as kubeadm takes them:
/// `stable`, `latest-1.36`, `ci/latest`.
pub(crate) fn is_label(text: &str) -> bool {
    let text = text.strip_prefix("release/").or_else(|| text.strip_prefix("ci/")).unwrap_or(text);
    let rest = text.strip_prefix("stable").or_else(|| text.strip_prefix("latest"));
    rest.is_some_and(|r| {
        r.is_empty()
            || r.strip_prefix('-').is_some_and(|v| {
                let parts: Vec<&str> = v.split('.').collect();
                parts.len() <= 2
                    && parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_labels() {
        let version: KubernetesVersion = "1.36.2".parse().unwrap();
        assert_eq!((version.minor(), version.patch(), version.to_string().as_str()), (36, 2, "v1.36.2"));
        let built: KubernetesVersion = "v1.36.0-rc.1+abc".parse().unwrap();
        assert_eq!(built.image_tag(), "v1.36.0-rc.1_abc");
        assert!(built < version);
        for bad in ["", "v1", "1.36", "stable", "v1.36.x", "v1.36.2 "] {
            assert!(bad.parse::<KubernetesVersion>().is_err(), "{bad}");
        }
        for (text, ci) in [("v1.36.2", false), ("release/1.36.2", false), ("ci/v1.36.2", true)] {
            assert_eq!(prefixed(text).unwrap(), (ci, version.clone()), "{text}");
        }
        assert!(prefixed("ci/x").is_err() && prefixed("k/v1.36.2").is_err());
        for label in ["stable", "stable-1", "latest-1.36", "ci/latest", "release/stable-1.36"] {
            assert!(is_label(label), "{label}");
        }
        for other in ["stabl", "stable-", "stable-x", "v1.36.2", "stable-1.2.3.4"] {
            assert!(!is_label(other), "{other}");
        }
    }
}
