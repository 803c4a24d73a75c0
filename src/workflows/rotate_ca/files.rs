//! The files of each stage.

mod kubelet;

use std::path::Path;

use serde_json::Value;

use super::{Rotation, signing};
use crate::certs::rotation::Stage;
use crate::certs::{Embedded, Managed, NewKeys, Place, Terms, authorities, leaves, renew};
use crate::config::settings::CERTIFICATE_VALIDITY;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{FileMode, Host, NewFile};
use crate::manifest::Component;
use crate::phases::hold::pods;
use crate::pki::table::{CERTIFICATES, CertRow, SERVICE_ACCOUNT, row};
use crate::pki::{Bundle, Certificate, KeyPool, PrivateKey, verify_chain};
use crate::workflow::{Outcome, PhaseResult, Run, Verb};
use kubelet::renew_kubelet;
pub(super) use kubelet::{client_certificate_file, warn_of_serving, write_kubelet_client};

/// Brings the files of this node to a stage. What is right already is not touched.
pub(super) fn write(rotation: &mut Rotation, stage: Stage) -> PhaseResult {
    rotation.run.act(
        Verb::Write,
        match stage {
            Stage::Trusted => "both CAs to ca.crt files and kubeconfigs, and both keys to sa.pub",
            Stage::Switched => "the new CAs and keys, and what they sign",
            Stage::Finished => "ca.crt files, kubeconfigs and sa.pub without the old CAs and key",
        },
    );
    // kube-controller-manager must not find two certificates in its signing certificate's file when it starts.
    if stage < Stage::Finished {
        write_manifest(rotation, stage)?;
    }
    for row in authorities(rotation.pki().external_etcd) {
        write_authority(rotation, row, stage)?;
    }
    write_service_account(rotation, stage)?;
    match stage {
        Stage::Trusted => {}
        Stage::Switched => {
            renew_leaves(rotation)?;
            renew_kubelet(rotation)?;
        }
        Stage::Finished => drop_links(rotation)?,
    }
    write_kubeconfigs(rotation)?;
    if stage == Stage::Finished {
        write_manifest(rotation, stage)?;
    }
    Ok(Outcome::Done)
}

/// Replaces the manifest of kube-controller-manager while neither it nor kubelet runs: a kubelet that is restarted after
/// the change would start the new Pod beside the old one, whose port it can't have.
fn write_manifest(rotation: &mut Rotation, stage: Stage) -> Result<(), Error> {
    let Some(text) = signing::manifest(rotation, stage)? else { return Ok(()) };
    let component = Component::ControllerManager;
    let run = &mut rotation.run;
    let path = run.settings.node.paths.manifests.join(component.file());
    let node = pods(run);
    node.stop_kubelet()?;
    let replaced =
        node.stop(component).and_then(|()| put(&*run.host, &[(&path, text.as_bytes(), FileMode::MANIFEST)]));
    run.kubelet_started = Some(pods(run).start_kubelet()?);
    replaced
}

/// Writes files together, of those that say something else.
fn put(host: &dyn Host, files: &[(&Path, &[u8], FileMode)]) -> Result<(), Error> {
    let mut changed = vec![];
    for (path, content, mode) in files {
        if host.read(path)?.as_deref() != Some(content) {
            changed.push(NewFile { path, content, mode: *mode });
        }
    }
    Ok(host.write_together(&changed)?)
}

/// A file of the rotation's folder, which must be there.
pub(super) fn staged(host: &dyn Host, path: &Path) -> Result<Vec<u8>, Error> {
    host.read(path)?.ok_or_else(|| {
        let message = format!("{} is missing\n  fix: restore it from a backup", path.display());
        Error::new(ExitStatus::Failed, message)
    })
}

/// The certificate of a CA that takes over, and that of the one which goes.
pub(super) fn pair(rotation: &Rotation, row: &CertRow) -> Result<(Certificate, Certificate), Error> {
    let (staging, host) = (rotation.staging(), &*rotation.run.host);
    let of = |generation| {
        let path = staging.file(generation, &row.certificate_file());
        Certificate::from_pem(&staged(host, &path)?)
            .map_err(|e| Error::new(ExitStatus::Failed, format!("{}: {e}", path.display())))
    };
    Ok((of(rotation.progress.next())?, of(rotation.progress.previous())?))
}

/// What the file of a CA's certificate holds in a stage, that of the one which signs first.
pub(super) fn bundle(rotation: &Rotation, row: &CertRow, stage: Stage) -> Result<Bundle, Error> {
    let (next, previous) = pair(rotation, row)?;
    Ok(match stage {
        Stage::Trusted => Bundle { certificate: previous, intermediates: vec![next] },
        Stage::Switched => Bundle { certificate: next, intermediates: vec![previous] },
        Stage::Finished => next.into(),
    })
}

fn write_authority(rotation: &Rotation, row: &CertRow, stage: Stage) -> Result<(), Error> {
    let (pki, staging, host) = (rotation.pki(), rotation.staging(), &*rotation.run.host);
    let signer = match stage {
        Stage::Trusted => rotation.progress.previous(),
        Stage::Switched | Stage::Finished => rotation.progress.next(),
    };
    let key = staged(host, &staging.file(signer, &row.key_file()))?;
    let certificates = bundle(rotation, row, stage)?.to_pem();
    put(
        host,
        &[
            (&pki.key(row), &key, FileMode::SECRET),
            (&pki.certificate(row), certificates.as_bytes(), FileMode::CERTIFICATE),
        ],
    )
}

/// `sa.pub` has the keys that tokens are verified with, `sa.key` the one that signs them.
fn write_service_account(rotation: &Rotation, stage: Stage) -> Result<(), Error> {
    let (staging, run) = (rotation.staging(), &rotation.run);
    let (next, previous) = (rotation.progress.next(), rotation.progress.previous());
    let public = |generation| staged(&*run.host, &staging.file(generation, SERVICE_ACCOUNT.public_key));
    let private = |generation| staged(&*run.host, &staging.file(generation, SERVICE_ACCOUNT.private_key));
    let (signing, verifying) = match stage {
        Stage::Trusted => (private(previous)?, [public(previous)?, public(next)?].concat()),
        Stage::Switched => (private(next)?, [public(next)?, public(previous)?].concat()),
        Stage::Finished => (private(next)?, public(next)?),
    };
    put(
        &*run.host,
        &[
            (&run.certificate_path(SERVICE_ACCOUNT.public_key), &verifying, FileMode::SECRET),
            (&run.certificate_path(SERVICE_ACCOUNT.private_key), &signing, FileMode::SECRET),
        ],
    )
}

/// How new certificates are made.
fn terms(run: &Run) -> Terms {
    let validity = run.settings.cluster.config.certificate_validity_period;
    Terms {
        algorithm: Some(run.settings.cluster.algorithm),
        validity: time::Duration::nanoseconds(validity.unwrap_or(CERTIFICATE_VALIDITY).0),
        started: run.started,
    }
}

/// Has the CAs that take over sign every certificate that the others signed.
fn renew_leaves(rotation: &mut Rotation) -> Result<(), Error> {
    let (pki, terms) = (rotation.pki(), terms(&rotation.run));
    let mut wanted = vec![];
    for managed in leaves(pki.external_etcd) {
        let signer = pair(rotation, managed.signer)?.0;
        if rotation.run.host.exists(&managed.path(&pki)) && !is_signed_by(&managed, &signer, rotation)? {
            wanted.push(managed);
        }
    }
    rotation.run.generate_keys(wanted.len());
    let run = &mut rotation.run;
    let keys =
        NewKeys::of(std::mem::replace(&mut run.keys, KeyPool::stand_in(run.settings.cluster.algorithm, 0)));
    for managed in wanted {
        run.act(Verb::Renew, format!("the {} certificate", managed.name));
        renew(&managed, &pki, &terms, &*run.host, &keys)?;
    }
    if let Some(pool) = keys.into_pool() {
        run.keys = pool;
    }
    Ok(())
}

/// Whether a certificate is signed by a CA, and its key is there.
fn is_signed_by(managed: &Managed, signer: &Certificate, rotation: &Rotation) -> Result<bool, Error> {
    let (pki, host) = (rotation.pki(), &*rotation.run.host);
    let Some(text) = host.read(&managed.path(&pki))? else { return Ok(false) };
    let (certificate, key) = match managed.place {
        Place::File(row) => {
            let key = host.read(&pki.key(row))?.and_then(|text| PrivateKey::from_pem(&text).ok());
            (Bundle::from_pem(&text).ok(), key)
        }
        // Certificate and key are in one file, which is written as a whole.
        Place::Kubeconfig(_) => {
            let certificate = Embedded::parse(&text).and_then(|e| e.certificate());
            return Ok(certificate.is_ok_and(|b| is_below(&b.certificate, signer, rotation.run.started)));
        }
    };
    Ok(matches!((certificate, key), (Some(b), Some(key))
        if b.certificate.matches_key(&key) && is_below(&b.certificate, signer, rotation.run.started)))
}

/// Whether a CA signed a certificate.
pub(super) fn is_below(certificate: &Certificate, signer: &Certificate, now: time::OffsetDateTime) -> bool {
    verify_chain(&certificate.clone().into(), std::slice::from_ref(signer), now).is_ok()
}

/// Gives the kubeconfigs of this node the CAs that `ca.crt` holds.
fn write_kubeconfigs(rotation: &Rotation) -> Result<(), Error> {
    let Some(ca) = row("ca") else { return Ok(()) };
    let text = staged(&*rotation.run.host, &rotation.pki().certificate(ca))?;
    let ca = Bundle::from_pem(&text)?;
    for row in crate::kubeconfig::ROWS {
        write_kubeconfig(&rotation.run, &rotation.run.settings.node.paths.kubeconfig(row.file), &ca)?;
    }
    Ok(())
}

/// Gives a kubeconfig a CA; who keeps the CA in a file keeps it there.
pub(super) fn write_kubeconfig(run: &Run, path: &Path, ca: &Bundle) -> Result<(), Error> {
    let Some(text) = run.host.read(path)? else { return Ok(()) };
    let wrong = |e: String| Error::new(ExitStatus::Failed, format!("{}: {e}", path.display()));
    let embedded = Embedded::parse(&text).map_err(wrong)?;
    match embedded.authority() {
        Ok(trusted) if trusted == *ca => Ok(()),
        Ok(_) => {
            let text = embedded.with_authority(ca).map_err(wrong)?;
            put(&*run.host, &[(path, text.as_bytes(), FileMode::SECRET)])
        }
        Err(why) => {
            run.warn(format!("{} keeps its CA as it is: {why}", path.display()));
            Ok(())
        }
    }
}

/// Takes the links out of the certificates' files.
fn drop_links(rotation: &Rotation) -> Result<(), Error> {
    let (pki, staging, host) = (rotation.pki(), rotation.staging(), &*rotation.run.host);
    for row in CERTIFICATES.iter().filter(|row| !(row.is_of_etcd() && pki.external_etcd)) {
        let (Some(signer), path) = (row.signer_row(), pki.certificate(row)) else { continue };
        let (Some(text), Some(link)) = (host.read(&path)?, staging.read_link(signer, host)?) else {
            continue;
        };
        let mut bundle = Bundle::from_pem(&text)
            .map_err(|e| Error::new(ExitStatus::Failed, format!("{}: {e}", path.display())))?;
        bundle.intermediates.retain(|certificate| *certificate != link);
        put(host, &[(&path, bundle.to_pem().as_bytes(), FileMode::CERTIFICATE)])?;
    }
    Ok(())
}

/// The text at a path of an object.
pub(super) fn text_of<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
