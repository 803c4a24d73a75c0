//! A control plane that is looked after: what is renewed when, in which order, and what is told.
//!
//! - [`due`]: what has too little of its life left, and what can't be renewed here
//! - [`order`]: one component at a time, each proven healthy before the next
//! - [`lease`]: one node of the cluster at a time
//! - [`rotation`]: whether kubelet renews its own certificate
//! - [`copies`]: kubeconfigs of users, which are told of and not touched
//! - [`report`]: what a run did, kept for `status` and shown to monitoring
//! - [`schedule`]: the timer

pub(crate) mod copies;
pub(crate) mod due;
pub(crate) mod lease;
pub(crate) mod order;
pub(crate) mod report;
pub(crate) mod rotation;
pub(crate) mod schedule;
