//! The workflows of `upgrade apply` and `upgrade node`: kubeadm's phases, in kubeadm's order.
//!
//! What `kubestrap upgrade apply` does:
//! 1. `commands::upgrade` reads the configuration that the cluster stores, and resolves this node's settings for the
//!    version to upgrade to.
//! 2. `preflight`: [`policy`] says whether the version may follow the cluster's, [`outlook`] what would go wrong; then
//!    the images are pulled, so that nothing is stopped before they are here.
//! 3. `control-plane`: one static Pod after the other is replaced (`steps::roll`), each proven healthy before the next;
//!    on a failure all are put back (`steps::undo`). A [`journal`] tells a later run what an interrupted one had begun.
//! 4. `upload-config` … `addon`: what the cluster stores, this node's kubelet configuration, RBAC, the addons.

pub(crate) mod journal;
pub(crate) mod outlook;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod probe;
pub(crate) mod steps;
pub(crate) mod survey;

use crate::config::KubernetesVersion;
use crate::error::Error;
use crate::manifest::Component;
use crate::phases::{addon, upload_config};
use crate::workflow::{Outcome, Phase, PhaseResult, Run, Workflow};
use journal::{Journal, Progress};
use outlook::Outlook;
use probe::Probe;
use survey::Survey;

/// What the phases of an upgrade work on, besides the [`Run`].
pub(crate) struct Upgrade {
    /// What the shared phases work on; its settings are those after the upgrade.
    pub(crate) run: Run,
    /// What the user asked for.
    pub(crate) options: Options,
    /// The cluster's version before.
    pub(crate) current: KubernetesVersion,
    /// What the cluster runs.
    pub(crate) survey: Survey,
    /// This node runs a control plane.
    pub(crate) control_plane: bool,
    /// What was seen ahead, to be told by `preflight`.
    pub(crate) outlook: Outlook,
    /// What this run, or one that was interrupted, has begun.
    pub(crate) journal: Option<Journal>,
    /// Text of the ClusterConfiguration that the cluster stores.
    pub(crate) stored_text: String,
    /// The health check of the cluster.
    pub(crate) probe: Option<Box<dyn Probe>>,
}

/// What the user asked for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Upgrade etcd too.
    pub(crate) etcd_upgrade: bool,
    /// Renew the certificates of what is upgraded.
    pub(crate) certificate_renewal: bool,
    /// Pass over rules that are not mandatory, and ask nothing.
    pub(crate) force: bool,
    /// Unstable versions are allowed.
    pub(crate) allow_experimental: bool,
    /// Release candidates are allowed.
    pub(crate) allow_candidates: bool,
    /// Ask before anything is changed.
    pub(crate) ask: bool,
}

impl AsMut<Run> for Upgrade {
    fn as_mut(&mut self) -> &mut Run {
        &mut self.run
    }
}

impl Upgrade {
    /// Takes note of how far the replacement of a component has come.
    fn note(&mut self, component: Component, progress: Progress) -> Result<(), Error> {
        if let Some(journal) = &mut self.journal {
            journal.components.insert(component, progress);
        }
        self.keep_journal()
    }

    fn keep_journal(&self) -> Result<(), Error> {
        match &self.journal {
            Some(journal) => journal.keep(&self.run.settings.node.paths, &*self.run.host),
            None => Ok(()),
        }
    }

    /// The version to upgrade to.
    pub(crate) fn target(&self) -> &KubernetesVersion {
        &self.run.settings.cluster.version
    }
}

/// The table of `upgrade apply`.
pub(crate) fn apply() -> Workflow<Upgrade> {
    let phases = vec![
        Phase::new(
            "preflight",
            "Run preflight checks before the upgrade, and pull images",
            steps::preflight::apply,
        ),
        control_plane(),
        Phase::group(
            "upload-config",
            "Store the cluster's configuration in ConfigMaps",
            upload_config::phases(),
        )
        .alias(&["uploadconfig"]),
        kubeconfig(),
        kubelet_config(),
        Phase::new(
            "bootstrap-token",
            "Update the RBAC rules of bootstrap tokens and cluster-info",
            steps::bootstrap_token::store_rights,
        ),
        addons(),
        Phase::new("post-upgrade", "Finish the upgrade", steps::post_upgrade::finish),
    ];
    Workflow { name: "upgrade apply", phases, moved: &[] }
}

/// The table of `upgrade node`.
pub(crate) fn node() -> Workflow<Upgrade> {
    let phases = vec![
        Phase::new(
            "preflight",
            "Run preflight checks before the upgrade, and pull images",
            steps::preflight::node,
        ),
        control_plane(),
        kubeconfig(),
        kubelet_config(),
        addons(),
        Phase::new("post-upgrade", "Finish the upgrade", steps::post_upgrade::finish),
    ];
    Workflow { name: "upgrade node", phases, moved: &[] }
}

fn control_plane() -> Phase<Upgrade> {
    Phase::new(
        "control-plane",
        "Upgrade the control plane on this node, one static Pod after the other",
        steps::control_plane::upgrade,
    )
}

fn kubeconfig() -> Phase<Upgrade> {
    Phase::new("kubeconfig", "Point kubelet.conf to this node's API server", steps::kubeconfig::update)
        .hidden()
}

fn kubelet_config() -> Phase<Upgrade> {
    Phase::new("kubelet-config", "Update kubelet's configuration on this node", steps::kubelet_config::update)
}

fn addons() -> Phase<Upgrade> {
    let addon = |name, about, install: fn(&mut Run) -> PhaseResult| {
        Phase::new(name, about, move |upgrade: &mut Upgrade| match addons_must_wait(upgrade) {
            Some(why) => Ok(Outcome::Skipped(format!("Skipping addon {name}: {why}"))),
            None => install(&mut upgrade.run),
        })
    };
    Phase::group(
        "addon",
        "Upgrade the addons",
        vec![
            addon("coredns", "Upgrade CoreDNS", addon::coredns),
            addon("kube-proxy", "Upgrade kube-proxy", addon::kube_proxy),
        ],
    )
}

/// Why the addons are not upgraded by this run: they follow when the last control plane has the new version.
fn addons_must_wait(upgrade: &Upgrade) -> Option<String> {
    if !upgrade.control_plane {
        return Some("this is not a control-plane node".into());
    }
    let (here, target) = (upgrade.run.settings.node_name(), upgrade.target());
    let servers = upgrade.survey.api_servers();
    let others: Vec<String> = servers
        .into_iter()
        .filter(|(node, version)| node != here && version != target)
        .map(|(node, version)| format!("{node} ({version})"))
        .collect();
    (!others.is_empty()).then(|| {
        format!(
            "these control planes are not upgraded yet: {}; the last one upgrades the addons",
            others.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_kubeadm() {
        assert_eq!(
            apply().ids().join(" "),
            "preflight control-plane upload-config upload-config/kubeadm upload-config/kubelet kubeconfig \
             kubelet-config bootstrap-token addon addon/coredns addon/kube-proxy post-upgrade"
        );
        assert_eq!(
            node().ids().join(" "),
            "preflight control-plane kubeconfig kubelet-config addon addon/coredns addon/kube-proxy post-upgrade"
        );
    }
}
