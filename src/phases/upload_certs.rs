//! `upload-certs`: the shared certificates, encrypted, for other control-plane nodes.

use super::context::InitContext;
use super::phase::{Failure, Outcome, Phase, PhaseError, PhaseResult};
use crate::cluster::{CertificateKey, upload_certs};

/// The phase.
pub(super) fn phase() -> Phase<InitContext> {
    Phase::new("upload-certs", "Upload the shared certificates, encrypted (with --upload-certs)", run)
}

fn run(context: &mut InitContext) -> PhaseResult {
    if !context.options.upload_certs {
        return Ok(Outcome::Skipped("Left out: --upload-certs was not given".into()));
    }
    for base in ["ca", "front-proxy-ca"] {
        if context.is_external(base)? {
            let message = format!(
                "{base}.key is not here (an external CA), so there is nothing that another control-plane node could be given: leave --upload-certs out and copy the files yourself"
            );
            return Err(PhaseError::new(Failure::Usage, message));
        }
    }
    let key: CertificateKey = match &context.certificate_key {
        Some(hex) => hex.parse()?,
        None => CertificateKey::generate()?,
    };
    let mut files = vec![];
    for source in upload_certs::sources(&context.settings) {
        files.push((source.key, context.host.read(&source.path)?.unwrap_or_default()));
    }
    context.out.log(
        "upload-certs",
        "Storing the shared certificates, encrypted, in Secret kube-system/kubeadm-certs",
    );
    let objects = upload_certs::objects(
        &key,
        files.iter().map(|(name, content)| (*name, content.as_slice())),
        context.started,
    )?;
    context.apply("upload-certs", objects)?;
    context.certificate_key = Some(key.expose().to_string());
    Ok(Outcome::Done)
}
