//! `download-certs`: the certificates that control-plane nodes share, from the cluster.

use crate::cluster::{CertificateKey, download_certs};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::FileMode;
use crate::pki::Bundle;
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// Downloads and decrypts the shared certificates. Files that are here already and are the same stay as they are.
///
/// # Errors
/// When the Secret is gone, the key is wrong, or a file of another cluster is in the way.
pub(crate) fn download(run: &mut Run, key: &str, ca: &Bundle) -> PhaseResult {
    run.set_area("download-certs");
    let key: CertificateKey = key.parse().map_err(Error::usage)?;
    run.act(Verb::Download, "the certificates in Secret \"kubeadm-certs\" in the \"kube-system\" Namespace");
    let files = download_certs::fetch(&mut *run.cluster, &key, &run.settings)?;
    let downloaded = files.iter().find(|file| {
        file.path.ends_with("ca.crt") && file.path.parent() == Some(&run.settings.node.paths.certificates)
    });
    if let Some(file) = downloaded {
        let bundle = Bundle::from_pem(&file.content)?;
        if !bundle.intermediates.is_empty() {
            return Err(Error::new(
                ExitStatus::Preflight,
                "ca.crt in Secret kube-system/kubeadm-certs holds more than one CA: a rotation of the CAs is in progress
  cause: a control-plane node that joins now has no part in it
  fix: finish it (`kubestrap certs rotate-ca status` on a control-plane node), upload the certificates again and join then; workers may join at any time",
            ));
        }
        if !ca.iter().any(|known| known.spki_sha256() == bundle.certificate.spki_sha256()) {
            return Err(Error::new(
                ExitStatus::Failed,
                "the CA in Secret kube-system/kubeadm-certs is not the CA that the cluster's API server was discovered with\n  fix: upload the certificates again with `kubestrap init phase upload-certs --upload-certs` on a control-plane node",
            ));
        }
    }
    run.act(
        Verb::Save,
        format!("the certificates to the folder: \"{}\"", run.settings.node.paths.certificates.display()),
    );
    for file in files {
        let mode = if file.secret { FileMode::SECRET } else { FileMode::CERTIFICATE };
        run.write(&file.path, &file.content, mode)?;
    }
    Ok(Outcome::Done)
}
