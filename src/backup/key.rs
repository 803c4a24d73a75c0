//! What an archive is encrypted and decrypted with.

use std::fmt;

use age::secrecy::SecretString;
use age::{Identity, Recipient, scrypt, x25519};
use zeroize::Zeroizing;

use super::BackupError;

/// The largest work factor that is accepted of an archive: 4 GiB of memory. age's own tool writes 18.
const MAX_WORK: u8 = 22;

/// What an archive is encrypted with.
#[derive(Clone)]
pub(crate) enum Lock {
    /// A passphrase, a secret.
    Passphrase(Zeroizing<String>),
    /// Public keys, as `age-keygen` prints them: `age1…`.
    Recipients(Vec<String>),
}

/// What an archive is decrypted with.
#[derive(Clone)]
pub(crate) enum Unlock {
    /// A passphrase, a secret.
    Passphrase(Zeroizing<String>),
    /// Text of identity files, as `age-keygen` writes them; secrets.
    Identities(Vec<Zeroizing<String>>),
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase(_) => "Passphrase",
            Self::Recipients(_) => "Recipients",
        })
    }
}

impl fmt::Debug for Unlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase(_) => "Passphrase",
            Self::Identities(_) => "Identities",
        })
    }
}

fn secret(text: &Zeroizing<String>) -> SecretString {
    SecretString::from(text.as_str().to_owned())
}

impl Lock {
    pub(super) fn recipients(&self) -> Result<Vec<Box<dyn Recipient>>, BackupError> {
        match self {
            Self::Passphrase(passphrase) => {
                #[cfg_attr(not(test), allow(unused_mut, reason = "tests make it cheap"))]
                let mut recipient = scrypt::Recipient::new(secret(passphrase));
                #[cfg(test)]
                recipient.set_work_factor(4);
                Ok(vec![Box::new(recipient)])
            }
            Self::Recipients(recipients) => {
                let parse = |text: &String| -> Result<Box<dyn Recipient>, BackupError> {
                    match text.parse::<x25519::Recipient>() {
                        Ok(recipient) => Ok(Box::new(recipient)),
                        Err(why) => Err(BackupError::Key(format!(
                            "{text:?} is not a recipient ({why})\n  fix: give the public key that `age-keygen` prints: age1…"
                        ))),
                    }
                };
                recipients.iter().map(parse).collect()
            }
        }
    }
}

impl Unlock {
    pub(super) fn identities(&self) -> Result<Vec<Box<dyn Identity>>, BackupError> {
        match self {
            Self::Passphrase(passphrase) => {
                let mut identity = scrypt::Identity::new(secret(passphrase));
                identity.set_max_work_factor(MAX_WORK);
                Ok(vec![Box::new(identity)])
            }
            Self::Identities(files) => {
                let mut identities: Vec<Box<dyn Identity>> = vec![];
                let lines = files.iter().flat_map(|text| text.lines()).map(str::trim);
                for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
                    let identity = line.parse::<x25519::Identity>().map_err(|why| {
                        BackupError::Key(format!(
                            "the identity file has a line that is not an identity ({why})\n  fix: give the file that `age-keygen -o` wrote: AGE-SECRET-KEY-1…"
                        ))
                    })?;
                    identities.push(Box::new(identity));
                }
                if identities.is_empty() {
                    return Err(BackupError::Key("the identity file has no identity in it".into()));
                }
                Ok(identities)
            }
        }
    }
}
