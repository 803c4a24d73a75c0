//! The key pair that service account tokens are signed and checked with.

use super::{path, private_key, refused};
use crate::host::FileMode;
use crate::phases::context::InitContext;
use crate::phases::phase::{Outcome, PhaseResult};
use crate::pki::table::SERVICE_ACCOUNT;

/// Keeps the pair that is there, or makes it; a missing public half is made from the private one.
pub(super) fn ensure(context: &mut InitContext) -> PhaseResult {
    if context.is_external("ca")? {
        context.keep(&path(context, SERVICE_ACCOUNT.private_key))?;
        context.keep(&path(context, SERVICE_ACCOUNT.public_key))?;
        return Ok(Outcome::Skipped("External CA: the service account keys that are there stay".into()));
    }
    let public_path = path(context, SERVICE_ACCOUNT.public_key);
    let key = match private_key(context, SERVICE_ACCOUNT.private_key)? {
        Some(key) => {
            context.out.log("certs", "Keeping the key \"sa\" that is there");
            context.keep(&path(context, SERVICE_ACCOUNT.private_key))?;
            if let Some(public) = context.host.read(&public_path)? {
                if !same_pem(&public, key.public_key_pem().as_bytes()) {
                    return Err(refused(format!(
                        "{} is not the public half of {}: tokens would be signed that nothing accepts",
                        public_path.display(),
                        path(context, SERVICE_ACCOUNT.private_key).display()
                    )));
                }
                context.keep(&public_path)?;
                return Ok(Outcome::Done);
            }
            key
        }
        None => {
            context.out.log("certs", "Making the key pair \"sa\"");
            let key = context.keys.take()?;
            context.write(
                "certs",
                &path(context, SERVICE_ACCOUNT.private_key),
                key.to_pem()?.as_bytes(),
                FileMode::SECRET,
            )?;
            key
        }
    };
    // kubeadm gives the public half the same mode.
    context.write("certs", &public_path, key.public_key_pem().as_bytes(), FileMode::SECRET)?;
    Ok(Outcome::Done)
}

/// Whether the first block of one PEM file is that of another; a file of other keys beside it (a rotation) is fine.
fn same_pem(file: &[u8], key: &[u8]) -> bool {
    let blocks = |pem: &[u8]| pem::parse_many(pem).unwrap_or_default();
    let wanted = blocks(key);
    blocks(file).iter().any(|b| wanted.iter().any(|w| w.contents() == b.contents() || b.tag() != w.tag()))
}
