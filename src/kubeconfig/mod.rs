//! Kubeconfigs: what kubectl, kubelet and the components need to reach the API server as somebody.
//!
//! Typed, so that what is written is what a client reads; the five that init writes are rows of a table.

mod check;
mod file;
mod table;

pub use check::{KubeconfigError, check_existing};
pub use file::{Cluster, Context, Kubeconfig, NamedCluster, NamedContext, NamedUser, User};
pub use table::{KubeconfigRow, ROWS, Server};
