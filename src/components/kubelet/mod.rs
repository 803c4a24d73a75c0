//! KubeletConfiguration as kubelet judges it.
//!
//! Source: `pkg/kubelet/apis/config/validation` and `.../v1beta1/defaults.go`; what kubelet parses later, when it starts:
//! `cmd/kubelet/app/server.go`, `pkg/kubelet/eviction`, `pkg/kubelet/logs`, `pkg/kubelet/cm`.

mod flags;
mod lists;
mod managers;
mod resources;
mod rows;

use super::gates;
use super::verdict::Verdict;
use crate::config::kubelet::KubeletConfiguration;
pub(super) use flags::{Kubelet, judge_flags};

pub(super) const KIND: &str = "KubeletConfiguration";
/// The preflight check that reports it.
pub(super) const CHECK: &str = "KubeletConfiguration";

/// What is judged, and by which kubelet.
pub(super) struct Context<'a> {
    pub(super) k: &'a KubeletConfiguration,
    pub(super) minor: u64,
    gates: Vec<(String, bool)>,
}

impl Context<'_> {
    /// Whether a feature gate is on.
    pub(super) fn on(&self, gate: &str) -> bool {
        gates::enabled(&self.gates, gate, self.minor)
    }
}

/// Judges a configuration as kubelet of `minor` does.
pub(super) fn judge(k: &KubeletConfiguration, minor: u64) -> Vec<Verdict> {
    let gates = k.feature_gates.iter().map(|(name, on)| (name.clone(), *on)).collect();
    let context = Context { k, minor, gates };
    let mut verdicts = rows::judge(&context);
    verdicts.extend(lists::judge(&context));
    verdicts.extend(resources::judge(&context));
    verdicts.extend(managers::judge(&context));
    verdicts.extend(gates::of_document(&k.feature_gates, minor, "kubelet", KIND));
    verdicts
}

/// kubelet refuses the field at `path`.
pub(super) fn refuse(path: impl Into<String>, why: impl Into<String>) -> Verdict {
    let path = path.into();
    let message = format!("{path}: {}", why.into());
    Verdict::error("kubelet-configuration", KIND, path, message).under(CHECK)
}

#[cfg(test)]
mod tests;
