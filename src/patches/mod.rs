//! User patches: changes to static Pods, the kubelet's configuration and the addons, from a
//! directory of files (kubeadm's `--patches` and `patches.directory`).
//!
//! The way of a patch:
//! 1. [`PatchSet::load`] reads the directory: the name of a file tells the target and the kind,
//!    each YAML document in it is a patch.
//! 2. [`PatchSet::apply`] applies the patches for a target, in order: JSON patch, JSON merge
//!    patch or strategic merge patch.
//! 3. [`decode()`] makes the result a typed object again, so that a field of the wrong type is an
//!    error, an unknown field is noticed, and quantities are written as Kubernetes writes them.

mod decimal;
mod decode;
mod error;
mod file_name;
mod json;
mod load;
mod patch_set;
mod path;
pub mod quantity;
mod quantity_fields;
mod schema;
pub mod strategic;
mod target;

pub use decode::{Decoded, TypeError, Typed, decode};
pub use error::{PatchError, PatchName};
pub use file_name::{IgnoreReason, PatchKind};
pub use json::{OperationError, OperationFault};
pub use patch_set::{Applied, Ignored, Patch, PatchSet};
pub use path::FieldPath;
pub use schema::Schema;
pub use target::{COREDNS_DEPLOYMENT, KUBE_PROXY_DAEMON_SET, KUBELET_CONFIGURATION, known_targets};
