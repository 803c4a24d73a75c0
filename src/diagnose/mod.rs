//! Why a control plane does not become healthy: [evidence](Evidence) in, causes out.
//!
//! [`gather()`] collects what kubelet, the runtime and the components say; the [rules](rules::all) are data, each a
//! pattern of words that Kubernetes, etcd and the runtimes really write, with what they mean and what to do. Those
//! that match are [diagnoses](Diagnosis), the root first; a [`Judge`] tells when they prove that waiting is in vain.
//!
//! Pure but for [`gather()`], and for what a finding is made plainer with ([`look::Look`]): who holds a port, which addresses
//! there are.

mod conclude;
mod diagnosis;
mod evidence;
mod gather;
mod judge;
mod look;
mod place;
mod probe;
#[cfg(test)]
mod recorded;
mod rule;
pub(crate) mod rules;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use conclude::{diagnose, diagnose_absent_node};
pub(crate) use diagnosis::Diagnosis;
pub(crate) use evidence::Evidence;
pub use gather::gather;
pub(crate) use judge::Judge;
pub(crate) use place::Place;
