//! The commands: each a function from a request to an exit status. They know neither clap nor how a request was made.

pub(crate) mod backup;
pub(crate) mod care;
pub(crate) mod certs;
pub(crate) mod config;
pub(crate) mod configuration;
mod confirm;
pub(crate) mod description;
pub(crate) mod diagnose;
pub(crate) mod diff;
mod dry_run;
pub(crate) mod etcd;
mod facts;
pub(crate) mod init;
pub(crate) mod join;
pub(crate) mod kubeconfig;
pub(crate) mod nodes;
pub(crate) mod preflight;
pub(crate) mod reach;
pub(crate) mod reset;
pub(crate) mod restore;
mod this_machine;
mod this_node;
pub(crate) mod token;
pub(crate) mod upgrade;
pub(crate) mod version;
