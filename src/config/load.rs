//! From a file's text to configuration objects: documents, kinds, API versions, conversion.

use serde::de::DeserializeOwned;

use super::duration::GoDuration;
use super::facts::HostFacts;
use super::kube_proxy::KubeProxyConfiguration;
use super::kubelet::KubeletConfiguration;
use super::problem::{ConfigError, Locator, Problem};
use super::release::default_version;
use super::resolve::Overrides;
use super::settings::Settings;
use super::v1beta3;
use super::v1beta4::{
    self, ClusterConfiguration, InitConfiguration, JoinConfiguration, ResetConfiguration,
    UpgradeConfiguration,
};
use super::version::is_label;
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
const KINDS: [&str; 7] = [
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

/// What a configuration file said, before any default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaded {
    /// This node and this run.
    pub init: InitConfiguration,
    /// The cluster.
    pub cluster: ClusterConfiguration,
    /// kubelet's configuration, where the file has one.
    pub kubelet: Option<KubeletConfiguration>,
    /// kube-proxy's configuration, where the file has one.
    pub kube_proxy: Option<KubeProxyConfiguration>,
    /// It is what a cluster stores, perhaps since an older release.
    pub stored: bool,
    /// Where what stands.
    pub locator: Locator,
    /// What is odd, but does not stop us.
    pub warnings: Vec<Warning>,
}

/// What `join` was told, by a file or by flags, before any default.
#[derive(Debug, Default)]
pub(crate) struct LoadedJoin {
    /// The configuration.
    pub join: JoinConfiguration,
    /// Where its fields come from.
    pub locator: Locator,
    /// What is odd, but no error.
    pub warnings: Vec<Warning>,
}

/// Something odd about a configuration.
#[derive(Clone, Debug)]
pub(crate) struct Warning {
    /// What and where.
    pub problem: Problem,
    /// Whether `--strict` makes it an error.
    pub strict: bool,
    /// Whether it is that the API version is deprecated.
    pub deprecation: bool,
}

/// What the documents say that `init` does not read, but other commands do.
#[derive(Debug, Default)]
pub(crate) struct Others {
    /// For `join`.
    pub join: Option<JoinConfiguration>,
    /// For `reset`.
    pub reset: Option<ResetConfiguration>,
    /// For `upgrade`.
    pub upgrade: Option<UpgradeConfiguration>,
}

/// Reads what `init` reads of `text`, the contents of `file`.
///
/// # Errors
/// With every problem of every document: text that is not YAML, values of the wrong type, API versions that
/// nothing reads any more, the same kind twice, neither an InitConfiguration nor a ClusterConfiguration.
pub(crate) fn load(file: &str, text: &str) -> Result<Loaded, ConfigError> {
    let Loader { loaded, mut problems, .. } = Loader::read(file, text, Reads::Init)?;
    let has = |kind: &str| loaded.locator.has(kind);
    if problems.is_empty() && !has("InitConfiguration") && !has("ClusterConfiguration") {
        let message = "there is no InitConfiguration and no ClusterConfiguration (apiVersion: kubeadm.k8s.io/v1beta4) in it";
        problems.push(Problem::new("kind", file, message));
    }
    if problems.is_empty() {
        return Ok(loaded);
    }
    // What else is wrong is told in the same go.
    let overrides = Overrides { dry_run: true, ..Overrides::default() };
    let mut loaded = loaded;
    if is_label(&loaded.cluster.kubernetes_version) {
        loaded.cluster.kubernetes_version = default_version(None).to_string();
    }
    if let Err(more) = Settings::resolve(loaded, HostFacts::placeholder(), &overrides) {
        add_elsewhere(&mut problems, more.problems);
    }
    Err(ConfigError { problems })
}

/// Adds the problems that stand elsewhere than those that are known: a value that could not be read is not judged.
pub(super) fn add_elsewhere(problems: &mut Vec<Problem>, more: Vec<Problem>) {
    let known: Vec<String> = problems.iter().map(|p| p.place.clone()).collect();
    problems.extend(more.into_iter().filter(|p| !known.contains(&p.place)));
    problems.sort_by_key(Problem::line_and_column);
}

/// Reads what `join` reads of `text`, the contents of `file`: its JoinConfiguration. Documents of other kinds are not
/// looked at: tools keep those of every command in one file.
///
/// # Errors
/// With every problem: text that is not YAML, values of the wrong type, an API version that is not known, the same
/// kind twice, no JoinConfiguration.
pub(crate) fn load_join(file: &str, text: &str) -> Result<LoadedJoin, ConfigError> {
    let (join, locator, warnings) = load_only(file, text, Only::Join, |others| others.join)?;
    Ok(LoadedJoin { join, locator, warnings })
}

/// Reads the one document that a command reads of `text`, the contents of `file`.
///
/// # Errors
/// As [`load_join`].
pub(super) fn load_only<T>(
    file: &str,
    text: &str,
    only: Only,
    take: impl FnOnce(Others) -> Option<T>,
) -> Result<(T, Locator, Vec<Warning>), ConfigError> {
    let Loader { loaded, mut problems, others, .. } = Loader::read(file, text, Reads::Only(only))?;
    let Loaded { locator, warnings, .. } = loaded;
    match take(others) {
        Some(configuration) if problems.is_empty() => return Ok((configuration, locator, warnings)),
        None if problems.is_empty() => problems.push(Problem::new(
            "kind",
            file,
            format!(
                "no {0} in it: add a document with `apiVersion: {1}` and `kind: {0}`",
                only.kind(),
                v1beta4::API_VERSION
            ),
        )),
        Some(_) | None => {}
    }
    Err(ConfigError { problems })
}

/// Reads the configuration of every command from `text`, the contents of `file`: what could be read, and every problem
/// of what could not, among them that a file holds nothing of kubeadm's, kubelet's and kube-proxy's.
///
/// # Errors
/// The text is not YAML.
pub(super) fn load_all(file: &str, text: &str) -> Result<(Loaded, Others, Vec<Problem>), ConfigError> {
    let Loader { loaded, mut problems, others, .. } = Loader::read(file, text, Reads::All)?;
    if problems.is_empty() && !loaded.locator.documents.iter().any(|(k, _)| KINDS.contains(&k.as_str())) {
        let message = format!("it holds none of these kinds: {}", KINDS.join(", "));
        problems.push(Problem::new("kind", file, message));
    }
    Ok((loaded, others, problems))
}

/// Which documents are read; the others are passed over with a warning.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
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
    fn kind(self) -> &'static str {
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

struct Loader {
    reads: Reads,
    loaded: Loaded,
    problems: Vec<Problem>,
    /// v1beta3 keeps it in the ClusterConfiguration, v1beta4 in the InitConfiguration.
    timeout: Option<GoDuration>,
    others: Others,
}

impl Loader {
    fn read(file: &str, text: &str, reads: Reads) -> Result<Self, ConfigError> {
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
                self.warn("kind", at, format!("{kind} of {api_version} is no kind that belongs here"));
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

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n";

    fn errors(text: &str) -> String {
        load("c.yaml", text).unwrap_err().to_string()
    }

    #[test]
    fn what_does_not_belong_is_told_and_left_out() {
        let text = format!(
            "# kind writes such files\n---\n{CLUSTER}networking: {{podSubnt: 10.0.0.0/8}}\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\n---\napiVersion: v1\nkind: Pod\n---\n"
        );
        let loaded = load("c.yaml", &text).unwrap();
        let told: Vec<String> = loaded.warnings.iter().map(|w| w.problem.to_string()).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert_eq!(told[0], "c.yaml:5:14: unknown field `networking.podSubnt`: did you mean `podSubnet`?");
        assert!(told[1].contains("JoinConfiguration") && told[2].contains("Pod"));
        let loaded = load("c.yaml", &format!("{CLUSTER}certificateKey: x\n")).unwrap();
        let told = loaded.warnings[0].problem.to_string();
        assert!(
            told.ends_with("unknown field `certificateKey`: it belongs in the InitConfiguration"),
            "{told}"
        );
    }

    #[test]
    fn every_document_s_problems_come_at_once() {
        let text = format!(
            "{CLUSTER}clusterName: on\n---\napiVersion: kubeadm.k8s.io/v1beta2\nkind: InitConfiguration\n---\n{CLUSTER}---\nkind: X\n"
        );
        let told = errors(&text);
        assert_eq!(told.lines().count(), 4, "{told}");
        assert!(told.contains("c.yaml:3:14: `clusterName`: the boolean `on`"), "{told}");
        assert!(told.contains("kubeadm v1.22"), "{told}");
        assert!(told.contains("given twice"), "{told}");
        assert!(told.contains("without `apiVersion`"), "{told}");
    }

    #[test]
    fn v1beta3_is_converted() {
        let text = "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\napiServer:\n  timeoutForControlPlane: 2m\n  extraArgs: {b: '2', a: '1'}\n";
        let loaded = load("c.yaml", text).unwrap();
        let names: Vec<&str> = loaded.cluster.api_server.extra_args.iter().map(|a| a.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        let timeout = loaded.init.timeouts.unwrap().control_plane_component_health_check.unwrap();
        assert_eq!(timeout.to_string(), "2m0s");
        assert!(loaded.warnings[0].problem.message.contains("deprecated") && !loaded.warnings[0].strict);
    }

    #[test]
    fn join_reads_its_own_document_and_passes_over_the_others() {
        let text = format!(
            "{CLUSTER}clusterName: on\n---\napiVersion: kubeadm.k8s.io/v1beta2\nkind: InitConfiguration\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\nnodeRegistration: {{nmae: x}}\n---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: many\n"
        );
        let loaded = load_join("c.yaml", &text).unwrap();
        assert_eq!(loaded.join.kind, "JoinConfiguration");
        let told: Vec<String> = loaded.warnings.iter().map(|w| w.problem.to_string()).collect();
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(
            told[2].contains("c.yaml:10:20: unknown field `nodeRegistration.nmae`: did you mean `name`?"),
            "{told:?}"
        );
        let strict: Vec<bool> = loaded.warnings.iter().map(|w| w.strict).collect();
        assert_eq!(
            strict,
            [false, false, true, false],
            "a file of every command's documents is as it should be"
        );
    }

    #[test]
    fn what_join_can_not_read_is_told_with_its_place() {
        let join = |version: &str| format!("apiVersion: {version}\nkind: JoinConfiguration\n");
        for (text, want) in [
            (CLUSTER.to_owned(), "c.yaml: no JoinConfiguration in it"),
            (join("kubeadm.k8s.io/v1beta9"), "c.yaml:1:13: apiVersion kubeadm.k8s.io/v1beta9 is not known"),
            (join("example.com/v1"), "c.yaml:1:13: apiVersion \"example.com/v1\" is not known"),
            (join("kubeadm.k8s.io/v1beta2"), "kubeadm v1.22"),
            (format!("{}discovery: [\n", join("kubeadm.k8s.io/v1beta4")), "c.yaml:"),
            (format!("{}---\n{0}", join("kubeadm.k8s.io/v1beta4")), "given twice"),
            (format!("{}caCertPath: on\n", join("kubeadm.k8s.io/v1beta4")), "c.yaml:3:13: `caCertPath`"),
        ] {
            let told = load_join("c.yaml", &text).unwrap_err().to_string();
            assert!(told.contains(want), "{told} / {want}");
        }
    }

    #[test]
    fn join_s_v1beta3_is_converted() {
        let text = "apiVersion: kubeadm.k8s.io/v1beta3\nkind: JoinConfiguration\ndiscovery: {timeout: 1m0s}\nnodeRegistration: {kubeletExtraArgs: {v: '3', a: b}}\n";
        let loaded = load_join("c.yaml", text).unwrap();
        assert_eq!(loaded.join.timeouts.unwrap().discovery.unwrap().to_string(), "1m0s");
        assert_eq!(loaded.join.node_registration.kubelet_extra_args[0].name, "a");
        assert!(loaded.warnings[0].deprecation);
    }

    #[test]
    fn files_without_a_kubeadm_document_are_refused() {
        for text in ["", "# only a comment\n", "apiVersion: v1\nkind: Pod\n"] {
            assert!(errors(text).contains("no InitConfiguration and no ClusterConfiguration"), "{text}");
        }
    }
}
