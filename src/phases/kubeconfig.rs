//! `kubeconfig`: the kubeconfigs of a control plane.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::certs;
use crate::config::Settings;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{FileMode, Host};
use crate::kubeconfig::{Cluster, Kubeconfig, KubeconfigRow, ROWS, User, check_existing};
use crate::pki::{Issuer, PrivateKey, is_cut_off, issue};
use crate::workflow::{Folder, Outcome, Phase, PhaseResult, Run, Verb};

/// The phases of the kubeconfigs' table, one a row.
pub(crate) fn phases<S: AsMut<Run> + 'static>() -> Vec<Phase<S>> {
    let phase = |row: &'static KubeconfigRow| {
        Phase::shared(row.name, row.about, move |run| ensure(run, row))
            .locking(&[Folder::Certificates, Folder::Kubeconfigs])
            .generating(missing_keys)
    };
    ROWS.iter().map(phase).collect()
}

/// How many keys are missing of those that the phase `name` ensures.
fn missing_keys(settings: &Settings, host: &dyn Host, name: &str) -> usize {
    let rows = ROWS.iter().filter(|row| row.name == name);
    rows.filter(|row| !host.exists(&settings.node.paths.kubeconfig(row.file))).count()
}

/// Ensures a kubeconfig by its file's name.
///
/// # Errors
/// When an existing one is wrong, or it can't be written.
pub(crate) fn ensure_file(run: &mut Run, file: &str) -> PhaseResult {
    match ROWS.iter().find(|row| row.file == file) {
        Some(row) => ensure(run, row),
        None => Ok(Outcome::Skipped(format!("{file} is not a kubeconfig of a control plane"))),
    }
}

/// Keeps an existing kubeconfig that trusts the cluster's CA, or writes it.
fn ensure(run: &mut Run, row: &KubeconfigRow) -> PhaseResult {
    let path = run.settings.node.paths.kubeconfig(row.file);
    let ca_path = run.certificate_path("ca.crt");
    let Some(ca) = run.certificate("ca.crt")? else {
        return Err(Error::new(
            ExitStatus::Failed,
            format!(
                "{} needs the CA {}, which is missing\n  fix: generate it with `kubestrap init phase certs ca`, or put yours there",
                row.file,
                ca_path.display()
            ),
        ));
    };
    let server = row.server_url(&run.settings);
    if let Some(existing) = run.host.read(&path)?.filter(|text| !is_cut_off(text)) {
        let text = String::from_utf8_lossy(&existing);
        let read = |file: &str| run.host.read(file.as_ref()).ok().flatten();
        let warning =
            check_existing(&path.to_string_lossy(), &text, &ca, &ca_path.to_string_lossy(), &server, read)?;
        if let Some(warning) = warning {
            run.warn(warning);
        }
        run.log(format!("Using existing kubeconfig file: \"{}\"", path.display()));
        run.keep(&path)?;
        return Ok(Outcome::Done);
    }
    let key_path = run.certificate_path("ca.key");
    let Some(ca_key) = run.host.read(&key_path)? else {
        return Err(Error::new(
            ExitStatus::Failed,
            format!(
                "{} is missing and can't be generated: {} is an external CA (there is no {})\n  fix: have the CA's owner sign it (`kubestrap certs generate-csr`) and put the kubeconfig there",
                path.display(),
                ca_path.display(),
                key_path.display()
            ),
        ));
    };
    let ca_key = PrivateKey::from_pem(&ca_key)
        .map_err(|e| Error::new(ExitStatus::Failed, format!("{}: {e}", key_path.display())))?;
    run.act(Verb::Write, format!("\"{}\" kubeconfig file", row.file));
    let key = run.keys.take()?;
    let user = row.user(&run.settings);
    let spec = certs::client(&run.settings, row, ca.certificate.not_before(), run.started);
    let certificate = issue(&spec, &key, &Issuer::new(&ca.certificate, &ca_key)?)?;
    let cluster =
        Cluster { server, certificate_authority_data: STANDARD.encode(ca.to_pem()), ..Cluster::default() };
    let user_entry = User {
        client_certificate_data: STANDARD.encode(certificate.to_pem()),
        client_key_data: STANDARD.encode(key.to_pem()?.as_bytes()),
        ..User::default()
    };
    let cluster_name = &run.settings.cluster.config.cluster_name;
    let mut kubeconfig = Kubeconfig::new(cluster_name, cluster, &user, user_entry);
    kubeconfig.preferences = run.settings.cluster.release.kubeconfig_preferences.then(Default::default);
    run.write(&path, kubeconfig.to_yaml()?.as_bytes(), FileMode::SECRET)?;
    Ok(Outcome::Done)
}
