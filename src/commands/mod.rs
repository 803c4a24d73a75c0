//! The commands: each a function from a request to an exit status. They know neither clap nor how a request was made.

pub(crate) mod configuration;
pub(crate) mod diff;
mod dry_run;
pub(crate) mod etcd;
pub(crate) mod init;
pub(crate) mod join;
pub(crate) mod nodes;
pub(crate) mod preflight;
pub(crate) mod reset;
pub(crate) mod upgrade;
