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
mod mixed;
#[cfg(test)]
mod mutations;
pub mod names;
mod problem;
pub(crate) mod profile;
pub mod release;
mod reset;
mod resolve;
mod resolve_join;
pub mod sample;
pub mod settings;
pub mod token;
mod upgrade;
pub mod url;
pub mod v1beta3;
pub mod v1beta4;
mod validate;
pub mod version;
mod whereabouts;

pub use changes::Change;
pub use complete::{Complete, complete};
pub(crate) use complete::{Inspected, inspect};
pub use facts::HostFacts;
pub use join_flags::JoinFlags;
pub use load::{Loaded, LoadedJoin, Others, Warning, load, load_join};
pub use migrate::{Migration, migrate};
pub(crate) use mixed::check_mixed;
pub use problem::{ConfigError, Locator, Problem};
pub use profile::Profile;
pub use release::{Release, default_version};
pub(crate) use reset::ResetFlags;
pub use resolve::{Overrides, Resolved};
pub(crate) use resolve_join::ResolvedJoin;
pub use settings::{ClusterSettings, NodeSettings, Paths, Settings, Timeouts};
pub use upgrade::{default_upgrade, load_upgrade};
#[cfg(test)]
pub(crate) use validate::upkeep::UNMOUNT_FLAGS;
pub use version::KubernetesVersion;
