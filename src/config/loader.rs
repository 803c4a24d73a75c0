//! From a file's text to configuration objects: documents, kinds, API versions, conversion.

use serde::de::DeserializeOwned;

use super::duration::GoDuration;
use super::loaded::{Loaded, Others, Warning};
use super::problem::{ConfigError, Problem};
use super::v1beta3;
use super::v1beta4;
use super::whereabouts;
use crate::yaml::{self, Decoded, Document, NodeKind};

const KUBEADM_GROUP: &str = "kubeadm.k8s.io/";

const KUBELET: (&str, &str) = ("kubelet.config.k8s.io/", "kubelet.config.k8s.io/v1beta1");

const KUBE_PROXY: (&str, &str) = ("kubeproxy.config.k8s.io/", "kubeproxy.config.k8s.io/v1alpha1");

const JOIN: &str = "JoinConfiguration";

const RESET: &str = "ResetConfiguration";

const UPGRADE: &str = "UpgradeConfiguration";

/// Kinds of kubeadm's API that `init` does not read, but that people keep in the same file.
const OTHER_KUBEADM_KINDS: &[&str] = &[JOIN, RESET, UPGRADE];

/// Every kind that any command reads.
pub(super) const KINDS: [&str; 7] = [
    "InitConfiguration",
    "ClusterConfiguration",
    JOIN,
    RESET,
    UPGRADE,
    "KubeletConfiguration",
    "KubeProxyConfiguration",
];

/// Old API versions and the last kubeadm that migrates them (kubeadm names the same).
const RETIRED: &[(&str, &str)] = &[
    ("v1alpha1", "v1.11"),
    ("v1alpha2", "v1.12"),
    ("v1alpha3", "v1.14"),
    ("v1beta1", "v1.15"),
    ("v1beta2", "v1.22"),
];

/// Which documents are read; the others are passed over with a warning.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// `init`'s.
    Init,
    /// One command's own.
    Only(Only),
    /// Those of every command.
    All,
}

/// A command that reads one document alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    /// `join`.
    Join,
    /// `reset`.
    Reset,
    /// The commands below `upgrade`.
    Upgrade,
}

impl Only {
    /// The kind that the command reads.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Join => JOIN,
            Self::Reset => RESET,
            Self::Upgrade => UPGRADE,
        }
    }

    /// The command, as messages call it.
    fn command(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Reset => "reset",
            Self::Upgrade => "upgrade",
        }
    }
}

/// A file on its way to configuration objects.
pub(super) struct Loader {
    reads: Reads,
    pub(super) loaded: Loaded,
    pub(super) problems: Vec<Problem>,
    /// v1beta3 keeps it in the ClusterConfiguration, v1beta4 in the InitConfiguration.
    timeout: Option<GoDuration>,
    pub(super) others: Others,
}

impl Loader {
    /// Reads the documents of `text`, the contents of `file`, that are wanted.
    ///
    /// # Errors
    /// The text is not YAML.
    pub(super) fn read(file: &str, text: &str, reads: Reads) -> Result<Self, ConfigError> {
        let mut loader = Self {
            reads,
            loaded: Loaded::default(),
            problems: vec![],
            timeout: None,
            others: Others::default(),
        };
        loader.loaded.locator.file = file.to_owned();
        let documents = yaml::parse(text)
            .map_err(|error| Problem::new("yaml", format!("{file}:{}", error.position()), error.problem()))?;
        for document in documents.iter().filter(|d| d.root.kind != NodeKind::Null) {
            loader.document(document);
        }
        if let Some(timeout) = loader.timeout {
            let timeouts = loader.loaded.init.timeouts.get_or_insert_default();
            timeouts.control_plane_component_health_check = Some(timeout);
        }
        Ok(loader)
    }

    fn document(&mut self, document: &Document) {
        let root = &document.root;
        let text = |key: &str| root.get(key).and_then(|n| n.as_str()).unwrap_or("").to_owned();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        let at = self.loaded.locator.at(root.position);
        if api_version.is_empty() || kind.is_empty() {
            let missing = if api_version.is_empty() { "apiVersion" } else { "kind" };
            let message = format!(
                "a document without `{missing}`: begin it with `apiVersion: {}` and `kind: ClusterConfiguration` (or another kind)",
                v1beta4::API_VERSION
            );
            return self.problems.push(Problem::new("kind", at, message));
        }
        if self.loaded.locator.has(&kind) {
            let message = format!("kind {kind:?} is given twice in this file: keep one of them");
            return self.problems.push(Problem::new("kind", at, message));
        }
        self.loaded.locator.documents.push((kind.clone(), root.clone()));
        if let Reads::Only(only) = self.reads
            && kind != only.kind()
        {
            let message = format!("ignoring the {kind} ({api_version}): {} does not read it", only.command());
            let problem = Problem::new("kind", at, message);
            return self.loaded.warnings.push(Warning { problem, strict: false, deprecation: false });
        }
        for key in &document.duplicates {
            let place = self.loaded.locator.at(key.position);
            self.warn(
                "duplicate-field",
                place,
                format!("field `{}` is given twice: the last one counts", key.name),
            );
        }
        if let Some(version) = api_version.strip_prefix(KUBEADM_GROUP) {
            return self.kubeadm(document, version, &kind, at);
        }
        for (group, supported) in [KUBELET, KUBE_PROXY] {
            if api_version.starts_with(group) && api_version != supported {
                let message = format!(
                    "apiVersion {api_version:?} is not supported for {kind}: write `apiVersion: {supported}`"
                );
                let place = self.loaded.locator.place(&kind, "apiVersion");
                return self.problems.push(Problem::new("api-version", place, message));
            }
        }
        match (api_version.as_str(), kind.as_str()) {
            (v, "KubeletConfiguration") if v == KUBELET.1 => self.loaded.kubelet = self.decode(document),
            (v, "KubeProxyConfiguration") if v == KUBE_PROXY.1 => {
                self.loaded.kube_proxy = self.decode(document)
            }
            _ if self.reads == Reads::All => {
                self.warn("kind", at, format!("{kind} of {api_version} is not a kind that belongs here"));
            }
            _ if matches!(self.reads, Reads::Only(_)) => {
                let message = format!(
                    "apiVersion {api_version:?} is not known: write `apiVersion: {}`",
                    v1beta4::API_VERSION
                );
                let place = self.loaded.locator.place(&kind, "apiVersion");
                self.problems.push(Problem::new("api-version", place, message));
            }
            _ => self.warn("kind", at, format!("ignoring a {kind} of {api_version}: init does not read it")),
        }
    }

    fn kubeadm(&mut self, document: &Document, version: &str, kind: &str, at: String) {
        let components = [("KubeletConfiguration", KUBELET.1), ("KubeProxyConfiguration", KUBE_PROXY.1)];
        if let Some((_, own)) = components.into_iter().find(|(component, _)| *component == kind) {
            let message =
                format!("ignoring the {kind}: it is not a kind of kubeadm's; write `apiVersion: {own}`");
            let place = self.loaded.locator.place(kind, "apiVersion");
            return self.warn("api-version", place, message);
        }
        if let Some((_, kubeadm)) = RETIRED.iter().find(|(v, _)| *v == version) {
            let message = format!(
                "apiVersion {KUBEADM_GROUP}{version} (kind {kind}) is too old to be read: convert it with kubeadm {kubeadm}, `kubeadm config migrate --old-config OLD --new-config NEW`, or write it again as {}",
                v1beta4::API_VERSION
            );
            let place = self.loaded.locator.place(kind, "apiVersion");
            return self.problems.push(Problem::new("api-version", place, message));
        }
        let old = version == "v1beta3";
        let ours = self.reads != Reads::Init || ["InitConfiguration", "ClusterConfiguration"].contains(&kind);
        if ours && !old && version != "v1beta4" {
            let message = format!(
                "apiVersion {KUBEADM_GROUP}{version} is not known: write `apiVersion: {}`",
                v1beta4::API_VERSION
            );
            let place = self.loaded.locator.place(kind, "apiVersion");
            return self.problems.push(Problem::new("api-version", place, message));
        }
        if old {
            let message = format!(
                "{} is deprecated, and refused by kubeadm 1.37: `kubestrap config migrate` turns it into {}",
                v1beta3::API_VERSION,
                v1beta4::API_VERSION
            );
            let problem = Problem::new("api-version", self.loaded.locator.place(kind, "apiVersion"), message);
            self.loaded.warnings.push(Warning { problem, strict: false, deprecation: true });
        }
        match (kind, old) {
            ("InitConfiguration", false) => self.loaded.init = self.decode(document).unwrap_or_default(),
            ("InitConfiguration", true) => {
                self.loaded.init =
                    self.decode::<v1beta3::InitConfiguration>(document).unwrap_or_default().into();
            }
            ("ClusterConfiguration", false) => {
                self.loaded.cluster = self.decode(document).unwrap_or_default()
            }
            ("ClusterConfiguration", true) => {
                let old: v1beta3::ClusterConfiguration = self.decode(document).unwrap_or_default();
                (self.loaded.cluster, self.timeout) = old.convert();
            }
            (other, _) if self.reads != Reads::Init => self.other(document, other, old, at),
            (other, _) if OTHER_KUBEADM_KINDS.contains(&other) => {
                self.warn("kind", at, format!("ignoring the {other}: init does not read it"));
            }
            (other, _) => self.warn("kind", at, format!("ignoring an unknown kind, {other}")),
        }
    }

    /// A kind of kubeadm's API that is not init's.
    fn other(&mut self, document: &Document, kind: &str, old: bool, at: String) {
        match (kind, old) {
            (JOIN, false) => self.others.join = self.decode(document),
            (JOIN, true) => {
                self.others.join = self.decode::<v1beta3::JoinConfiguration>(document).map(Into::into);
            }
            (RESET, false) => self.others.reset = self.decode(document),
            (UPGRADE, false) => self.others.upgrade = self.decode(document),
            (other, true) if OTHER_KUBEADM_KINDS.contains(&other) => {
                let message = format!(
                    "{} has no {other}: write `apiVersion: {}`",
                    v1beta3::API_VERSION,
                    v1beta4::API_VERSION
                );
                let place = self.loaded.locator.place(other, "apiVersion");
                self.problems.push(Problem::new("api-version", place, message));
            }
            (other, _) => self.warn(
                "kind",
                at,
                format!("kind {other:?} is not known: it is one of {}", KINDS.join(", ")),
            ),
        }
    }

    /// The document as a `T`, without the values whose types do not fit.
    fn decode<T: DeserializeOwned>(&mut self, document: &Document) -> Option<T> {
        let (value, findings) = match yaml::decode_all::<T>(&document.root) {
            Ok(Decoded { value, findings }) => (Some(value), findings),
            Err(undecoded) => {
                for error in &undecoded.errors {
                    let place = self.loaded.locator.at(error.position);
                    self.problems.push(Problem::new("type", place, error.to_string()));
                }
                (undecoded.rest, undecoded.findings)
            }
        };
        for finding in findings {
            let place = self.loaded.locator.at(finding.position);
            let kind = document.root.get("kind").and_then(|kind| kind.as_str()).unwrap_or_default();
            // A field of that very name is more likely meant than one of a similar name.
            let message = match whereabouts::of(kind, &finding.path) {
                Some(belongs) => format!("unknown field `{}`: {belongs}", finding.path),
                None => finding.to_string(),
            };
            self.warn("unknown-field", place, message);
        }
        value
    }

    fn warn(&mut self, rule: &'static str, place: String, message: String) {
        let problem = Problem::new(rule, place, message);
        self.loaded.warnings.push(Warning { problem, strict: true, deprecation: false });
    }
}
