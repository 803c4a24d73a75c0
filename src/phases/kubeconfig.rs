//! `kubeconfig`: the five kubeconfigs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::context::InitContext;
use super::phase::{Failure, Outcome, Phase, PhaseError, PhaseResult};
use crate::certs;
use crate::host::FileMode;
use crate::kubeconfig::{Cluster, Kubeconfig, KubeconfigRow, ROWS, User, check_existing};
use crate::pki::{Issuer, PrivateKey, is_cut_off, issue};

/// The group, one phase a row of the kubeconfigs' table.
pub(super) fn phase() -> Phase<InitContext> {
    let phases = ROWS.iter().map(|row| {
        let phase = Phase::new(row.name, row.about, move |c: &mut InitContext| ensure(c, row));
        // kubelet starts first, and with this.
        if row.name == "kubelet" { phase.following("certs/ca") } else { phase }
    });
    Phase::group("kubeconfig", "Write the kubeconfigs that are missing", phases.collect())
}

/// Keeps a kubeconfig that is there and trusts our CA, or writes it.
fn ensure(context: &mut InitContext, row: &KubeconfigRow) -> PhaseResult {
    let path = context.settings.paths.kubeconfig(row.file);
    let ca_path = context.settings.paths.certificates.join("ca.crt");
    let Some(ca) = context.certificate("ca.crt")? else {
        return Err(PhaseError::new(
            Failure::Failed,
            format!(
                "{} needs the CA {}, which is missing\n  fix: make it with `kubestrap init phase certs ca`, or put yours there",
                row.file,
                ca_path.display()
            ),
        ));
    };
    let server = row.server_url(&context.settings);
    if let Some(existing) = context.host.read(&path)?.filter(|text| !is_cut_off(text)) {
        let text = String::from_utf8_lossy(&existing);
        let read = |file: &str| context.host.read(file.as_ref()).ok().flatten();
        let warning =
            check_existing(&path.to_string_lossy(), &text, &ca, &ca_path.to_string_lossy(), &server, read)?;
        if let Some(warning) = warning {
            context.out.warn("kubeconfig", warning);
        }
        context.out.log("kubeconfig", format!("Keeping \"{}\" that is there", path.display()));
        context.keep(&path)?;
        return Ok(Outcome::Done);
    }
    let key_path = context.settings.paths.certificates.join("ca.key");
    let Some(ca_key) = context.host.read(&key_path)? else {
        return Err(PhaseError::new(
            Failure::Failed,
            format!(
                "{} is missing, and {} is an external CA (there is no {})\n  fix: have the CA's owner sign it (`kubestrap certs generate-csr`) and put the kubeconfig there",
                path.display(),
                ca_path.display(),
                key_path.display()
            ),
        ));
    };
    let ca_key = PrivateKey::from_pem(&ca_key)
        .map_err(|e| PhaseError::new(Failure::Failed, format!("{}: {e}", key_path.display())))?;
    context.out.log("kubeconfig", format!("Writing \"{}\"", row.file));
    let key = context.keys.take()?;
    let user = row.user(&context.settings);
    let spec = certs::client(&context.settings, row, ca.certificate.not_before(), context.started);
    let certificate = issue(&spec, &key, &Issuer::new(&ca.certificate, &ca_key)?)?;
    let cluster =
        Cluster { server, certificate_authority_data: STANDARD.encode(ca.to_pem()), ..Cluster::default() };
    let user_entry = User {
        client_certificate_data: STANDARD.encode(certificate.to_pem()),
        client_key_data: STANDARD.encode(key.to_pem()?.as_bytes()),
        ..User::default()
    };
    let mut kubeconfig = Kubeconfig::new(&context.settings.cluster.cluster_name, cluster, &user, user_entry);
    kubeconfig.preferences = context.settings.release.kubeconfig_preferences.then(Default::default);
    context.write("kubeconfig", &path, kubeconfig.to_yaml()?.as_bytes(), FileMode::SECRET)?;
    Ok(Outcome::Done)
}
