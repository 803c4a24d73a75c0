//! The workflows: each one table of phases, its order of running, and its own small state.

pub(crate) mod init;
pub(crate) mod join;
pub(crate) mod reset;
pub(crate) mod restore;
pub(crate) mod rotate_ca;
pub(crate) mod upgrade;
#[cfg(test)]
mod write_faults;
