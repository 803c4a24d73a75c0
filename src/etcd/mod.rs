//! etcd: its members, their health, and snapshots of its data.
//!
//! - [`client`]: etcd's gRPC API over mutual TLS
//! - [`members`]: the rules for a cluster that grows and shrinks
//! - [`health`]: how the members stand, and which changes keep the quorum
//! - [`snapshot`]: its database on disk: saved, verified, listed, pruned
//!
//! The [`Etcd`] seam lets tests answer instead of a cluster.

mod alert;
mod client;
mod error;
mod etcdutl;
mod facts;
#[cfg(test)]
mod fake;
mod health;
mod learner;
mod members;
mod proto;
mod seam;
pub(crate) mod snapshot;
#[cfg(test)]
mod tests;

pub(crate) use client::EtcdClient;
pub(crate) use error::EtcdError;
pub(crate) use etcdutl::NewData;
pub(crate) use health::{ClusterHealth, MemberHealth, State};
pub(crate) use learner::{await_service, promote};
pub(crate) use members::{Plan, Refused, initial_cluster, join, remove};
pub(crate) use seam::{Alarm, Credentials, Etcd, Member, Status};
