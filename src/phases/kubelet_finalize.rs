//! `kubelet-finalize`: kubelet's own certificate, once kubelet has one that it rotates itself.

use crate::config::args::last_value;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{FileMode, Written};
use crate::kubeconfig::Kubeconfig;
use crate::workflow::{Outcome, Phase, PhaseResult, Run, Verb};

/// The phases of `kubelet-finalize`.
pub(crate) fn phases<S: AsMut<Run> + 'static>() -> Vec<Phase<S>> {
    vec![Phase::shared(
        "enable-client-cert-rotation",
        "Point kubelet.conf to the certificate that kubelet rotates",
        enable_client_cert_rotation,
    )]
}

/// Points kubelet.conf to the certificate that kubelet rotates.
///
/// # Errors
/// When kubelet.conf is missing, is not a kubeconfig, or can't be written.
pub(crate) fn enable_client_cert_rotation(run: &mut Run) -> PhaseResult {
    let node = &run.settings.node;
    let given = last_value(&node.registration.kubelet_extra_args, "cert-dir");
    let dir = node.paths.kubelet_certificates(given);
    let pem = dir.join("kubelet-client-current.pem");
    if !run.host.exists(&pem) {
        return Ok(Outcome::Skipped(format!(
            "Keeping kubelet.conf: kubelet has no rotated certificate yet ({} does not exist)",
            pem.display()
        )));
    }
    let path = run.settings.node.paths.kubeconfig("kubelet.conf");
    let fail = |what: String| Error::new(ExitStatus::Failed, format!("{}: {what}", path.display()));
    let Some(text) = run.host.read(&path)? else { return Err(fail("does not exist".into())) };
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
    run.act(Verb::Update, "\"kubelet.conf\" to point to a rotatable kubelet client certificate and key");
    if run.write(&path, kubeconfig.to_yaml()?.as_bytes(), FileMode::SECRET)? != Written::Unchanged {
        run.restart_kubelet_in_background();
    }
    Ok(Outcome::Done)
}
