//! `config print …`.

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};

use crate::commands::config::print::{ComponentConfig, What as Asked};

/// Print a configuration with every default written out, as a start for your own
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
    /// Print a JoinConfiguration with every default, for `join`
    #[command(
        name = "join-defaults",
        after_help = "Example:\n  kubestrap config print join-defaults > join.yaml"
    )]
    Join,
    /// Print a ResetConfiguration with every default, for `reset`
    #[command(
        name = "reset-defaults",
        after_help = "Example:\n  kubestrap config print reset-defaults > reset.yaml"
    )]
    Reset,
    /// Print an UpgradeConfiguration with every default, for `upgrade plan | diff | apply | node`
    #[command(
        name = "upgrade-defaults",
        after_help = "Example:\n  kubestrap config print upgrade-defaults > upgrade.yaml"
    )]
    Upgrade,
}

/// Print an InitConfiguration and a ClusterConfiguration with every default, for `init`
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  kubestrap config print init-defaults --component-configs KubeletConfiguration,KubeProxyConfiguration"
)]
struct InitDefaults {
    /// Components whose configuration to print too
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    component_configs: Vec<ComponentConfig>,
}

impl ValueEnum for ComponentConfig {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Kubelet, Self::KubeProxy]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Kubelet => PossibleValue::new("KubeletConfiguration").help("kubelet's"),
            Self::KubeProxy => PossibleValue::new("KubeProxyConfiguration").help("kube-proxy's"),
        })
    }
}

impl Print {
    /// What is asked for.
    pub(super) fn what(&self) -> Asked {
        match &self.what {
            What::Init(init) => Asked::Init(init.component_configs.clone()),
            What::Join => Asked::Join,
            What::Reset => Asked::Reset,
            What::Upgrade => Asked::Upgrade,
        }
    }
}
