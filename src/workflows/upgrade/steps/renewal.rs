//! The certificates that are renewed with each component, as kubeadm renews them.

use crate::certs::{self, Managed, NewKeys, Pki, Terms};
use crate::config::settings::CERTIFICATE_VALIDITY;
use crate::error::Error;
use crate::manifest::Component;
use crate::pki::KeyPool;
use crate::workflow::{Run, Verb};

/// Whether a certificate is renewed with a component, which uses it; that of etcd's probes is with etcd.
pub(super) fn is_of(component: Component, name: &str) -> bool {
    match name {
        "etcd-healthcheck-client" => component == Component::Etcd,
        _ => certs::component_of(name) == Some(component),
    }
}

/// Whether it is in an administrator's kubeconfig: those are renewed when every component's are.
pub(super) fn is_administrators(name: &str) -> bool {
    ["admin.conf", "super-admin.conf"].contains(&name)
}

/// Where the certificates are.
pub(super) fn pki(run: &Run) -> Pki {
    Pki {
        certificates: run.settings.node.paths.certificates.clone(),
        kubeconfigs: run.settings.node.paths.kubeconfig_dir.clone(),
        external_etcd: run.settings.cluster.config.etcd.local.is_none(),
    }
}

/// Renews the certificates whose names are wanted; what is not there, or signed by a CA whose key is elsewhere, stays.
pub(super) fn renew(run: &mut Run, is_wanted: impl Fn(&str) -> bool) -> Result<(), Error> {
    let pki = pki(run);
    let wanted: Vec<Managed> =
        certs::leaves(pki.external_etcd).into_iter().filter(|m| is_wanted(m.name)).collect();
    let validity = run.settings.cluster.config.certificate_validity_period;
    let terms = Terms {
        algorithm: Some(run.settings.cluster.algorithm),
        validity: time::Duration::nanoseconds(validity.unwrap_or(CERTIFICATE_VALIDITY).0),
        started: run.started,
    };
    let pool = std::mem::replace(&mut run.keys, KeyPool::start(run.settings.cluster.algorithm, 0));
    let keys = NewKeys::of(pool);
    let mut result = Ok(());
    for managed in wanted {
        if !run.host.exists(&managed.path(&pki)) {
            continue;
        }
        if pki.is_external(managed.signer, &*run.host) {
            run.log(format!(
                "Keeping the {} certificate: the key of its CA, {}, is not on this machine",
                managed.name, managed.signer.name
            ));
            continue;
        }
        run.act(Verb::Renew, format!("the {} certificate", managed.name));
        if let Err(error) = certs::renew(&managed, &pki, &terms, &*run.host, &keys) {
            result = Err(error.into());
            break;
        }
    }
    if let Some(pool) = keys.into_pool() {
        run.keys = pool;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What kubeadm's `upgrade apply` renews with each component.
    #[test]
    fn certificates_are_renewed_with_their_component() {
        let of = |component| -> Vec<&str> {
            certs::leaves(false).iter().map(|leaf| leaf.name).filter(|name| is_of(component, name)).collect()
        };
        assert_eq!(of(Component::Etcd), ["etcd-healthcheck-client", "etcd-peer", "etcd-server"]);
        let api_server =
            ["apiserver", "apiserver-etcd-client", "apiserver-kubelet-client", "front-proxy-client"];
        assert_eq!(of(Component::ApiServer), api_server);
        assert_eq!(of(Component::ControllerManager), ["controller-manager.conf"]);
        assert_eq!(of(Component::Scheduler), ["scheduler.conf"]);
    }
}
