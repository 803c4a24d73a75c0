//! etcd's members: who they are, adding and removing one, and their health.
//!
//! [`client`] speaks etcd's gRPC API; [`members`] has the rules for a cluster that grows and shrinks; the [`Etcd`] seam
//! lets tests answer instead of a cluster.

mod client;
mod error;
mod members;
mod proto;
mod seam;

pub(crate) use client::EtcdClient;
pub(crate) use error::EtcdError;
pub(crate) use members::{Plan, initial_cluster, join, promote, remove};
pub(crate) use seam::{Credentials, Etcd, Member, Status};
