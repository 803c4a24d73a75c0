//! kubestrap

pub mod patches;
