//! Snapshots of etcd's database, as files.
//!
//! - [`mod@file`]: one that is saved from a member, and verified
//! - [`store`]: a folder of them, listed and pruned
//! - [`bbolt`]: what the database in it tells

mod bbolt;
mod file;
mod store;

pub(crate) use file::{Facts, SnapshotError, check_database, read_facts as facts, save, verify};
pub(crate) use store::{Retention, Stored, expired, file_name, list, prune};
