//! What was seen at a moment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::health::Stage;
use crate::manifest::Component;

/// What was seen at a moment. It can be stored and read back, so that rules are tested on what real failures left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Evidence {
    /// kubelet.
    pub kubelet: KubeletEvidence,
    /// What keeps the container runtime from answering.
    pub runtime: Option<String>,
    /// The components that have a manifest.
    pub components: BTreeMap<Component, ComponentEvidence>,
}

/// What was seen of kubelet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubeletEvidence {
    /// What keeps it from being healthy; none when it is.
    pub health: Option<String>,
    /// Whether the init system says that it runs; none where there is no init system to ask.
    pub active: Option<bool>,
    /// What it and the init system logged since it was started, oldest first.
    pub log: Vec<String>,
}

/// What was seen of a component.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ComponentEvidence {
    /// How far it has come.
    pub stage: Stage,
    /// What its health endpoint said, if it is not healthy.
    pub health: String,
    /// How often its container was started.
    pub starts: u32,
    /// For how many seconds its newest container has been there.
    pub age: u64,
    /// The exit code of the container that ended last.
    pub exit_code: Option<i32>,
    /// Why it ended, or could not start, in the runtime's words.
    pub reason: String,
    /// The last words of the container that ended last, else of the one that runs; oldest first.
    pub log: Vec<String>,
}

impl Evidence {
    /// Whether nothing is amiss.
    pub fn healthy(&self) -> bool {
        self.kubelet.health.is_none() && self.components.values().all(|c| c.stage == Stage::Healthy)
    }

    /// Whether `component` is healthy, or none of this node's.
    pub fn is_up(&self, component: Component) -> bool {
        self.components.get(&component).is_none_or(|c| c.stage == Stage::Healthy)
    }

    /// Whether `component`, which needs another, runs again after it ended: how that came may be over.
    pub fn is_tried_again(&self, component: Component) -> bool {
        let runs = self.components.get(&component).is_some_and(|c| c.stage == Stage::Running);
        runs && component != Component::Etcd
    }

    /// Whether what `component` needs is healthy: else its own failing may follow from that.
    pub fn needs_are_up(&self, component: Component) -> bool {
        match component {
            Component::Etcd => true,
            Component::ApiServer => self.is_up(Component::Etcd),
            Component::ControllerManager | Component::Scheduler => self.is_up(Component::ApiServer),
        }
    }
}
