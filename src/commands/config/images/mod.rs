//! `config images …`: the images that a control plane runs.

pub(crate) mod list;
pub(crate) mod moving;
pub(crate) mod pull;

use std::collections::BTreeMap;

use super::{read, warn};
use crate::commands::configuration::{resolve_version, unusable};
use crate::config::{self, HostFacts, Loaded, Overrides, Settings};
use crate::error::Error;
use crate::host;
use crate::output::Printer;

const AREA: &str = "config/images";

/// Which images: those of a configuration file, or of what flags say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// The configuration file.
    pub(crate) config: Option<String>,
    /// kubeadm's feature gates.
    pub(crate) feature_gates: BTreeMap<String, bool>,
    /// The repository of images.
    pub(crate) image_repository: Option<String>,
    /// The version of the control plane.
    pub(crate) kubernetes_version: Option<String>,
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
                config::load(file, &read(file)?).map_err(|e| unusable(&e))?
            }
            None => self.loaded(),
        };
        resolve_version(&mut loaded.cluster.kubernetes_version, out)?;
        if let Some(socket) = cri_socket {
            socket.clone_into(&mut loaded.init.node_registration.cri_socket);
            loaded.locator.flags.push(("nodeRegistration.criSocket", "cri-socket"));
        }
        let resolved = Settings::resolve(loaded, facts, &Overrides::default()).map_err(|e| unusable(&e))?;
        warn(out, &resolved.warnings);
        Ok(resolved.settings)
    }

    /// The configuration that the flags stand for.
    fn loaded(&self) -> Loaded {
        let mut loaded = Loaded::default();
        loaded.cluster.feature_gates.clone_from(&self.feature_gates);
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
        loaded
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
