//! `upload-certs`: the shared certificates, encrypted, for other control-plane nodes.

use crate::cluster::{CertificateKey, upload_certs};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::workflow::{Run, Verb};

/// Uploads the shared certificates, encrypted with `key`.
///
/// # Errors
/// When a CA is external, or they can't be stored.
pub(crate) fn upload(run: &mut Run, key: &CertificateKey) -> Result<(), Error> {
    for base in ["ca", "front-proxy-ca"] {
        if run.is_external(base)? {
            let message = format!(
                "can't upload the certificates: {base}.key is not here (an external CA)\n  fix: leave out --upload-certs, and copy the certificates and keys to the other control-plane nodes yourself"
            );
            return Err(Error::new(ExitStatus::Usage, message));
        }
    }
    let mut files = vec![];
    for source in upload_certs::sources(&run.settings) {
        files.push((source.key, run.host.read(&source.path)?.unwrap_or_default()));
    }
    run.act(Verb::Store, "the certificates in Secret \"kubeadm-certs\" in the \"kube-system\" Namespace");
    let objects = upload_certs::objects(
        key,
        files.iter().map(|(name, content)| (*name, content.as_slice())),
        run.started,
    )?;
    run.apply(objects)
}
