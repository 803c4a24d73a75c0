//! What is on the machine already, and whose it is.

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::Pod;

use super::machine::{Machine, PathKind};
use crate::config::Settings;
use crate::config::settings::last_value;
use crate::kubeconfig::Kubeconfig;
use crate::manifest::Component;
use crate::yaml;

/// Files in which distributions' packages let people give kubelet more flags; the drop-in reads them.
pub(super) const KUBELET_ENV_FILES: [&str; 2] = ["/etc/default/kubelet", "/etc/sysconfig/kubelet"];

/// What stands where the manifest of a component goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Existing {
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
pub(super) fn manifest_path(settings: &Settings, component: Component) -> PathBuf {
    settings.node.paths.manifests.join(component.file())
}

/// Looks at a component's manifest.
pub(super) fn manifest(settings: &Settings, machine: &dyn Machine, component: Component) -> Existing {
    let path = manifest_path(settings, component);
    match machine.kind(&path) {
        None => return Existing::Absent,
        Some(PathKind::File) => {}
        Some(kind) => return Existing::Foreign(format!("it is no file ({kind:?})")),
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
    if !has_ca(settings, machine) {
        let ca = settings.node.paths.certificates.join("ca.crt");
        return Existing::Foreign(format!("its PKI is gone: {} is not there", ca.display()));
    }
    Existing::Ours
}

/// Whether the cluster's CA is there.
pub(super) fn has_ca(settings: &Settings, machine: &dyn Machine) -> bool {
    machine.kind(&settings.node.paths.certificates.join("ca.crt")).is_some()
}

/// How far a `kubelet.conf` on this machine belongs to the cluster that init is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KubeletConf {
    /// There is none, or none that can be read.
    Absent,
    /// It trusts our CA.
    Ours,
    /// It trusts another; its server.
    Foreign(String),
}

/// Looks at `/etc/kubernetes/kubelet.conf`.
pub(super) fn kubelet_conf(settings: &Settings, machine: &dyn Machine) -> KubeletConf {
    let path = settings.node.paths.kubeconfig("kubelet.conf");
    let Some(text) = machine.text(&path) else { return KubeletConf::Absent };
    let Ok(config) = Kubeconfig::parse(&text) else { return KubeletConf::Absent };
    let Some(cluster) = config.current_cluster() else { return KubeletConf::Absent };
    use base64::Engine;
    let trusted = match base64::engine::general_purpose::STANDARD.decode(&cluster.certificate_authority_data)
    {
        Ok(data) if !data.is_empty() => Some(data),
        _ => machine.read(Path::new(&cluster.certificate_authority)).ok(),
    };
    let parse = |pem: Vec<u8>| crate::pki::Bundle::from_pem(&pem).ok();
    let ours = machine.read(&settings.node.paths.certificates.join("ca.crt")).ok().and_then(parse);
    match (trusted.and_then(parse), ours) {
        (Some(theirs), Some(ours)) if ours.iter().any(|c| c.der() == theirs.certificate.der()) => {
            KubeletConf::Ours
        }
        _ => KubeletConf::Foreign(cluster.server.clone()),
    }
}

/// Flags that the packages' environment files give kubelet: the file, and each flag's name and value.
pub(super) fn kubelet_env_flags(machine: &dyn Machine) -> Vec<(&'static str, String, String)> {
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
pub(super) fn kubelet_flag(settings: &Settings, machine: &dyn Machine, name: &str) -> Option<String> {
    let from_env =
        kubelet_env_flags(machine).into_iter().rev().find(|(_, n, _)| n == name).map(|(_, _, v)| v);
    let extra = || last_value(&settings.node.registration.kubelet_extra_args, name).map(str::to_owned);
    from_env.or_else(extra)
}
