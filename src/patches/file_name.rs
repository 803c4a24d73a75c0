//! What the name of a patch file says: `<target>[suffix][+<kind>].<json|yaml>`.

use std::fmt;

/// How a patch is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchKind {
    /// A JSON patch: a list of operations (RFC 6902).
    Json,
    /// A JSON merge patch (RFC 7386).
    Merge,
    /// A Kubernetes strategic merge patch.
    Strategic,
}

impl PatchKind {
    const ALL: [Self; 3] = [Self::Json, Self::Merge, Self::Strategic];

    /// The name of the kind in a file name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Merge => "merge",
            Self::Strategic => "strategic",
        }
    }

    /// The media type, which kubeadm's log lines name.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
        }
    }
}

impl fmt::Display for PatchKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a file in a patches directory isn't a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IgnoreReason {
    /// Its name ends neither in `.json` nor in `.yaml`.
    Extension,
    /// Its name begins with no known target.
    UnknownTarget {
        /// The target that was probably meant.
        nearest: Option<String>,
    },
    /// There is nothing in it.
    Empty,
}

impl fmt::Display for IgnoreReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extension => f.write_str("the name ends neither in `.json` nor in `.yaml`"),
            Self::UnknownTarget { nearest: None } => f.write_str("the name begins with no known target"),
            Self::UnknownTarget { nearest: Some(target) } => {
                write!(f, "the name begins with no known target; did you mean `{target}`?")
            }
            Self::Empty => f.write_str("the file is empty"),
        }
    }
}

/// What a file name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileName {
    Patch {
        target: String,
        kind: PatchKind,
    },
    Ignored(IgnoreReason),
    /// A `+` is not followed by a kind of patch.
    UnknownKind,
}

/// Reads a base name the way kubeadm does (`app/util/patches`): the extension, then the first
/// target the name begins with, then anything up to `.` or `+`, then the kind. The kind only has
/// to be the beginning of what follows the `+`; without a `+` the patch is a strategic one.
pub(super) fn parse(name: &str, targets: &[&str]) -> FileName {
    let stem = name.strip_suffix(".json").or_else(|| name.strip_suffix(".yaml"));
    let Some(stem) = stem.filter(|stem| !stem.is_empty() && !stem.ends_with('\n')) else {
        return FileName::Ignored(IgnoreReason::Extension);
    };
    let known = targets.iter().find_map(|target| Some((*target, name.strip_prefix(target)?)));
    let Some((target, rest)) = known else {
        return FileName::Ignored(IgnoreReason::UnknownTarget { nearest: nearest_target(stem, targets) });
    };
    let kind = match rest.trim_start_matches(|c| !['.', '+', '\n'].contains(&c)).strip_prefix('+') {
        None => Some(PatchKind::Strategic),
        Some(text) => PatchKind::ALL.into_iter().find(|kind| text.starts_with(kind.as_str())),
    };
    match kind {
        Some(kind) => FileName::Patch { target: target.to_owned(), kind },
        None => FileName::UnknownKind,
    }
}

fn nearest_target(stem: &str, targets: &[&str]) -> Option<String> {
    let meant = stem.split(['.', '+']).next()?.trim_end_matches(|c: char| c.is_ascii_digit()).to_lowercase();
    let scored = targets.iter().map(|target| (strsim::jaro_winkler(&meant, target), *target));
    let (score, target) = scored.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (score > 0.9).then(|| target.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGETS: [&str; 3] = ["etcd", "kube-apiserver", "kubeletconfiguration"];

    fn patch(target: &str, kind: PatchKind) -> FileName {
        FileName::Patch { target: target.to_owned(), kind }
    }

    #[test]
    fn names_that_are_patches() {
        for (name, target, kind) in [
            ("etcd.yaml", "etcd", PatchKind::Strategic),
            ("etcd0.yaml", "etcd", PatchKind::Strategic),
            ("etcd+json.json", "etcd", PatchKind::Json),
            ("etcd0+json.yaml", "etcd", PatchKind::Json),
            ("kube-apiserver1+merge.json", "kube-apiserver", PatchKind::Merge),
            ("kube-apiserver-extra+strategic.yaml", "kube-apiserver", PatchKind::Strategic),
            ("kubeletconfiguration+strategicX.yaml", "kubeletconfiguration", PatchKind::Strategic),
            // Only a `+` right behind the suffix counts.
            ("etcd.merge.yaml", "etcd", PatchKind::Strategic),
            ("etcd.x+merge.yaml", "etcd", PatchKind::Strategic),
            ("etcdjson.json", "etcd", PatchKind::Strategic),
            ("etcd+json+merge.json", "etcd", PatchKind::Json),
        ] {
            assert_eq!(parse(name, &TARGETS), patch(target, kind), "{name}");
        }
    }

    #[test]
    fn a_plus_needs_a_kind() {
        for name in ["etcd+foo.yaml", "etcd+.yaml", "etcd1+JSON.json"] {
            assert_eq!(parse(name, &TARGETS), FileName::UnknownKind, "{name}");
        }
    }

    #[test]
    fn other_files_are_ignored_with_the_reason() {
        for name in ["README", "etcd.yml", "etcd.yaml~", "etcd+foo.txt", ".yaml", "etcd.YAML"] {
            assert_eq!(parse(name, &TARGETS), FileName::Ignored(IgnoreReason::Extension), "{name}");
        }
        for (name, nearest) in [
            ("kubeapiserver0+merge.yaml", Some("kube-apiserver")),
            ("kubelet-configuration.yaml", Some("kubeletconfiguration")),
            ("Etcd.json", Some("etcd")),
            ("notes.yaml", None),
        ] {
            let nearest = nearest.map(str::to_owned);
            let expected = FileName::Ignored(IgnoreReason::UnknownTarget { nearest });
            assert_eq!(parse(name, &TARGETS), expected, "{name}");
        }
    }
}
