//! A phase: a step of a workflow, as data.

use super::run::Run;
use crate::config::Settings;
use crate::error::Error;
use crate::host::Host;

/// A step of a workflow whose state is `S`, or a group of such steps.
pub(crate) struct Phase<S> {
    /// Its own part of the id: `ca` in `certs/ca`.
    pub(crate) name: &'static str,
    /// Other names that kubeadm gives it.
    pub(crate) aliases: &'static [&'static str],
    /// What it does, in one line of help.
    pub(crate) about: &'static str,
    /// Ids of phases that must run before it in the same run.
    pub(crate) needs: &'static [&'static str],
    /// It is not a command of its own, as in kubeadm.
    pub(crate) hidden: bool,
    /// The folders that other runs must keep out of meanwhile.
    pub(super) locks: &'static [Folder],
    /// Tells how many keys it generates.
    pub(super) keys: Option<CountKeys>,
    /// What it does.
    pub(crate) action: Action<S>,
}

/// Tells how many keys the phase of a name generates on a machine.
pub(super) type CountKeys = fn(&Settings, &dyn Host, &str) -> usize;

/// What a phase does.
pub(crate) enum Action<S> {
    /// Other phases, in order.
    Group(Vec<Phase<S>>),
    /// The work itself.
    Work(Work<S>),
}

/// The work of a phase.
pub(crate) type Work<S> = Box<dyn Fn(&mut S) -> PhaseResult>;

/// How a phase ended.
pub(crate) type PhaseResult = Result<Outcome, Error>;

/// How a phase that did not fail ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did its work.
    Done,
    /// There was nothing for it to do, and why.
    Skipped(String),
    /// It is for another kind of node: there is nothing to tell.
    NotApplicable,
}

/// A folder that a phase writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    /// The certificates' folder.
    Certificates,
    /// The kubeconfigs' folder.
    Kubeconfigs,
    /// The static Pod manifests' folder.
    Manifests,
}

impl Folder {
    /// All of them: what a phase locks that does not say otherwise.
    const ALL: &'static [Self] = &[Self::Certificates, Self::Kubeconfigs, Self::Manifests];
}

impl<S> Phase<S> {
    /// A phase that works on a workflow's own state.
    pub(crate) fn new(
        name: &'static str,
        about: &'static str,
        work: impl Fn(&mut S) -> PhaseResult + 'static,
    ) -> Self {
        Self::of(name, about, Action::Work(Box::new(work)))
    }

    /// A phase made of others.
    pub(crate) fn group(name: &'static str, about: &'static str, phases: Vec<Self>) -> Self {
        Self::of(name, about, Action::Group(phases))
    }

    fn of(name: &'static str, about: &'static str, action: Action<S>) -> Self {
        Self { name, aliases: &[], about, needs: &[], hidden: false, locks: Folder::ALL, keys: None, action }
    }

    /// With phases that must run before it.
    pub(crate) fn needing(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }

    /// Without a command of its own.
    pub(crate) fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }

    /// With other names.
    pub(crate) fn alias(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// Locking only these folders.
    pub(crate) fn locking(self, locks: &'static [Folder]) -> Self {
        Self { locks, ..self }
    }

    /// Generating keys, as many as `count` tells.
    pub(crate) fn generating(self, count: CountKeys) -> Self {
        Self { keys: Some(count), ..self }
    }

    /// The phases that it is made of.
    pub(crate) fn children(&self) -> &[Self] {
        match &self.action {
            Action::Group(phases) => phases,
            Action::Work(_) => &[],
        }
    }
}

impl<S: AsMut<Run> + 'static> Phase<S> {
    /// A phase whose step is shared by several workflows: it works on the [`Run`] alone.
    pub(crate) fn shared(
        name: &'static str,
        about: &'static str,
        work: impl Fn(&mut Run) -> PhaseResult + 'static,
    ) -> Self {
        Self::new(name, about, move |state: &mut S| work(state.as_mut()))
    }
}
