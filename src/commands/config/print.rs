//! `config print …`.

use serde::Serialize;

use crate::addons::kube_proxy;
use crate::commands::configuration::default_version;
use crate::config::sample;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host;
use crate::kubelet::cluster_configuration;
use crate::output::Printer;
use crate::yaml;

/// Whose configuration to print.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// That of `init`, and of these components.
    Init(Vec<ComponentConfig>),
    /// That of `join`.
    Join,
    /// That of `reset`.
    Reset,
    /// That of the commands below `upgrade`.
    Upgrade,
}

/// A component with a configuration of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ComponentConfig {
    /// kubelet.
    Kubelet,
    /// kube-proxy.
    KubeProxy,
}

/// Prints a configuration with every default written out.
///
/// # Errors
/// When it can't be made.
pub(crate) fn run(what: &What, out: &Printer) -> Result<ExitStatus, Error> {
    let documents = match what {
        What::Init(components) => init(components)?,
        What::Join => vec![document(&sample::join(&host::gather().hostname))?],
        What::Reset => vec![document(&sample::reset())?],
        What::Upgrade => vec![document(&sample::upgrade())?],
    };
    out.data(&documents.join("---\n"));
    Ok(ExitStatus::Done)
}

fn init(components: &[ComponentConfig]) -> Result<Vec<String>, Error> {
    let resolved = sample::init(&default_version())?;
    let settings = &resolved.settings;
    let mut documents = vec![document(&resolved.init)?, document(&sample::cluster(settings))?];
    for component in components {
        documents.push(match component {
            ComponentConfig::Kubelet => document(&cluster_configuration(settings))?,
            ComponentConfig::KubeProxy => document(&kube_proxy::configuration(settings))?,
        });
    }
    Ok(documents)
}

fn document(value: &impl Serialize) -> Result<String, Error> {
    Ok(yaml::to_string(value)?)
}
