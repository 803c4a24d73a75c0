//! The configuration, against itself and against what an earlier run left here.

pub(crate) mod alone;
pub(super) mod components;
pub(super) mod existing;
pub(super) mod host_files;
pub(super) mod identity;
pub(super) mod manifest_folder;
pub(super) mod manifests;
pub(super) mod probes;
pub(crate) mod server_files;
pub(super) mod version;
