//! kubelet: its program, its service, its flags and its configuration.

pub(super) mod config;
pub(super) mod flags;
pub(super) mod program;
pub(super) mod unit;

pub(super) use program::{cgroup_driver, version};
