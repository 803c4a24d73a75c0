//! `config images …`.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::super::init::resolve_label;
use super::super::output_api::{self, ObjectFormat};
use super::super::value::feature_gates;
use super::{read, warn, wrong};
use crate::config::settings::Overrides;
use crate::config::{self, ConfigError, HostFacts, Loaded, Settings};
use crate::host;
use crate::output::{Format, Printer};
use crate::phases::{Failure, PhaseError, Pull as _, RuntimePull};
use crate::preflight::{PullOptions, PullPolicy};

const AREA: &str = "config/images";

/// See and pull the images that a control plane runs
#[derive(Args, Debug)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Example:\n  kubestrap config images list --kubernetes-version v1.36.2"
)]
pub(super) struct Images {
    #[command(subcommand)]
    command: ImagesCommand,
}

#[derive(Subcommand, Debug)]
enum ImagesCommand {
    List(List),
    Pull(Pull),
}

/// List the images that `init` uses
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap config images list --kubernetes-version v1.36.2\n  kubestrap config images list --config kubeadm.yaml -o json"
)]
struct List {
    #[command(flatten)]
    selection: Selection,
    /// How to print them
    #[arg(short, long, value_enum, default_value_t)]
    output: ObjectFormat,
}

/// Pull the images that `init` uses, so that it need not wait for them
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap config images pull\n  kubestrap config images pull --config kubeadm.yaml --cri-socket unix:///run/containerd/containerd.sock"
)]
struct Pull {
    #[command(flatten)]
    selection: Selection,
    /// The runtime's CRI socket (default: the one that is there)
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
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

/// kubeadm's `Images`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageList {
    kind: &'static str,
    api_version: &'static str,
    images: Vec<String>,
}

impl Images {
    /// Runs what is asked for.
    pub(super) fn run(&self) -> Result<(), PhaseError> {
        match &self.command {
            ImagesCommand::List(list) => list.run(),
            ImagesCommand::Pull(pull) => pull.run(),
        }
    }
}

impl List {
    fn run(&self) -> Result<(), PhaseError> {
        let out = Printer::new(Format::Text);
        let settings = self.selection.settings(None, HostFacts::placeholder(), &out)?;
        let list =
            ImageList { kind: "Images", api_version: output_api::API_VERSION, images: settings.images() };
        let text = self.output.render(&list, |list| list.images.join("\n") + "\n")?;
        out.data(&text);
        Ok(())
    }
}

impl Pull {
    fn run(&self) -> Result<(), PhaseError> {
        let out = Printer::new(Format::Text);
        // Of this machine, only the runtime matters.
        let facts = HostFacts { cri_sockets: host::gather().cri_sockets, ..HostFacts::placeholder() };
        let settings = self.selection.settings(self.cri_socket.as_deref(), facts, &out)?;
        let socket = &settings.init.node_registration.cri_socket;
        let mut runtime = RuntimePull { socket: socket.clone(), area: AREA };
        // As kubeadm does: each is asked of its registry even if it is here, so that a tag that moved is followed.
        let options = PullOptions { policy: PullPolicy::Always, serial: PullOptions::of(&settings).serial };
        let failed = runtime.pull(&settings.images(), options, &out).map_err(|e| {
            PhaseError::new(Failure::Failed, format!("{e}; `--cri-socket` names another runtime's socket"))
        })?;
        out.findings(AREA, &failed);
        match failed.len() {
            0 => Ok(()),
            n => Err(PhaseError::new(
                Failure::Failed,
                format!("{n} image{} could not be pulled", if n == 1 { "" } else { "s" }),
            )),
        }
    }
}

impl Selection {
    /// The settings that the file or the flags make.
    fn settings(
        &self,
        cri_socket: Option<&str>,
        facts: HostFacts,
        out: &Printer,
    ) -> Result<Settings, PhaseError> {
        let mut loaded = match &self.config {
            Some(file) => {
                self.warn_of_flags(out);
                config::load(file, &read(file)?).map_err(wrong)?
            }
            None => self.loaded().map_err(wrong)?,
        };
        resolve_label(&mut loaded.cluster.kubernetes_version, out);
        if let Some(socket) = cri_socket {
            socket.clone_into(&mut loaded.init.node_registration.cri_socket);
            loaded.locator.flags.push(("nodeRegistration.criSocket", "cri-socket"));
        }
        let (settings, warnings) = Settings::resolve(loaded, facts, &Overrides::default()).map_err(wrong)?;
        warn(out, &warnings);
        Ok(settings)
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

    /// The file wins, as in kubeadm, but not silently.
    fn warn_of_flags(&self, out: &Printer) {
        for (flag, given) in [
            ("feature-gates", !self.feature_gates.is_empty()),
            ("image-repository", self.image_repository.is_some()),
            ("kubernetes-version", self.kubernetes_version.is_some()),
        ] {
            if given {
                out.warn("config", format!("--{flag} has no effect beside --config: the file counts"));
            }
        }
    }
}
