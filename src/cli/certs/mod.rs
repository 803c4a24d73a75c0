//! `certs`.

mod check_expiration;
mod generate_csr;
mod inspect;
mod renew;
mod rotate_ca;
pub(super) mod source;

use clap::{Args, Subcommand};

use super::run::Output;
use crate::commands::certs;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

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
    RotateCa(rotate_ca::RotateCa),
}

impl Certs {
    /// How results are printed.
    pub(super) fn output(&self) -> Output {
        match &self.command {
            Command::Renew(command) => command.output,
            Command::RotateCa(command) => command.output,
            _ => Output::Text,
        }
    }

    /// Runs the command that was named.
    pub(super) fn run(&self, out: &Printer) -> Result<ExitStatus, Error> {
        match &self.command {
            Command::CertificateKey => certs::certificate_key(out),
            Command::CheckExpiration(command) => certs::check_expiration::run(&command.request(), out),
            Command::GenerateCsr(command) => certs::generate_csr::run(&command.request(), out),
            Command::Inspect(command) => certs::inspect::run(&command.request(), out),
            Command::Renew(command) => certs::renew::run(&command.request(), out),
            Command::RotateCa(command) => command.run(out),
        }
    }
}
