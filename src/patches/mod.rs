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

mod decode;
mod error;
mod file_name;
mod json;
mod load;
mod patch_set;
mod path;
mod quantity_fields;
mod schema;
pub(crate) mod strategic;
mod target;
mod type_error;

pub(crate) use decode::{Decoded, Typed, decode};
pub(crate) use patch_set::{Applied, PatchSet};
pub(crate) use target::{KUBELET_CONFIGURATION, known_targets};
