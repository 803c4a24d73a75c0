//! `certs`: the certificates of a control plane that stands.

mod check_expiration;
mod generate_csr;
mod inspect;
mod renew;
mod restart;
pub(super) mod source;

use clap::{Args, Subcommand};

use crate::cluster::CertificateKey;
use crate::error::Error;
use crate::output::{Format, Printer};

#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:\n  kubestrap certs check-expiration\n  kubestrap certs renew all --restart\n  kubestrap certs inspect apiserver"
)]
pub(super) struct Certs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Print a new key for `init --upload-certs` and `join --certificate-key`
    #[command(
        after_help = "Example:\n  kubestrap init --upload-certs --certificate-key $(kubestrap certs certificate-key)"
    )]
    CertificateKey,
    CheckExpiration(check_expiration::CheckExpiration),
    GenerateCsr(generate_csr::GenerateCsr),
    Inspect(inspect::Inspect),
    Renew(renew::Renew),
}

impl Certs {
    /// Runs the command that was named.
    pub(super) fn run(&self) -> Result<(), Error> {
        match &self.command {
            Command::CertificateKey => {
                let key = CertificateKey::generate()?;
                // To print it is what the command is for.
                Printer::new(Format::Text).data(&format!("{}\n", key.expose().as_str()));
                Ok(())
            }
            Command::CheckExpiration(command) => command.run(),
            Command::GenerateCsr(command) => command.run(),
            Command::Inspect(command) => command.run(),
            Command::Renew(command) => command.run(),
        }
    }
}
