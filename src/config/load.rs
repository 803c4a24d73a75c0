//! What each command reads of a configuration file.

use super::facts::HostFacts;
use super::loaded::{Loaded, LoadedJoin, Others, Warning};
use super::loader::{KINDS, Loader, Only, Reads};
use super::overrides::Overrides;
use super::problem::{ConfigError, Locator, Problem};
use super::release::default_version;
use super::settings::Settings;
use super::v1beta4;
use super::version::is_label;

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
