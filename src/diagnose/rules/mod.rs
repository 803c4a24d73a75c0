//! The rules, the roots first: what they tell of comes before what follows from it.

mod apiserver;
mod common;
mod controllers;
mod etcd;
mod kubelet;
mod machine;
mod pod;

use super::look::Look;
use super::rule::{Proof, Rule, Source};
use crate::manifest::Component;

pub(crate) use kubelet::NOT_REQUESTED;

/// All components.
const ALL: &[Component] = &Component::ALL;
/// Those that are clients of the API server.
const CLIENTS: &[Component] = &[Component::ControllerManager, Component::Scheduler];
/// Those that Kubernetes' own command-line machinery starts.
const KUBERNETES: &[Component] = &[Component::ApiServer, Component::ControllerManager, Component::Scheduler];
const ETCD: &[Component] = &[Component::Etcd];
const API_SERVER: &[Component] = &[Component::ApiServer];

/// A rule of which nothing is known but its words; its proof and look are added by the functions below.
const fn rule(
    name: &'static str,
    source: Source,
    words: &'static str,
    [what, cause, fix]: [&'static str; 3],
) -> Rule {
    Rule { name, source, words, proof: Proof::Proven, what, cause, fix, alone: false, look: Look::Nothing }
}

impl Rule {
    /// The same, that counts as proven only when it stays so.
    const fn persisting(self) -> Self {
        Self { proof: Proof::Persisting, ..self }
    }

    /// The same, that holds although what the component needs is not healthy.
    const fn alone(self) -> Self {
        Self { alone: true, ..self }
    }

    /// The same, that proves nothing.
    const fn possible(self) -> Self {
        Self { proof: Proof::Possible, ..self }
    }

    /// The same, with a look at the machine.
    const fn look(self, look: Look) -> Self {
        Self { look, ..self }
    }
}

/// Every rule; where two match a line, the first counts.
pub(crate) fn all() -> impl Iterator<Item = &'static Rule> {
    [
        machine::RULES,
        kubelet::RULES,
        pod::RULES,
        common::RULES,
        etcd::RULES,
        apiserver::RULES,
        controllers::RULES,
    ]
    .into_iter()
    .chain([common::GENERAL])
    .flatten()
}
