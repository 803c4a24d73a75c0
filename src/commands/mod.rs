//! The commands: each a function from a request to an exit status. They know neither clap nor how a request was made.

pub(crate) mod backup;
pub(crate) mod configuration;
mod confirm;
pub(crate) mod diff;
mod dry_run;
pub(crate) mod etcd;
pub(crate) mod init;
pub(crate) mod join;
pub(crate) mod preflight;
pub(crate) mod reset;
pub(crate) mod restore;
mod this_machine;
pub(crate) mod upgrade;
