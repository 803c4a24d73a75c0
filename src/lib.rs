//! kubestrap

pub mod host;
