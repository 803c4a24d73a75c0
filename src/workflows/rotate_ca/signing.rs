//! The files that components are given: a rotation reaches only those that it knows.

use std::path::{Path, PathBuf};

use super::Rotation;
use crate::certs::rotation::Stage;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::manifest::Component;
use crate::node::StaticPod;
use crate::workflow::Run;

/// Flags, and the file of the certificates' folder that each must name.
const FLAGS: &[(Component, &str, &str)] = &[
    (Component::Etcd, "trusted-ca-file", "etcd/ca.crt"),
    (Component::Etcd, "peer-trusted-ca-file", "etcd/ca.crt"),
    (Component::Etcd, "cert-file", "etcd/server.crt"),
    (Component::Etcd, "peer-cert-file", "etcd/peer.crt"),
    (Component::ApiServer, "client-ca-file", "ca.crt"),
    (Component::ApiServer, "requestheader-client-ca-file", "front-proxy-ca.crt"),
    (Component::ApiServer, "tls-cert-file", "apiserver.crt"),
    (Component::ApiServer, "kubelet-client-certificate", "apiserver-kubelet-client.crt"),
    (Component::ApiServer, "proxy-client-cert-file", "front-proxy-client.crt"),
    (Component::ApiServer, "service-account-key-file", "sa.pub"),
    (Component::ApiServer, "service-account-signing-key-file", "sa.key"),
    (Component::ControllerManager, SIGNING_CERTIFICATE, "ca.crt"),
    (Component::ControllerManager, SIGNING_KEY, "ca.key"),
    (Component::ControllerManager, "root-ca-file", "ca.crt"),
    (Component::ControllerManager, "service-account-private-key-file", "sa.key"),
];
const SIGNING_CERTIFICATE: &str = "cluster-signing-cert-file";
const SIGNING_KEY: &str = "cluster-signing-key-file";
/// Flags of kube-controller-manager by which one signer gets a CA of its own.
const OWN_SIGNERS: [&str; 4] = [
    "cluster-signing-kubelet-serving-cert-file",
    "cluster-signing-kubelet-client-cert-file",
    "cluster-signing-kube-apiserver-client-cert-file",
    "cluster-signing-legacy-unknown-cert-file",
];

/// Refuses where a component uses other files than those that are rotated.
///
/// # Errors
/// Then, and when a manifest can't be read.
pub(super) fn check_flags(run: &Run) -> Result<(), Error> {
    let refused = |message: String| Err(Error::new(ExitStatus::Preflight, message));
    for (component, flag, file) in FLAGS {
        let Some(pod) = pod(run, *component)? else { continue };
        let (wanted, found) = (run.certificate_path(file), pod.flag(flag).unwrap_or_default());
        if wanted != Path::new(&found) {
            return refused(format!(
                "{} is started with --{flag}={found}: a rotation replaces {}, and would not reach that file\n  fix: have the flag name {}, or rotate the CAs by hand",
                component.name(),
                wanted.display(),
                wanted.display()
            ));
        }
    }
    let own = pod(run, Component::ControllerManager)?
        .and_then(|pod| OWN_SIGNERS.into_iter().find(|flag| pod.flag(flag).is_some_and(|v| !v.is_empty())));
    match own {
        Some(flag) => refused(format!(
            "kube-controller-manager has a CA of its own for a signer (--{flag}), which a rotation would not reach\n  fix: remove the flag, or rotate the CAs by hand"
        )),
        None => Ok(()),
    }
}

fn pod(run: &Run, component: Component) -> Result<Option<StaticPod>, Error> {
    Ok(StaticPod::read(&run.settings.node.paths.manifests, component, &*run.host)?)
}

/// The manifest of kube-controller-manager with the signing CA of a stage; none where that is so already.
///
/// # Errors
/// When the manifest can't be read or written as YAML.
pub(super) fn manifest(rotation: &Rotation, stage: Stage) -> Result<Option<String>, Error> {
    let run = &rotation.run;
    let staging = rotation.staging();
    let in_generation = |file| match stage {
        Stage::Trusted => staging.file(rotation.progress.previous(), file),
        Stage::Switched => staging.file(rotation.progress.next(), file),
        Stage::Finished => run.certificate_path(file),
    };
    let (certificate, key) = (in_generation("ca.crt"), in_generation("ca.key"));
    let Some(pod) = pod(run, Component::ControllerManager)? else { return Ok(None) };
    if pod.flag(SIGNING_CERTIFICATE).map(PathBuf::from).as_ref() == Some(&certificate) {
        return Ok(None);
    }
    let flags = [(SIGNING_CERTIFICATE, certificate.to_string_lossy()), (SIGNING_KEY, key.to_string_lossy())];
    let flags = flags.each_ref().map(|(name, value)| (*name, value.as_ref()));
    Ok(Some(pod.with_flags(&flags)?))
}
