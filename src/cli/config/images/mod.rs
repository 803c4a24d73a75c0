//! `config images …`.

mod export;
mod import;
mod list;
mod moving;
mod pull;

use clap::{Args, Subcommand};

use super::super::value::feature_gates;
use super::{read, warn, wrong};
use crate::commands::configuration::resolve_version;
use crate::config::Overrides;
use crate::config::{self, ConfigError, HostFacts, Loaded, Settings};
use crate::error::Error;
use crate::host;
use crate::output::Printer;

const AREA: &str = "config/images";

/// See, pull and carry the images that a control plane runs
#[derive(Args, Debug)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  kubestrap config images list --kubernetes-version v1.36.2\n  kubestrap config images export images.tar"
)]
pub(super) struct Images {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    List(list::List),
    Pull(pull::Pull),
    Export(export::Export),
    Import(import::Import),
}

/// Which images.
#[derive(Args, Debug)]
struct Selection {
    /// Configuration file; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// kubeadm's feature gates: name=true,…
    #[arg(long, value_name = "GATES")]
    feature_gates: Vec<String>,
    /// Where images come from [default: registry.k8s.io]
    #[arg(long, value_name = "REPOSITORY")]
    image_repository: Option<String>,
    /// Version of the control plane
    #[arg(long, value_name = "VERSION")]
    kubernetes_version: Option<String>,
}

impl Images {
    /// Runs what is asked for.
    pub(super) fn run(&self) -> Result<(), Error> {
        match &self.command {
            Command::List(list) => list.run(),
            Command::Pull(pull) => pull.run(),
            Command::Export(export) => export.run(),
            Command::Import(import) => import.run(),
        }
    }
}

impl Selection {
    /// The settings for this machine, of which only the runtime matters.
    fn settings_here(&self, cri_socket: Option<&str>, out: &Printer) -> Result<Settings, Error> {
        let facts = HostFacts { cri_sockets: host::gather().cri_sockets, ..HostFacts::placeholder() };
        self.settings(cri_socket, facts, out)
    }

    /// Whether anything is said.
    fn is_made(&self) -> bool {
        self.config.is_some() || self.flags().iter().any(|(_, given)| *given)
    }

    /// The settings that the file or the flags make.
    fn settings(&self, cri_socket: Option<&str>, facts: HostFacts, out: &Printer) -> Result<Settings, Error> {
        let mut loaded = match &self.config {
            Some(file) => {
                self.warn_of_flags(out);
                config::load(file, &read(file)?).map_err(wrong)?
            }
            None => self.loaded().map_err(wrong)?,
        };
        resolve_version(&mut loaded.cluster.kubernetes_version, out)?;
        if let Some(socket) = cri_socket {
            socket.clone_into(&mut loaded.init.node_registration.cri_socket);
            loaded.locator.flags.push(("nodeRegistration.criSocket", "cri-socket"));
        }
        let resolved = Settings::resolve(loaded, facts, &Overrides::default()).map_err(wrong)?;
        warn(out, &resolved.warnings);
        Ok(resolved.settings)
    }

    /// The configuration that the flags stand for.
    fn loaded(&self) -> Result<Loaded, ConfigError> {
        let mut loaded = Loaded::default();
        loaded.cluster.feature_gates = feature_gates(&self.feature_gates)?;
        for (given, field, place) in [
            (
                &self.image_repository,
                &mut loaded.cluster.image_repository,
                ("imageRepository", "image-repository"),
            ),
            (
                &self.kubernetes_version,
                &mut loaded.cluster.kubernetes_version,
                ("kubernetesVersion", "kubernetes-version"),
            ),
        ] {
            if let Some(value) = given {
                field.clone_from(value);
                loaded.locator.flags.push(place);
            }
        }
        Ok(loaded)
    }

    /// The flags, and whether they were given.
    fn flags(&self) -> [(&'static str, bool); 3] {
        [
            ("feature-gates", !self.feature_gates.is_empty()),
            ("image-repository", self.image_repository.is_some()),
            ("kubernetes-version", self.kubernetes_version.is_some()),
        ]
    }

    /// The file wins, as in kubeadm, but not silently.
    fn warn_of_flags(&self, out: &Printer) {
        for (flag, _) in self.flags().iter().filter(|(_, given)| *given) {
            out.warn("config", format!("--{flag} has no effect beside --config: the file counts"));
        }
    }
}
