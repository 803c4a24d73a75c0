//! Where the key of an archive comes from: never from the command line, where every process can see it.

use std::io::Read;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::backup::{Lock, Unlock};
use crate::error::Error;
use crate::exit_status::ExitStatus;

/// The environment variable that may hold the passphrase.
pub(crate) const VARIABLE: &str = "KUBESTRAP_PASSPHRASE";
/// No passphrase or identity file is larger.
const LARGEST: u64 = 64 << 10;

/// Where the key comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySource {
    /// A file with the passphrase; `-` is standard input. Else an environment variable may hold it.
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Public keys to encrypt to.
    pub(crate) recipients: Vec<String>,
    /// Files with identities to decrypt with.
    pub(crate) identities: Vec<PathBuf>,
}

impl KeySource {
    /// What to encrypt with.
    ///
    /// # Errors
    /// When none is given, or the passphrase can't be read.
    pub(super) fn lock(&self) -> Result<Lock, Error> {
        if !self.recipients.is_empty() {
            return Ok(Lock::Recipients(self.recipients.clone()));
        }
        let passphrase = self.passphrase()?;
        passphrase.map(Lock::Passphrase).ok_or_else(|| {
            let message = format!(
                "a backup holds the keys of the cluster and must be encrypted: no key is given\n  fix: give --passphrase-file FILE (`-` for standard input), the passphrase in {VARIABLE}, or --recipient with the public key that `age-keygen` prints"
            );
            Error::new(ExitStatus::Usage, message)
        })
    }

    /// What to decrypt with.
    ///
    /// # Errors
    /// When none is given, or it can't be read.
    pub(in super::super) fn unlock(&self) -> Result<Unlock, Error> {
        if !self.identities.is_empty() {
            let files = self.identities.iter().map(read).collect::<Result<_, Error>>()?;
            return Ok(Unlock::Identities(files));
        }
        let passphrase = self.passphrase()?;
        passphrase.map(Unlock::Passphrase).ok_or_else(|| {
            let message = format!(
                "the archive is encrypted: no key is given\n  fix: give --passphrase-file FILE (`-` for standard input), the passphrase in {VARIABLE}, or --identity FILE"
            );
            Error::new(ExitStatus::Usage, message)
        })
    }

    fn passphrase(&self) -> Result<Option<Zeroizing<String>>, Error> {
        let text = match &self.passphrase_file {
            Some(path) => read(path)?,
            None => match std::env::var(VARIABLE) {
                Ok(text) => Zeroizing::new(text),
                Err(_) => return Ok(None),
            },
        };
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            return Err(Error::new(ExitStatus::Usage, "the passphrase is empty"));
        }
        Ok(Some(Zeroizing::new(line.to_owned())))
    }
}

/// A small file's text; `-` is standard input.
fn read(path: &PathBuf) -> Result<Zeroizing<String>, Error> {
    let mut text = Zeroizing::new(String::new());
    let read = if path.as_os_str() == "-" {
        std::io::stdin().take(LARGEST).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(Error::new(ExitStatus::Usage, format!("can't read {}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passphrase_is_the_file_s_line_and_must_not_be_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p");
        let source = KeySource { passphrase_file: Some(path.clone()), ..KeySource::default() };
        let of = |text: &str| {
            std::fs::write(&path, text).unwrap();
            source.passphrase().map(|p| p.unwrap().to_string()).map_err(|e| e.message)
        };
        assert_eq!(of("a b \r\n").as_deref(), Ok("a b "));
        assert_eq!(of("a").as_deref(), Ok("a"));
        assert_eq!(of("\n"), Err("the passphrase is empty".into()));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(source.lock().err().unwrap().status, ExitStatus::Usage);
        assert!(!format!("{:?}", Lock::Passphrase(Zeroizing::new("secret".into()))).contains("secret"));
    }
}
