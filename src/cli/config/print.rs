//! `config print …`.

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use crate::addons::kube_proxy;
use crate::commands::configuration::default_version;
use crate::config::sample;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host;
use crate::kubelet::cluster_configuration;
use crate::output::{Format, Printer};
use crate::yaml;

/// Print a configuration with every default written out, to start one's own from
#[derive(Args, Debug)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Example:\n  kubestrap config print init-defaults > kubeadm.yaml"
)]
pub(super) struct Print {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    #[command(name = "init-defaults")]
    Init(InitDefaults),
    /// Print what `join` is told
    #[command(
        name = "join-defaults",
        after_help = "Example:\n  kubestrap config print join-defaults > join.yaml"
    )]
    Join,
    /// Print what `reset` is told
    #[command(
        name = "reset-defaults",
        after_help = "Example:\n  kubestrap config print reset-defaults > reset.yaml"
    )]
    Reset,
    /// Print what the commands below `upgrade` are told
    #[command(
        name = "upgrade-defaults",
        after_help = "Example:\n  kubestrap config print upgrade-defaults > upgrade.yaml"
    )]
    Upgrade,
}

/// Print what `init` is told
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  kubestrap config print init-defaults --component-configs KubeletConfiguration,KubeProxyConfiguration"
)]
struct InitDefaults {
    /// Components whose configuration to print too
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    component_configs: Vec<ComponentConfig>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ComponentConfig {
    /// kubelet's
    #[value(name = "KubeletConfiguration")]
    Kubelet,
    /// kube-proxy's
    #[value(name = "KubeProxyConfiguration")]
    KubeProxy,
}

impl Print {
    /// Prints it.
    pub(super) fn run(&self) -> Result<(), Error> {
        let documents = match &self.what {
            What::Init(init) => init.documents()?,
            What::Join => vec![document(&sample::join(&host::gather().hostname))?],
            What::Reset => vec![document(&sample::reset())?],
            What::Upgrade => vec![document(&sample::upgrade())?],
        };
        Printer::new(Format::Text).data(&documents.join("---\n"));
        Ok(())
    }
}

impl InitDefaults {
    fn documents(&self) -> Result<Vec<String>, Error> {
        let resolved = sample::init(&default_version())?;
        let settings = &resolved.settings;
        let mut documents = vec![document(&resolved.init)?, document(&sample::cluster(settings))?];
        for component in &self.component_configs {
            documents.push(match component {
                ComponentConfig::Kubelet => document(&cluster_configuration(settings))?,
                ComponentConfig::KubeProxy => document(&kube_proxy::configuration(settings))?,
            });
        }
        Ok(documents)
    }
}

fn document(value: &impl Serialize) -> Result<String, Error> {
    yaml::to_string(value).map_err(|e| Error::new(ExitStatus::Failed, e))
}
