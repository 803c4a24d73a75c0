//! The key pair that service account tokens are signed and checked with.

use super::{path, private_key, refused};
use crate::error::Error;
use crate::host::FileMode;
use crate::pki::table::SERVICE_ACCOUNT;
use crate::pki::{KeyError, PrivateKey};
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// Keeps an existing pair, or generates it; a missing public key is derived from the private one.
pub(super) fn ensure(run: &mut Run) -> PhaseResult {
    let exists = |file: &str| run.host.exists(&path(run, file));
    let some_exist = exists(SERVICE_ACCOUNT.private_key) || exists(SERVICE_ACCOUNT.public_key);
    // Where the CA is external, so may be who signs tokens. Without any file there is nobody: a key needs no CA.
    if some_exist && run.is_external("ca")? {
        run.keep(&path(run, SERVICE_ACCOUNT.private_key))?;
        run.keep(&path(run, SERVICE_ACCOUNT.public_key))?;
        return Ok(Outcome::Skipped("Using existing service account keys: the CA is external".into()));
    }
    let public_path = path(run, SERVICE_ACCOUNT.public_key);
    if exists(SERVICE_ACCOUNT.public_key) && is_short(run)? {
        let private_path = path(run, SERVICE_ACCOUNT.private_key);
        run.warn(format!("{} is an RSA key of fewer than 2048 bits: used as it is", private_path.display()));
        run.keep(&private_path)?;
        run.keep(&public_path)?;
        return Ok(Outcome::Done);
    }
    let key = match private_key(run, SERVICE_ACCOUNT.private_key)? {
        Some(key) => {
            run.log("Using existing \"sa\" key");
            run.keep(&path(run, SERVICE_ACCOUNT.private_key))?;
            if let Some(public) = run.host.read(&public_path)? {
                if !same_pem(&public, key.public_key_pem().as_bytes()) {
                    return Err(refused(format!(
                        "{} is not the public key of {}: the API server would reject the tokens that are signed with it",
                        public_path.display(),
                        path(run, SERVICE_ACCOUNT.private_key).display()
                    )));
                }
                run.keep(&public_path)?;
                return Ok(Outcome::Done);
            }
            key
        }
        None => {
            run.act(Verb::Generate, "\"sa\" key and public key");
            let key = run.keys.take()?;
            run.write(&path(run, SERVICE_ACCOUNT.private_key), key.to_pem()?.as_bytes(), FileMode::SECRET)?;
            key
        }
    };
    // kubeadm gives the public key the same mode.
    run.write(&public_path, key.public_key_pem().as_bytes(), FileMode::SECRET)?;
    Ok(Outcome::Done)
}

/// Whether the private key is of an old cluster: too short to be read here, and still good for Kubernetes' components.
fn is_short(run: &Run) -> Result<bool, Error> {
    let pem = run.host.read(&path(run, SERVICE_ACCOUNT.private_key))?;
    Ok(pem.is_some_and(|pem| matches!(PrivateKey::from_pem(&pem), Err(KeyError::ShortRsa))))
}

/// Whether the first block of one PEM file is that of another; a file of other keys beside it (a rotation) is fine.
fn same_pem(file: &[u8], key: &[u8]) -> bool {
    let blocks = |pem: &[u8]| pem::parse_many(pem).unwrap_or_default();
    let wanted = blocks(key);
    blocks(file).iter().any(|b| wanted.iter().any(|w| w.contents() == b.contents() || b.tag() != w.tag()))
}
