//! Files that exist already, and the cluster that they belong to.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Pod;

use crate::config::NodeSettings;
use crate::config::args::last_value;
use crate::host::machine::{Machine, PathKind};
use crate::kubeconfig::Kubeconfig;
use crate::manifest::Component;
use crate::pki::Bundle;
use crate::yaml;

/// Files in which distributions' packages let people give kubelet more flags: the drop-in reads the first two, OpenRC the
/// last.
pub(crate) const KUBELET_ENV_FILES: [&str; 3] =
    ["/etc/default/kubelet", "/etc/sysconfig/kubelet", "/etc/conf.d/kubelet"];

/// What is at the path of a component's manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Nothing.
    Absent,
    /// A manifest of that component, whose certificates are where ours will be.
    Ours,
    /// Nothing that kubelet could run: what a crash left, or a text of another kind.
    NoPod(String),
    /// A Pod, but not that component, or of another cluster.
    Foreign(String),
}

/// The path of a component's manifest.
pub(crate) fn manifest_path(node: &NodeSettings, component: Component) -> PathBuf {
    node.paths.manifests.join(component.file())
}

/// Looks at a component's manifest.
pub(crate) fn manifest(node: &NodeSettings, machine: &dyn Machine, component: Component) -> Existing {
    let path = manifest_path(node, component);
    match machine.kind(&path) {
        None => return Existing::Absent,
        Some(PathKind::File) => {}
        Some(kind) => return Existing::Foreign(format!("it is not a file ({kind:?})")),
    }
    let text = match machine.read(&path) {
        Ok(content) => String::from_utf8_lossy(&content).into_owned(),
        Err(error) => return Existing::Foreign(format!("it can't be read: {error}")),
    };
    let pod: Pod = match yaml::from_template(&text) {
        Ok(pod) => pod,
        Err(_) => return Existing::NoPod("it does not hold a Pod".into()),
    };
    let is_component = pod.metadata.namespace.as_deref() == Some("kube-system")
        && pod.metadata.labels.as_ref().and_then(|l| l.get("component")).map(String::as_str)
            == Some(component.name());
    if !is_component {
        let name = pod.metadata.name.unwrap_or_default();
        return Existing::Foreign(format!("it holds another Pod, {name:?}"));
    }
    if !has_ca(node, machine) {
        let ca = node.paths.certificates.join("ca.crt");
        return Existing::Foreign(format!("its PKI is missing: {} does not exist", ca.display()));
    }
    Existing::Ours
}

/// Whether the cluster's CA is there.
pub(crate) fn has_ca(node: &NodeSettings, machine: &dyn Machine) -> bool {
    machine.kind(&node.paths.certificates.join("ca.crt")).is_some()
}

/// How far a `kubelet.conf` on this machine belongs to the cluster that init is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KubeletConf {
    /// There is none, or none that can be read.
    Absent,
    /// It is not a kubeconfig with a cluster.
    NoKubeconfig,
    /// It trusts our CA.
    Ours,
    /// It trusts another; its server.
    Foreign(String),
}

/// Looks at `/etc/kubernetes/kubelet.conf`.
pub(crate) fn kubelet_conf(node: &NodeSettings, machine: &dyn Machine) -> KubeletConf {
    let ca = machine.read(&node.paths.certificates.join("ca.crt")).ok();
    let ca = ca.and_then(|pem| Bundle::from_pem(&pem).ok());
    trust_of(&node.paths.kubeconfig("kubelet.conf"), machine, ca.as_ref())
}

/// Whether a kubeconfig trusts a CA: the same key, whose certificate may have been renewed.
pub(crate) fn trust_of(path: &Path, machine: &dyn Machine, ca: Option<&Bundle>) -> KubeletConf {
    let Some(text) = machine.text(path) else { return KubeletConf::Absent };
    let Ok(config) = Kubeconfig::parse(&text) else { return KubeletConf::NoKubeconfig };
    let Some(cluster) = config.current_cluster() else { return KubeletConf::NoKubeconfig };
    let trusted = match STANDARD.decode(&cluster.certificate_authority_data) {
        Ok(data) if !data.is_empty() => Some(data),
        _ => machine.read(Path::new(&cluster.certificate_authority)).ok(),
    };
    match (trusted.and_then(|pem| Bundle::from_pem(&pem).ok()), ca) {
        (Some(theirs), Some(ca))
            if ca.iter().any(|c| c.spki_sha256() == theirs.certificate.spki_sha256()) =>
        {
            KubeletConf::Ours
        }
        _ => KubeletConf::Foreign(cluster.server.clone()),
    }
}

/// Flags that the packages' environment files give kubelet: the file, and each flag's name and value.
pub(crate) fn kubelet_env_flags(machine: &dyn Machine) -> Vec<(&'static str, String, String)> {
    let mut flags = vec![];
    for file in KUBELET_ENV_FILES {
        let text = machine.text(Path::new(file)).unwrap_or_default();
        // systemd takes the last assignment (systemd.exec(5), EnvironmentFile).
        let line = text.lines().rev().find_map(|l| l.trim().strip_prefix("KUBELET_EXTRA_ARGS="));
        let words = line.unwrap_or_default().trim_matches(['"', '\'']).split_whitespace();
        flags.extend(words.filter_map(|w| w.strip_prefix("--")).map(|flag| {
            let (name, value) = flag.split_once('=').unwrap_or((flag, "true"));
            (file, name.to_owned(), value.to_owned())
        }));
    }
    flags
}

/// The value of a flag that kubelet will get beside its configuration: the environment files come after
/// `kubeletExtraArgs` on its command line.
pub(crate) fn kubelet_flag(node: &NodeSettings, machine: &dyn Machine, name: &str) -> Option<String> {
    let from_env =
        kubelet_env_flags(machine).into_iter().rev().find(|(_, n, _)| n == name).map(|(_, _, v)| v);
    let extra = || last_value(&node.registration.kubelet_extra_args, name).map(str::to_owned);
    from_env.or_else(extra)
}
