//! What the checks are about: what this machine is to become, and what is known of it so far.

use std::path::PathBuf;

use crate::config::{NodeSettings, Settings};
use crate::pki::Bundle;

/// What this machine is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The first control-plane node of a new cluster.
    Init,
    /// Another control-plane node of an existing cluster.
    ControlPlane,
    /// A worker of an existing cluster.
    Worker,
    /// A node of another version than it has.
    Upgrade,
}

/// What a joining node knows beside its settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Joining {
    /// `host:port` of the API server that the cluster is discovered from; none if a file leads to it.
    pub endpoint: Option<String>,
    /// Where a worker stores the cluster's CA certificate: `caCertPath`.
    pub ca_file: PathBuf,
    /// The cluster's CA certificates, once the cluster is discovered.
    pub cluster_ca: Option<Bundle>,
    /// The certificates that control planes share are downloaded from the cluster, so that none need be here.
    pub downloads_certificates: bool,
}

/// How much is known of a joining node's cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// All: a join is not divided from what came before.
    Whole,
    /// Nothing yet: only checks that need no cluster run.
    BeforeDiscovery,
    /// All: only the checks that have waited for it run.
    AfterDiscovery,
}

/// What the checks are about.
#[derive(Clone)]
pub(crate) struct Subject {
    role: Role,
    stage: Stage,
    known: Known,
    joining: Joining,
}

#[derive(Clone)]
enum Known {
    Node(Box<NodeSettings>),
    Cluster(Box<Settings>),
}

impl Subject {
    /// `init`.
    pub(crate) fn init(settings: &Settings) -> Self {
        Self::whole(Role::Init, settings)
    }

    /// `upgrade`, with the settings of the version to upgrade to.
    pub(crate) fn upgrade(settings: &Settings) -> Self {
        Self::whole(Role::Upgrade, settings)
    }

    fn whole(role: Role, settings: &Settings) -> Self {
        let known = Known::Cluster(Box::new(settings.clone()));
        Self { role, stage: Stage::Whole, known, joining: Joining::default() }
    }

    /// `join`, before the cluster is discovered: the checks that need no cluster.
    pub(crate) fn join(role: Role, node: &NodeSettings, joining: Joining) -> Self {
        let known = Known::Node(Box::new(node.clone()));
        Self { role, stage: Stage::BeforeDiscovery, known, joining }
    }

    /// `join`, once the cluster's settings are known: the checks that [`Self::join`] had to leave out.
    pub(crate) fn discovered(role: Role, settings: &Settings, joining: Joining) -> Self {
        let known = Known::Cluster(Box::new(settings.clone()));
        Self { role, stage: Stage::AfterDiscovery, known, joining }
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    pub(super) fn node(&self) -> &NodeSettings {
        match &self.known {
            Known::Node(node) => node,
            Known::Cluster(settings) => &settings.node,
        }
    }

    /// The cluster's and the node's settings, once the cluster is known.
    pub(super) fn settings(&self) -> Option<&Settings> {
        match &self.known {
            Known::Node(_) => None,
            Known::Cluster(settings) => Some(settings),
        }
    }

    pub(super) fn joining(&self) -> &Joining {
        &self.joining
    }

    /// Whether checks run that need no cluster.
    pub(super) fn runs_node_checks(&self) -> bool {
        self.stage != Stage::AfterDiscovery
    }
}
