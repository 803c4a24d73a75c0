//! kubelet's client certificate, which it keeps in a file of its own.

use std::path::{Path, PathBuf};

use super::super::Rotation;
use super::{is_below, pair, put, staged, terms};
use crate::certs::{CLOCK_SKEW, Managed, NewKeys, Place, renew};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{FileMode, Host};
use crate::kubeconfig::Kubeconfig;
use crate::pki::table::row;
use crate::pki::{Certificate, CertificateSpec, Issuer, PrivateKey, issue};
use crate::workflow::{Run, Verb};

/// Kubeconfigs whose client is not a leaf of the table.
const KUBELET: &str = "kubelet.conf";

/// Has the CA that takes over sign kubelet's client certificate, which kubelet would keep until it is old.
pub(super) fn renew_kubelet(rotation: &mut Rotation) -> Result<(), Error> {
    let path = rotation.run.settings.node.paths.kubeconfig(KUBELET);
    let Some(text) = rotation.run.host.read(&path)? else { return Ok(()) };
    let Some(ca) = row("ca") else { return Ok(()) };
    let Some(file) = client_certificate_file(&text) else {
        // It embeds its certificate, as before kubelet's first rotation.
        let kubelet = crate::kubeconfig::ROWS.iter().find(|row| row.file == KUBELET);
        let Some(place) = kubelet.map(Place::Kubeconfig) else { return Ok(()) };
        let managed = Managed { name: KUBELET, place, signer: ca };
        let keys = NewKeys::start(&terms(&rotation.run), 1);
        renew(&managed, &rotation.pki(), &terms(&rotation.run), &*rotation.run.host, &keys)?;
        return Ok(());
    };
    let unusable = |e: &dyn std::fmt::Display| {
        Error::new(ExitStatus::Failed, format!("kubelet's client certificate {}: {e}", file.display()))
    };
    let Some(old) = rotation.run.host.read(&file)? else { return Err(unusable(&"does not exist")) };
    let old = Certificate::from_pem(&old).map_err(|e| unusable(&e))?;
    let signer = pair(rotation, ca)?.0;
    let started = rotation.run.started;
    if is_below(&old, &signer, started) {
        return Ok(());
    }
    rotation.run.act(Verb::Renew, "kubelet's client certificate");
    warn_of_serving(&rotation.run);
    let signer_key = rotation.staging().file(rotation.progress.next(), &ca.key_file());
    let signer_key = PrivateKey::from_pem(&staged(&*rotation.run.host, &signer_key)?)?;
    let key = PrivateKey::generate(rotation.run.settings.cluster.algorithm)?;
    let validity = terms(&rotation.run).validity;
    let spec =
        CertificateSpec::renewal(&old, started - CLOCK_SKEW, started + validity).map_err(|e| unusable(&e))?;
    let certificate = issue(&spec, &key, &Issuer::new(&signer, &signer_key)?)?;
    write_kubelet_client(&*rotation.run.host, &file, &certificate, &key)
}

/// Warns of a certificate that kubelet serves with and that the old CA signed: only kubelet can ask for a new one, and
/// somebody has to approve it.
pub(in crate::workflows::rotate_ca) fn warn_of_serving(run: &Run) {
    let file = run.settings.node.paths.kubelet.join("pki/kubelet-server-current.pem");
    if run.host.exists(&file) {
        run.warn(format!(
            "kubelet serves with {}, which the old CA signed\n  fix: remove it, restart kubelet, and approve its request (`kubectl get csr`, `kubectl certificate approve`), before the old CA is dropped",
            file.display()
        ));
    }
}

/// Certificate and key are in one file, to which kubelet has a link that is written through.
pub(in crate::workflows::rotate_ca) fn write_kubelet_client(
    host: &dyn Host,
    file: &Path,
    certificate: &Certificate,
    key: &PrivateKey,
) -> Result<(), Error> {
    let mut text = zeroize::Zeroizing::new(certificate.to_pem());
    text.push_str(key.to_pem()?.as_str());
    put(host, &[(file, text.as_bytes(), FileMode::SECRET)])
}

/// The file of kubelet's client certificate; none where kubelet.conf embeds it.
pub(in crate::workflows::rotate_ca) fn client_certificate_file(kubeconfig: &[u8]) -> Option<PathBuf> {
    let kubeconfig = Kubeconfig::parse(&String::from_utf8_lossy(kubeconfig)).ok()?;
    let user = kubeconfig.current_user()?;
    (!user.client_certificate.is_empty()).then(|| PathBuf::from(&user.client_certificate))
}
