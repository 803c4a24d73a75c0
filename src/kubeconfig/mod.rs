//! Kubeconfigs: what kubectl, kubelet and the components need to reach the API server as somebody.
//!
//! Typed, so that what is written is what a client reads; the five that init writes are rows of a table.

mod check;
mod file;
mod table;

pub(crate) use check::{KubeconfigError, check_existing};
pub use file::Kubeconfig;
pub(crate) use file::{Cluster, Context, NamedCluster, NamedContext, NamedUser, User};
pub(crate) use table::{KubeconfigRow, ROWS};
