//! The error that ends a command. Domain modules have typed errors of their own; here one of them meets the exit status
//! and the findings that explain it.

use std::fmt;

use crate::exit_status::ExitStatus;
use crate::finding::Finding;

/// What ended a command.
#[derive(Debug)]
pub(crate) struct Error {
    /// The exit status.
    pub(crate) status: ExitStatus,
    /// What failed, on which object, with the evidence and what to do.
    pub(crate) message: String,
    /// What was found to be the cause, where checks or a diagnosis did; the message need not repeat it.
    pub(crate) findings: Vec<Finding>,
    /// The error that it came from.
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error in words.
    pub(crate) fn new(status: ExitStatus, message: impl fmt::Display) -> Self {
        Self { status, message: message.to_string(), findings: vec![], source: None }
    }

    /// An error that came from another, which is kept.
    pub(crate) fn from_source(
        status: ExitStatus,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self { status, message: source.to_string(), findings: vec![], source: Some(Box::new(source)) }
    }

    /// An error about the usage or the configuration.
    pub(crate) fn usage(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::from_source(ExitStatus::Usage, source)
    }

    /// With another exit status.
    #[must_use]
    pub(crate) fn with_status(self, status: ExitStatus) -> Self {
        Self { status, ..self }
    }

    /// With what was found.
    #[must_use]
    pub(crate) fn with_findings(self, findings: Vec<Finding>) -> Self {
        Self { findings, ..self }
    }

    /// With another message; what it came from is kept.
    #[must_use]
    pub(crate) fn with_message(self, message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), ..self }
    }

    /// With the place where it happened before its message.
    #[must_use]
    pub(crate) fn at(self, place: &str) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }

    /// The errors that it came from, the nearest first.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
        let first: Option<&(dyn std::error::Error + 'static)> = match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        };
        std::iter::successors(first, |error| error.source())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::from_source(ExitStatus::Failed, error)
    }
}
