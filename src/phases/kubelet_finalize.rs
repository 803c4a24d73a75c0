//! `kubelet-finalize`: kubelet's own certificate, once it has one that it rotates itself.

use std::path::PathBuf;
use std::sync::Arc;

use super::context::InitContext;
use super::phase::{Failure, Outcome, Phase, PhaseError, PhaseResult};
use crate::config::settings::last_value;
use crate::host::{FileMode, Written};
use crate::kubeconfig::Kubeconfig;

/// The group.
pub(super) fn phase() -> Phase<InitContext> {
    let rotation = Phase::new(
        "enable-client-cert-rotation",
        "Have kubelet.conf name the certificate that kubelet rotates",
        enable_rotation,
    );
    Phase::group(
        "kubelet-finalize",
        "Update kubelet's kubeconfig after it has got its own certificate",
        vec![rotation],
    )
}

fn enable_rotation(context: &mut InitContext) -> PhaseResult {
    let args = &context.settings.init.node_registration.kubelet_extra_args;
    let dir = last_value(args, "cert-dir")
        .map_or_else(|| context.settings.paths.kubelet.join("pki"), PathBuf::from);
    let pem = dir.join("kubelet-client-current.pem");
    if !context.host.exists(&pem) {
        return Ok(Outcome::Skipped(format!(
            "kubelet has no rotated certificate yet ({} is not there); kubelet.conf stays as it is",
            pem.display()
        )));
    }
    let path = context.settings.paths.kubeconfig("kubelet.conf");
    let fail = |what: String| PhaseError::new(Failure::Failed, format!("{}: {what}", path.display()));
    let Some(text) = context.host.read(&path)? else { return Err(fail("is missing".into())) };
    let mut kubeconfig = Kubeconfig::parse(&String::from_utf8_lossy(&text)).map_err(fail)?;
    let Some(user) = kubeconfig.current_user_mut() else {
        return Err(fail("has no current context with a user".into()));
    };
    let pem = pem.to_string_lossy().into_owned();
    if user.client_certificate == pem && user.client_key == pem && user.client_certificate_data.is_empty() {
        return Ok(Outcome::Done);
    }
    user.client_certificate_data.clear();
    user.client_key_data.clear();
    user.client_certificate.clone_from(&pem);
    user.client_key = pem;
    context.out.log("kubelet-finalize", "kubelet.conf now names the certificate that kubelet rotates");
    let written =
        context.write("kubelet-finalize", &path, kubeconfig.to_yaml()?.as_bytes(), FileMode::SECRET)?;
    if written != Written::Unchanged && context.host.init_system().is_some() {
        // Nothing that follows needs kubelet.
        let host = Arc::clone(&context.host);
        let restart = move || host.init_system().map_or(Ok(()), |init| init.restart("kubelet"));
        context.restart = Some(std::thread::spawn(restart));
        context.changes.restarted.push("kubelet");
    }
    Ok(Outcome::Done)
}
