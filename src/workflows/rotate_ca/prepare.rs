//! What comes before a rotation: whether it is possible, and the new CAs.

use super::announce::announcements;
use super::{Rotation, signing};
use crate::certs::rotation::{Generation, Progress, Stage};
use crate::certs::{CLOCK_SKEW, authorities};
use crate::config::settings::CA_CERTIFICATE_VALIDITY;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{FileMode, NewFile};
use crate::phases::wait_control_plane;
use crate::pki::table::{CertRow, SERVICE_ACCOUNT};
use crate::pki::{
    Bundle, Certificate, CertificateSpec, Issuer, PrivateKey, Usages, cross_sign, self_sign_ca,
};
use crate::workflow::{Outcome, PhaseResult, Verb};

/// How many hexadecimal digits of a fingerprint name a rotation.
const ID_LENGTH: usize = 16;

fn refused(message: impl std::fmt::Display) -> Error {
    Error::new(ExitStatus::Preflight, message)
}

/// Whether the CAs can be rotated, before anything is written.
pub(super) fn check(rotation: &mut Rotation) -> PhaseResult {
    if rotation.progress.id.is_empty() {
        for row in authorities(rotation.pki().external_etcd) {
            check_authority(rotation, row)?;
        }
        for file in [SERVICE_ACCOUNT.private_key, SERVICE_ACCOUNT.public_key] {
            let path = rotation.run.certificate_path(file);
            if !rotation.run.host.exists(&path) {
                return Err(refused(format!(
                    "{} is missing: tokens of service accounts are signed elsewhere, and their key must be replaced there",
                    path.display()
                )));
            }
        }
        signing::check_flags(&rotation.run)?;
        refuse_others(rotation)?;
    }
    wait_control_plane::wait(&mut rotation.run)
}

/// A CA must be one that can be replaced here.
fn check_authority(rotation: &Rotation, row: &CertRow) -> Result<(), Error> {
    let pki = rotation.pki();
    let (crt, key) = (pki.certificate(row), pki.key(row));
    let Some(bundle) = rotation.run.certificate(&row.certificate_file())? else {
        return Err(refused(format!("{} is missing: there is no CA to take over from", crt.display())));
    };
    if pki.is_external(row, &*rotation.run.host) {
        return Err(refused(format!(
            "{} is the certificate of an external CA: {} is not on this machine\n  cause: whoever keeps that key signs everything, and has to replace it\n  fix: replace that CA where it is kept, by \"Manual Rotation of CA Certificates\" in the documentation of Kubernetes",
            crt.display(),
            key.display()
        )));
    }
    if !bundle.intermediates.is_empty() {
        return Err(refused(format!(
            "{} holds {} certificates: another rotation was begun by hand, or it is a chain\n  fix: leave only the certificate of {} in it",
            crt.display(),
            bundle.iter().count(),
            key.display()
        )));
    }
    let (certificate, key_text) = (bundle.certificate, rotation.run.host.read(&key)?.unwrap_or_default());
    let private = PrivateKey::from_pem(&key_text).map_err(|e| refused(format!("{}: {e}", key.display())))?;
    Issuer::new(&certificate, &private).map_err(|e| refused(format!("{}: {e}", crt.display())))?;
    certificate
        .check_validity(rotation.run.started)
        .map_err(|e| refused(format!("{}: {e}", crt.display())))?;
    if certificate.path_length() == Some(0) {
        return Err(refused(format!(
            "{} allows no CA below it (path length 0), so that it can't sign its successor, and its clients would break",
            crt.display()
        )));
    }
    let given = rotation.run.host.exists(&rotation.staging().file(Generation::New, &row.certificate_file()));
    if certificate.issuer() != certificate.subject() && !given {
        let new = rotation.staging().file(Generation::New, &row.certificate_file());
        return Err(refused(format!(
            "{} is signed by another CA ({}), and its successor should be, too\n  fix: put the new CA's certificate and key at {} and {}, and run this again",
            crt.display(),
            certificate.issuer_text(),
            new.display(),
            new.with_extension("key").display()
        )));
    }
    Ok(())
}

/// Refuses to begin a second rotation beside one that another control-plane node has begun.
fn refuse_others(rotation: &mut Rotation) -> Result<(), Error> {
    let new = rotation.staging().file(Generation::New, "ca.crt");
    let own = rotation.run.host.read(&new)?.and_then(|text| Bundle::from_pem(&text).ok());
    let own = own.map(|bundle| id(&bundle.certificate));
    let current = rotation.run.certificate("ca.crt")?.map(|bundle| id(&bundle.certificate));
    for other in announcements(&mut *rotation.run.cluster)? {
        let Some((of, stage, _)) = &other.told else { continue };
        if other.control_plane && *stage < Stage::Finished && own.as_ref() != Some(of) {
            if current.as_ref() == Some(of) {
                let node = &other.node;
                return Err(refused(format!(
                    "the last rotation is not finished on {node}\n  fix: `kubestrap certs rotate-ca finish` there"
                )));
            }
            let folder = new.parent().unwrap_or(&new);
            return Err(refused(format!(
                "a rotation was begun on {node}, whose new CAs are not on this machine\n  fix: copy them, keys too, from {node}: `scp -rp root@{node}:{folder} {parent}/`, and run this again",
                node = other.node,
                folder = folder.display(),
                parent = rotation.staging().dir.display(),
            )));
        }
    }
    Ok(())
}

/// The name of the rotation to this CA.
pub(super) fn id(ca: &Certificate) -> String {
    ca.fingerprint_sha256().replace(':', "").to_lowercase().chars().take(ID_LENGTH).collect()
}

/// Keeps the old generation, and generates the new one, unless somebody has put it there.
pub(super) fn prepare(rotation: &mut Rotation) -> PhaseResult {
    if !rotation.progress.id.is_empty() {
        rotation.run.log("Going on with the rotation that was begun on this node");
        return Ok(Outcome::Done);
    }
    let staging = rotation.staging();
    rotation.run.host.make_dir(&staging.dir, 0o700)?;
    let rows = authorities(rotation.pki().external_etcd);
    rotation.run.generate_keys(rows.len() + 1);
    for row in &rows {
        for name in [row.certificate_file(), row.key_file()] {
            keep_old(rotation, &name)?;
        }
        let new = new_authority(rotation, row)?;
        if row.name == "ca" {
            rotation.progress.id = id(&new);
        }
    }
    keep_old(rotation, SERVICE_ACCOUNT.private_key)?;
    keep_old(rotation, SERVICE_ACCOUNT.public_key)?;
    new_service_account_key(rotation)?;
    rotation.progress = Progress { id: std::mem::take(&mut rotation.progress.id), ..Progress::default() };
    rotation.progress.keep(&staging, &*rotation.run.host)?;
    Ok(Outcome::Done)
}

fn keep_old(rotation: &Rotation, name: &str) -> Result<(), Error> {
    let text = rotation.run.host.read(&rotation.run.certificate_path(name))?.unwrap_or_default();
    let path = rotation.staging().file(Generation::Old, name);
    rotation.run.host.write(&path, &text, FileMode::SECRET)?;
    Ok(())
}

/// The new CA of a row, and the link to it.
fn new_authority(rotation: &mut Rotation, row: &CertRow) -> Result<Certificate, Error> {
    let (staging, started) = (rotation.staging(), rotation.run.started);
    let (crt, key_path) = (
        staging.file(Generation::New, &row.certificate_file()),
        staging.file(Generation::New, &row.key_file()),
    );
    let run = &mut rotation.run;
    let unusable = |e: &dyn std::fmt::Display| refused(format!("{}: {e}", crt.display()));
    let old = run.certificate(&row.certificate_file())?;
    let old = old.ok_or_else(|| unusable(&"there is no CA to take over from"))?.certificate;
    let (new, key) = match run.host.read(&crt)? {
        Some(text) => {
            let given = Bundle::from_pem(&text).map_err(|e| unusable(&e))?.certificate;
            let key = run.host.read(&key_path)?.unwrap_or_default();
            let key = PrivateKey::from_pem(&key).map_err(|e| unusable(&format!("its key: {e}")))?;
            Issuer::new(&given, &key).map_err(|e| {
                unusable(&format!(
                    "{e}\n  fix: put the key of this CA into {}, or remove both files to have a CA generated",
                    key_path.display()
                ))
            })?;
            run.log(format!("Using the new CA that is in {}", crt.display()));
            (given, key)
        }
        None => {
            run.act(Verb::Generate, format!("new \"{}\" CA certificate and key", row.base));
            let key = run.keys.take()?;
            let period =
                run.settings.cluster.config.ca_certificate_validity_period.unwrap_or(CA_CERTIFICATE_VALIDITY);
            let spec = CertificateSpec {
                subject: old.subject().clone(),
                dns_names: old.dns_names().to_vec(),
                ip_addresses: old.ip_addresses().to_vec(),
                usages: Usages::Ca,
                not_before: started - CLOCK_SKEW,
                not_after: started + period.as_std(),
            };
            let new = self_sign_ca(&spec, &key)?;
            run.host.write_together(&[
                NewFile { path: &key_path, content: key.to_pem()?.as_bytes(), mode: FileMode::SECRET },
                NewFile { path: &crt, content: new.to_pem().as_bytes(), mode: FileMode::SECRET },
            ])?;
            (new, key)
        }
    };
    let old_key = run.host.read(&staging.file(Generation::Old, &row.key_file()))?.unwrap_or_default();
    let old_key = PrivateKey::from_pem(&old_key)?;
    let validity = (started - CLOCK_SKEW, new.not_after().min(old.not_after()));
    let link = cross_sign(&new, &key, validity, &Issuer::new(&old, &old_key)?)?;
    run.host.write(&staging.link(row), link.to_pem().as_bytes(), FileMode::SECRET)?;
    Ok(new)
}

fn new_service_account_key(rotation: &mut Rotation) -> Result<(), Error> {
    let staging = rotation.staging();
    let private = staging.file(Generation::New, SERVICE_ACCOUNT.private_key);
    let run = &mut rotation.run;
    let key = match run.host.read(&private)? {
        Some(text) => PrivateKey::from_pem(&text)?,
        None => {
            run.act(Verb::Generate, "new key of the service accounts");
            let key = run.keys.take()?;
            run.host.write(&private, key.to_pem()?.as_bytes(), FileMode::SECRET)?;
            key
        }
    };
    let public = staging.file(Generation::New, SERVICE_ACCOUNT.public_key);
    run.host.write(&public, key.public_key_pem().as_bytes(), FileMode::SECRET)?;
    Ok(())
}
