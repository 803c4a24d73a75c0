//! `show-join-command`: what to do next.

use super::Init;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::JoinCommand;
use crate::output::closing::Closing;
use crate::phases::bootstrap_token;
use crate::pki::Certificate;
use crate::workflow::{Outcome, PhaseResult};

/// Gathers what the closing message says.
pub(super) fn run(init: &mut Init) -> PhaseResult {
    let Some(ca) = init.run.certificate("ca.crt")? else {
        return Err(Error::new(ExitStatus::Failed, "ca.crt does not exist"));
    };
    bootstrap_token::settle(&mut init.run, &mut init.tokens)?;
    let settings = &init.run.settings;
    let uploaded = init.certificate_key.clone().filter(|_| init.options.upload_certs);
    init.closing = Some(Closing {
        join: JoinCommand {
            endpoint: settings.control_plane_endpoint(),
            ca_hashes: ca.iter().map(Certificate::spki_sha256).collect(),
        },
        admin_conf: settings.node.paths.kubeconfig("admin.conf"),
        tokens: init.tokens.tokens.iter().map(|t| t.token.clone()).collect(),
        certificate_key: uploaded,
        show_tokens: !init.options.skip_token_print,
        show_certificate_key: !init.options.skip_certificate_key_print,
        joinable_control_plane: !settings.cluster.config.control_plane_endpoint.is_empty(),
    });
    Ok(Outcome::Done)
}
