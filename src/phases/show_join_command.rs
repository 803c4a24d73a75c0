//! `show-join-command`: what to do next.

use super::bootstrap_token;
use super::context::InitContext;
use super::phase::{Failure, Outcome, Phase, PhaseError, PhaseResult};
use crate::output::closing;

/// The phase.
pub(super) fn phase() -> Phase<InitContext> {
    Phase::new("show-join-command", "Show how to use the cluster and how nodes join it", run)
        .needing(&["bootstrap-token", "upload-certs"])
}

fn run(context: &mut InitContext) -> PhaseResult {
    let Some(ca) = context.certificate("ca.crt")? else {
        return Err(PhaseError::new(Failure::Failed, "ca.crt is missing".to_owned()));
    };
    bootstrap_token::settle(context)?;
    let settings = &context.settings;
    let uploaded = if context.options.upload_certs { context.certificate_key.clone() } else { None };
    context.closing = Some(closing::Closing {
        endpoint: settings.control_plane_endpoint(),
        admin_conf: settings.paths.kubeconfig("admin.conf"),
        ca_hashes: ca.iter().map(crate::pki::Certificate::spki_sha256).collect(),
        tokens: settings.init.bootstrap_tokens.iter().map(|t| t.token.clone()).collect(),
        certificate_key: uploaded,
        show_tokens: !context.options.skip_token_print,
        show_certificate_key: !context.options.skip_certificate_key_print,
        joinable_control_plane: !settings.cluster.control_plane_endpoint.is_empty(),
    });
    Ok(Outcome::Done)
}
