//! kubeadm's configuration: types by version, loading, defaults, validation, and what comes of them all, the
//! [`Settings`] that everything else is rendered from.

mod changes;
mod complete;
pub mod component_base;
mod defaults;
pub mod duration;
pub mod facts;
mod image_names;
mod join_flags;
pub mod kube_proxy;
pub mod kubelet;
pub mod load;
mod migrate;
#[cfg(test)]
mod mutations;
pub mod names;
mod problem;
pub mod release;
mod resolve;
pub mod sample;
pub mod settings;
pub mod token;
pub mod url;
pub mod v1beta3;
pub mod v1beta4;
mod validate;
pub mod version;

pub use changes::Change;
pub use complete::{Complete, complete};
pub use facts::HostFacts;
pub use join_flags::JoinFlags;
pub use load::{Loaded, LoadedJoin, Others, Warning, load, load_all, load_join};
pub use migrate::{Migration, migrate};
pub use problem::{ConfigError, Locator, Problem};
pub use release::Release;
#[allow(unused_imports, reason = "the workflow of `join`, its caller, comes next")]
pub(crate) use resolve::ResolvedJoin;
pub use resolve::{Overrides, Resolved};
pub use settings::{ClusterSettings, NodeSettings, Paths, Settings, Timeouts};
pub use version::KubernetesVersion;
