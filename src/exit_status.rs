//! How the program ends.

use crate::program;

/// How a command ended; each has its own exit code, so that scripts can tell whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// It did what was asked (0).
    Done,
    /// Something failed (1).
    Failed,
    /// The usage or the configuration is wrong (2).
    Usage,
    /// Preflight checks refuse the machine (3).
    Preflight,
    /// The control plane did not become healthy (4).
    Unhealthy,
}

impl ExitStatus {
    /// The exit code. kubeadm has no other than 0 and 1, and neither has what stands in for it.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            _ if program::is_kubeadm() => 1,
            Self::Usage => 2,
            Self::Preflight => 3,
            Self::Unhealthy => 4,
        }
    }

    /// The same in a word, for `-o json`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Preflight => "preflight",
            Self::Unhealthy => "unhealthy",
        }
    }
}
