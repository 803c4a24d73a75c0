//! `backup`.

use std::path::PathBuf;

use clap::Args;

use super::run::Output;
use super::value::flat;
use crate::commands::backup::{self, KeySource, Request};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

/// Where backups are kept.
const BACKUPS: &str = "/var/lib/kubestrap/backups";

// The key of an archive. No doc comment: clap would take it for the help of the commands that have them.
#[derive(Args, Clone, Debug)]
pub(super) struct Key {
    /// File with the passphrase; `-` is standard input [default: the variable KUBESTRAP_PASSPHRASE]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// File with the age identity to decrypt with (may be repeated)
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
}

impl Key {
    /// Where the key comes from.
    pub(super) fn source(&self) -> KeySource {
        KeySource {
            passphrase_file: self.passphrase_file.clone(),
            identities: self.identity.clone(),
            recipients: vec![],
        }
    }
}

#[derive(Args, Debug)]
#[command(
    after_help = "The archive holds etcd's snapshot, the PKI, kubeconfigs, manifests, the files that they mount, and\nthe configuration. `age -d ARCHIVE | tar xz` unpacks it too.\n\nExamples:\n  kubestrap backup --passphrase-file /root/passphrase /mnt/backup\n  kubestrap backup --recipient age1…  /mnt/backup/node.tar.gz.age\n  kubestrap backup --list /mnt/backup/node.tar.gz.age --identity key.txt\n  kubestrap backup --verify /mnt/backup/node.tar.gz.age --passphrase-file /root/passphrase"
)]
pub(super) struct Backup {
    /// Archive to write, or directory to write a new one to
    #[arg(value_name = "PATH", default_value = BACKUPS)]
    path: PathBuf,
    #[command(flatten)]
    key: Key,
    /// Encrypt to this age public key instead of a passphrase (may be repeated)
    #[arg(long, value_name = "KEY", conflicts_with_all = ["passphrase_file", "identity"])]
    recipient: Vec<String>,
    /// Show what is in an archive, and write none
    #[arg(long, value_name = "ARCHIVE", conflicts_with_all = ["verify", "recipient"])]
    list: Option<PathBuf>,
    /// Verify that an archive is complete and undamaged, and write none
    #[arg(long, value_name = "ARCHIVE", conflicts_with = "recipient")]
    verify: Option<PathBuf>,
    /// Directory of static Pod manifests
    #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes/manifests")]
    manifests: PathBuf,
    /// Output format: text, or JSON events
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl Backup {
    /// Runs it.
    pub(super) fn run(&self, out: &Printer) -> Result<ExitStatus, Error> {
        let key = KeySource { recipients: flat(&self.recipient), ..self.key.source() };
        if let Some(archive) = &self.list {
            return backup::list(archive, &key, out);
        }
        if let Some(archive) = &self.verify {
            return backup::verify(archive, &key, out);
        }
        // The directory that is ours need not be there yet.
        if self.path == std::path::Path::new(BACKUPS) {
            std::fs::create_dir_all(BACKUPS)?;
        }
        backup::run(&Request { path: self.path.clone(), key, manifests: self.manifests.clone() }, out)
    }
}
