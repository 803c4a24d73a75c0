//! What to watch on a machine, read from what lies on it.

use crate::config::Settings;
use crate::config::settings::join_host_port;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::health::{Watched, shared, target};
use crate::host::Host;
use crate::kubeconfig::Kubeconfig;
use crate::kubelet;
use crate::manifest::Component;
use crate::node::StaticPod;

/// Where the components with a manifest tell their health, and where kubelet does.
///
/// # Errors
/// When a manifest is missing that every control plane has, or is no YAML.
pub(crate) fn watched(settings: &Settings, host: &dyn Host) -> Result<Watched, Error> {
    let mut targets = vec![];
    for component in Component::ALL {
        let manifests = &settings.node.paths.manifests;
        let Some(pod) = StaticPod::read(manifests, component, host)? else {
            if component == Component::Etcd {
                continue;
            }
            let message = format!(
                "{} is missing: make it with `kubestrap init phase control-plane all`",
                manifests.join(component.file()).display()
            );
            return Err(Error::new(ExitStatus::Failed, message));
        };
        targets.push(target(&pod));
    }
    if let Some((one, other)) = shared(&targets) {
        let message = format!(
            "{} ({}) and {} ({}) can't listen on the same port\n  cause: a flag or a patch moves one of them to the other's port\n  fix: correct its flag (`--secure-port`, or etcd's `--listen-metrics-urls`), then run the same command again",
            one.component.name(),
            one.base,
            other.component.name(),
            other.base
        );
        return Err(Error::new(ExitStatus::Unhealthy, message));
    }
    Ok(Watched { targets, kubeconfig: identity(settings, host)?, ..watched_kubelet(settings) })
}

/// The same of etcd alone, which comes up before the others on a node that joins.
///
/// # Errors
/// When its manifest can't be read.
pub(super) fn watched_etcd(settings: &Settings, host: &dyn Host) -> Result<Watched, Error> {
    let pod = StaticPod::read(&settings.node.paths.manifests, Component::Etcd, host)?;
    Ok(Watched { targets: pod.iter().map(target).collect(), ..watched_kubelet(settings) })
}

/// Where kubelet reports its health, and the container runtime; no component.
pub(crate) fn watched_kubelet(settings: &Settings) -> Watched {
    let configuration = kubelet::cluster_configuration(settings);
    let port = u16::try_from(configuration.healthz_port.unwrap_or_default()).unwrap_or_default();
    let address = match configuration.healthz_bind_address.parse::<std::net::IpAddr>() {
        Ok(ip) if !ip.is_unspecified() => ip.to_string(),
        _ => "127.0.0.1".to_owned(),
    };
    Watched {
        targets: vec![],
        kubelet: (port != 0).then(|| format!("http://{}", join_host_port(&address, port))),
        cri_socket: settings.node.registration.cri_socket.clone(),
        node_name: settings.node_name().to_owned(),
        kubeconfig: None,
    }
}

/// Who asks the API server: an administrator that needs no RBAC rule, which are not there yet when it starts.
fn identity(settings: &Settings, host: &dyn Host) -> Result<Option<Kubeconfig>, Error> {
    for name in ["super-admin.conf", "admin.conf"] {
        if let Some(text) = host.read(&settings.node.paths.kubeconfig(name))? {
            return Ok(Kubeconfig::parse(&String::from_utf8_lossy(&text)).ok());
        }
    }
    Ok(None)
}
