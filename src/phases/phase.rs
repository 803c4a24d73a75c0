//! A phase: a step of a workflow, as data.

use std::fmt;

use crate::finding::Finding;

/// A step of a workflow that runs on a context `C`, or a group of such steps.
pub struct Phase<C> {
    /// Its own part of the id: `ca` in `certs/ca`.
    pub name: &'static str,
    /// Other names that kubeadm gives it.
    pub aliases: &'static [&'static str],
    /// What it does, in one line of help.
    pub about: &'static str,
    /// Ids of phases that must run before it in the same run.
    pub needs: &'static [&'static str],
    /// The id of the phase right after which it runs, where that is earlier than its place in the table.
    pub follows: Option<&'static str>,
    /// What to do.
    pub action: Action<C>,
}

/// What a phase does.
pub enum Action<C> {
    /// Others, in order.
    Group(Vec<Phase<C>>),
    /// Something.
    Run(Run<C>),
}

/// The work of a phase.
pub type Run<C> = Box<dyn Fn(&mut C) -> PhaseResult>;

/// How a phase ended.
pub type PhaseResult = Result<Outcome, PhaseError>;

/// How a phase that did not fail ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did its work.
    Done,
    /// There was nothing for it to do, and why.
    Skipped(String),
}

impl<C> Phase<C> {
    /// A phase that does something.
    pub fn new(
        name: &'static str,
        about: &'static str,
        run: impl Fn(&mut C) -> PhaseResult + 'static,
    ) -> Self {
        Self { name, aliases: &[], about, needs: &[], follows: None, action: Action::Run(Box::new(run)) }
    }

    /// A phase made of others.
    pub fn group(name: &'static str, about: &'static str, phases: Vec<Self>) -> Self {
        Self { name, aliases: &[], about, needs: &[], follows: None, action: Action::Group(phases) }
    }

    /// With what must run before it.
    pub fn needing(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }

    /// Run right after another phase, ahead of its own place.
    pub fn following(self, id: &'static str) -> Self {
        Self { follows: Some(id), ..self }
    }

    /// With other names.
    pub fn alias(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// The phases that it is made of.
    pub fn children(&self) -> &[Self] {
        match &self.action {
            Action::Group(phases) => phases,
            Action::Run(_) => &[],
        }
    }
}

/// Why a run ends, which decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Something failed (exit code 1).
    Failed,
    /// The usage or configuration is wrong (exit code 2).
    Usage,
    /// Preflight refuses the machine (exit code 3).
    Preflight,
    /// The control plane did not become healthy (exit code 4).
    Unhealthy,
}

impl Failure {
    /// The exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Preflight => 3,
            Self::Unhealthy => 4,
        }
    }

    /// The same in a word, for machines.
    pub fn code(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Preflight => "preflight",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// A phase that failed.
#[derive(Debug)]
pub struct PhaseError {
    /// Why the run ends.
    pub failure: Failure,
    /// What failed, on which object, with the evidence and what to do.
    pub message: String,
    /// What was found to be the cause, where checks or a diagnosis did; the message need not repeat it.
    pub findings: Vec<Finding>,
}

impl PhaseError {
    /// An error of the given kind.
    pub fn new(failure: Failure, message: impl fmt::Display) -> Self {
        Self { failure, message: message.to_string(), findings: vec![] }
    }

    /// With what was found.
    #[must_use]
    pub fn with_findings(self, findings: Vec<Finding>) -> Self {
        Self { findings, ..self }
    }
}

impl fmt::Display for PhaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<E: std::error::Error> From<E> for PhaseError {
    fn from(error: E) -> Self {
        Self::new(Failure::Failed, error)
    }
}
