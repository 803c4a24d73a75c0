//! The preflight checks that a machine of the harness can't pass, each with its reason.

use super::config;
use crate::machine;

/// A check that is ignored where a machine lacks something.
struct Row {
    /// kubeadm's name of the check.
    name: &'static str,
    /// Why it can't pass; for whoever reads this.
    _reason: &'static str,
    /// Whether that is so on this machine.
    applies: fn() -> bool,
}

const ROWS: &[Row] = &[
    Row {
        name: "SystemVerification",
        _reason: "the host has cgroup v1, an error for kubelet from 1.35; the configuration has kubelet accept it",
        applies: machine::is_v1,
    },
    Row { name: "NumCPU", _reason: "the host has one processor", applies: || processors() < 2 },
    Row {
        name: "Swap",
        _reason: "the host swaps; the configuration has kubelet accept it",
        applies: config::has_swap,
    },
];

/// Those that apply here.
pub(crate) fn names() -> Vec<&'static str> {
    ROWS.iter().filter(|r| (r.applies)()).map(|r| r.name).collect()
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
