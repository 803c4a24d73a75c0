//! A whole file's configuration, of every kind, checked and with the defaults that depend on no machine: what
//! `config validate` and `config migrate` work on.

use serde_json::Value;

use super::defaults;
use super::facts::HostFacts;
use super::load::{add_elsewhere, load_all};
use super::loaded::{Loaded, Others, Warning};
use super::overrides::Overrides;
use super::problem::ConfigError;
use super::release::default_version;
use super::resolve::Resolved;
use super::settings::{DEFAULT_CRI_SOCKET, Settings, control_plane_taint};
use super::v1beta4::{ClusterConfiguration, InitConfiguration, JoinConfiguration};
use super::validate::Validator;
use super::version::{KubernetesVersion, is_label, prefixed};

/// A file as it was read, and what becomes of it.
#[derive(Debug)]
pub(crate) struct Inspected {
    /// What could be read, before any default.
    pub(crate) loaded: Loaded,
    /// What `join` reads, before any default.
    pub(crate) join: Option<JoinConfiguration>,
    /// The settings of a node that is made up; none where something is wrong.
    pub(crate) settings: Option<Settings>,
    /// The minor of Kubernetes that the file is for.
    pub(crate) minor: u64,
    /// What it holds with defaults, or all that is wrong with it.
    pub(crate) complete: Result<Complete, ConfigError>,
}

/// Everything a file holds, checked. What only a machine could tell stays empty.
#[derive(Debug)]
pub(crate) struct Complete {
    /// What `init` reads; there if the file has either of the two.
    pub init: Option<(InitConfiguration, ClusterConfiguration)>,
    /// What other commands read.
    pub others: Others,
    /// kubelet's configuration, as it was given.
    pub kubelet: Option<Value>,
    /// kube-proxy's configuration, as it was given.
    pub kube_proxy: Option<Value>,
    /// What is odd, but no error.
    pub warnings: Vec<Warning>,
    /// The documents as they were given, by kind.
    pub given: Vec<(String, Value)>,
}

/// Reads, completes and checks `text`, the contents of `file`. Unknown fields and kinds are errors, as in kubeadm's
/// `config validate`. Nothing is asked of this machine or the internet, so the result is the same everywhere.
///
/// # Errors
/// With every problem found.
pub(crate) fn complete(file: &str, text: &str) -> Result<Complete, ConfigError> {
    inspect(file, text, None)?.complete
}

/// As [`complete`], with what lies behind it, and for the Kubernetes `version` where one is given.
///
/// # Errors
/// The text is not YAML.
pub(crate) fn inspect(
    file: &str,
    text: &str,
    version: Option<&KubernetesVersion>,
) -> Result<Inspected, ConfigError> {
    let (mut loaded, mut others, found) = load_all(file, text)?;
    if let Some(version) = version {
        loaded.cluster.kubernetes_version = version.to_string();
    }
    let (as_read, join) = (loaded.clone(), others.join.clone());
    let minor = minor(&loaded.cluster.kubernetes_version);
    let given: Vec<(String, Value)> =
        loaded.locator.documents.iter().map(|(kind, node)| (kind.clone(), node.into())).collect();
    let document = |kind: &str| given.iter().find(|(k, _)| k == kind).map(|(_, value)| value.clone());
    let (kubelet, kube_proxy) = (document("KubeletConfiguration"), document("KubeProxyConfiguration"));

    let mut validator = Validator::new(&loaded.locator);
    complete_others(&mut others, &mut validator);
    let Validator { problems: others_problems, warnings: odd, .. } = validator;
    let odd: Vec<Warning> =
        odd.into_iter().map(|problem| Warning { problem, strict: false, deprecation: false }).collect();

    let for_init = ["InitConfiguration", "ClusterConfiguration"].iter().any(|kind| loaded.locator.has(kind));
    let mut settings = None;
    let (init, mut warnings, mut problems) = if for_init {
        match complete_init(loaded) {
            Ok((init, cluster, resolved)) => {
                settings = Some(resolved.settings);
                (Some((init, cluster)), resolved.warnings, vec![])
            }
            Err(error) => (None, vec![], error.problems),
        }
    } else {
        let (strict, warnings): (Vec<_>, _) = loaded.warnings.into_iter().partition(|w| w.strict);
        (None, warnings, strict.into_iter().map(|w| w.problem).collect())
    };
    problems.extend(others_problems);
    warnings.extend(odd);
    let more = std::mem::replace(&mut problems, found);
    add_elsewhere(&mut problems, more);
    let complete = if problems.is_empty() {
        Ok(Complete { init, others, kubelet, kube_proxy, warnings, given })
    } else {
        Err(ConfigError { problems })
    };
    Ok(Inspected { loaded: as_read, join, settings, minor, complete })
}

/// The minor of a version, or of the default where it is none or a label.
fn minor(version: &str) -> u64 {
    prefixed(version).map_or_else(|_| default_version(None).minor(), |(_, version)| version.minor())
}

fn complete_init(
    mut loaded: Loaded,
) -> Result<(InitConfiguration, ClusterConfiguration, Resolved), ConfigError> {
    let mut init = loaded.init.clone();
    defaults::init(&mut init);
    init.node_registration.taints.get_or_insert_with(|| vec![control_plane_taint()]);
    // A label is right, and stays: only a run may look it up.
    let version = &mut loaded.cluster.kubernetes_version;
    let label = is_label(version).then(|| std::mem::replace(version, default_version(None).to_string()));
    let overrides = Overrides { strict: true, ..Overrides::default() };
    let resolved = Settings::resolve(loaded, HostFacts::placeholder(), &overrides)?;
    let mut cluster = resolved.settings.cluster.config.clone();
    if let Some(label) = label {
        cluster.kubernetes_version = label;
    }
    Ok((init, cluster, resolved))
}

fn complete_others(others: &mut Others, validator: &mut Validator<'_>) {
    if let Some(join) = &mut others.join {
        defaults::join(join);
        if join.control_plane.is_some() {
            join.node_registration.taints.get_or_insert_with(|| vec![control_plane_taint()]);
        }
        validator.join(&on_a_machine(join));
    }
    if let Some(reset) = &mut others.reset {
        defaults::reset(reset);
        validator.reset(reset);
    }
    if let Some(upgrade) = &mut others.upgrade {
        defaults::upgrade(upgrade);
        validator.upgrade(upgrade);
    }
}

/// With what a machine would tell, so that its absence is no error.
fn on_a_machine(join: &JoinConfiguration) -> JoinConfiguration {
    let mut join = join.clone();
    defaults::text(&mut join.node_registration.name, &HostFacts::placeholder().hostname);
    defaults::text(&mut join.node_registration.cri_socket, DEFAULT_CRI_SOCKET);
    join
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n";
    const JOIN: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\n";

    fn problems(text: &str) -> Vec<String> {
        complete("c.yaml", text).unwrap_err().problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nothing_is_made_up_for_a_machine() {
        let init = complete("c.yaml", CLUSTER).unwrap().init.unwrap().0;
        assert!(init.node_registration.name.is_empty() && init.node_registration.cri_socket.is_empty());
        assert!(init.bootstrap_tokens.is_empty() && init.local_api_endpoint.advertise_address.is_empty());
        assert_eq!(init.local_api_endpoint.bind_port, 6443);
    }

    #[test]
    fn a_label_is_right_and_stays() {
        let text = format!("{CLUSTER}kubernetesVersion: stable-1.35\n");
        let cluster = complete("c.yaml", &text).unwrap().init.unwrap().1;
        assert_eq!(cluster.kubernetes_version, "stable-1.35");
    }

    #[test]
    fn what_is_wrong_with_every_document_is_told_in_order() {
        let text = format!(
            "{JOIN}discovery: {{}}\n---\n{CLUSTER}clusterNam: x\ncertificatesDir: pki\n---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPod: 3\n"
        );
        let told = problems(&text);
        assert_eq!(told.len(), 4, "{told:#?}");
        for (told, want) in told.iter().zip([
            "c.yaml:3:12: discovery: one of",
            "c.yaml:7:1: unknown field `clusterNam`: did you mean `clusterName`?",
            "c.yaml:8:18: certificatesDir: \"pki\" is not an absolute path",
            "c.yaml:12:1: unknown field `maxPod`: did you mean `maxPods`?",
        ]) {
            assert!(told.starts_with(want), "{told} / {want}");
        }
    }

    #[test]
    fn unknown_fields_are_told_beside_values_of_the_wrong_type() {
        let told = problems(&format!("{CLUSTER}zzz: 1\ndns: []\nclusterName: 0777\ncertificatesDir: x\n"));
        assert_eq!(told.len(), 4, "{told:?}");
        assert!(told[2].contains("put it in quotes (\"0777\")"), "{told:?}");
        let text = format!("{CLUSTER}zzz: 1\n---\n{JOIN}discovery: []\n");
        assert_eq!(problems(&text).len(), 2);
    }

    #[test]
    fn what_belongs_to_no_command_is_refused() {
        for (text, want) in [
            ("# nothing\n", "none of these kinds"),
            ("apiVersion: v1\nkind: Pod\n", "not a kind that belongs here"),
            ("apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfig\n", "\"JoinConfig\" is not known"),
            ("apiVersion: kubeadm.k8s.io/v1beta3\nkind: ResetConfiguration\n", "v1beta3 has no Reset"),
        ] {
            let told = problems(text).join("\n");
            assert!(told.contains(want), "{told}");
        }
    }

    #[test]
    fn a_join_may_leave_its_machine_open_but_not_its_cluster() {
        let hash = format!("sha256:{}", "a".repeat(64));
        let join = |discovery: &str| format!("{JOIN}discovery: {{bootstrapToken: {{{discovery}}}}}\n");
        let good = format!(
            "token: abcdef.0123456789abcdef, apiServerEndpoint: 'cp.example.com:6443', caCertHashes: ['{hash}']"
        );
        let complete_join = complete("c.yaml", &join(&good)).unwrap().others.join.unwrap();
        assert_eq!(complete_join.discovery.tls_bootstrap_token, "abcdef.0123456789abcdef");
        assert!(complete_join.node_registration.taints.is_none(), "a worker has none");
        for (discovery, want) in [
            (
                "token: x, apiServerEndpoint: 'a:1', unsafeSkipCAVerification: true",
                "bootstrapToken.token: must",
            ),
            (
                "token: abcdef.0123456789abcdef, unsafeSkipCAVerification: true",
                "apiServerEndpoint: is needed",
            ),
            (
                "token: abcdef.0123456789abcdef, apiServerEndpoint: a, unsafeSkipCAVerification: true",
                "lacks the port",
            ),
            ("token: abcdef.0123456789abcdef, apiServerEndpoint: 'a:1'", "caCertHashes: is needed"),
            (
                "token: abcdef.0123456789abcdef, apiServerEndpoint: 'a:1', caCertHashes: ['md5:aa']",
                "caCertHashes.0: \"md5:aa\"",
            ),
        ] {
            let told = problems(&join(discovery));
            assert!(told.len() == 1 && told.iter().all(|t| t.contains(want)), "{told:?} / {want}");
        }
        for (file, want) in [("http://x/y", "only https"), ("''", "is needed")] {
            let told =
                problems(&format!("{JOIN}discovery: {{file: {{kubeConfigPath: {file}}}}}\n")).join("\n");
            assert!(told.contains(want), "{told}");
        }
    }
}
