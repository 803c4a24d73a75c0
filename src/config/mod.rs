//! kubeadm's configuration: types by version, loading, defaults, validation, and what comes of them all, the
//! [`Settings`] that everything else is rendered from.

pub(crate) mod args;
mod changes;
mod choices;
mod complete;
pub(crate) mod component_base;
pub(crate) mod defaults;
pub(crate) mod duration;
pub(crate) mod facts;
mod image_names;
mod join_flags;
pub(crate) mod kube_proxy;
pub(crate) mod kubelet;
mod load;
mod loaded;
mod loader;
mod migrate;
mod mixed;
#[cfg(test)]
mod mutations;
pub(crate) mod names;
mod overrides;
mod problem;
pub(crate) mod profile;
pub(crate) mod release;
mod reset;
mod resolve;
mod resolve_join;
pub(crate) mod sample;
pub(crate) mod settings;
pub(crate) mod token;
mod upgrade;
pub(crate) mod url;
pub(crate) mod v1beta3;
pub(crate) mod v1beta4;
mod validate;
pub(crate) mod version;
mod whereabouts;

pub(crate) use choices::several_runtimes;
pub(crate) use complete::Complete;
pub(crate) use complete::{Inspected, inspect};
pub(crate) use facts::HostFacts;
pub(crate) use image_names::etcd_version;
pub(crate) use join_flags::JoinFlags;
pub(crate) use load::load;
pub(crate) use loaded::{Loaded, Warning};
pub(crate) use migrate::{Migration, migrate};
pub(crate) use mixed::check_mixed;
pub(crate) use overrides::Overrides;
pub(crate) use problem::{ConfigError, Problem};
pub(crate) use profile::Profile;
pub(crate) use release::{Release, default_version};
pub(crate) use reset::ResetFlags;
pub(crate) use resolve::Resolved;
pub(crate) use resolve_join::ResolvedJoin;
pub(crate) use settings::{ClusterSettings, NodeSettings, Paths, Settings, Timeouts};
pub(crate) use upgrade::{default_upgrade, load_upgrade};
#[cfg(test)]
pub(crate) use validate::upkeep::UNMOUNT_FLAGS;
pub(crate) use version::KubernetesVersion;
