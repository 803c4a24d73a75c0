//! A dry run without its cluster: what would be written, if the endpoint led to a cluster with kubeadm's defaults.

use super::Found;
use super::found::KEYS;
use crate::certs::CLOCK_SKEW;
use crate::config::settings::CA_CERTIFICATE_VALIDITY;
use crate::config::v1beta4::JoinConfiguration;
use crate::discovery;
use crate::error::Error;
use crate::host::FileMode;
use crate::pki::{Bundle, CertificateSpec, self_sign_ca};
use crate::workflow::Run;

/// The name of the cluster's CA, kubeadm's.
const CA_NAME: &str = "kubernetes";

/// A cluster whose CA is that on this machine, or one that is made for the dry run; none where a discovery file would
/// have to be believed.
///
/// # Errors
/// When the CA on this machine can't be used.
pub(super) fn assume(run: &mut Run, join: &JoinConfiguration) -> Result<Option<Found>, Error> {
    let Some(bootstrap) = &join.discovery.bootstrap_token else { return Ok(None) };
    run.settings.cluster.config.control_plane_endpoint.clone_from(&bootstrap.api_server_endpoint);
    run.generate_keys(if join.control_plane.is_some() { KEYS } else { 1 });
    let ca = match run.certificate("ca.crt")? {
        Some(ca) => ca,
        None => authority(run, join.control_plane.is_some())?,
    };
    let discovered = discovery::assumed(&join.discovery, &ca.to_pem());
    Ok(discovered.map(|found| Found { kubeconfig: found.kubeconfig, ca, assumed: true }))
}

/// A CA; a control-plane node has its key too, to sign what it generates.
fn authority(run: &mut Run, with_key: bool) -> Result<Bundle, Error> {
    let key = run.keys.take()?;
    let spec = CertificateSpec::ca(
        CA_NAME,
        run.started - CLOCK_SKEW,
        run.started + CA_CERTIFICATE_VALIDITY.as_std(),
    );
    let certificate = self_sign_ca(&spec, &key)?;
    if with_key {
        let path = |file| run.certificate_path(file);
        let (certificate_path, key_path) = (path("ca.crt"), path("ca.key"));
        run.write(&key_path, key.to_pem()?.as_bytes(), FileMode::SECRET)?;
        run.write(&certificate_path, certificate.to_pem().as_bytes(), FileMode::CERTIFICATE)?;
    }
    Ok(certificate.into())
}
