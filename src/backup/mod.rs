//! Backups of a control-plane node: one encrypted archive with everything that sets the cluster up again.
//!
//! An archive is `age(gzip(tar))`, so that `age -d … | tar xz` reads it without this program. Its first file is the
//! [`Manifest`], which tells what the others are; etcd's snapshot is the last.
//!
//! - [`key`]: what it is encrypted and decrypted with
//! - [`mod@collect`]: the files of the node
//! - [`write`](mod@write), [`read`](mod@read): the archive

mod collect;
mod error;
mod key;
mod manifest;
mod read;
mod write;

pub(crate) use collect::{Collected, collect};
pub(crate) use error::BackupError;
pub(crate) use key::{Lock, Unlock};
pub(crate) use manifest::{ClusterFacts, Entry, Kind, Manifest, NodeFacts};
pub(crate) use read::{Archive, verify};
pub(crate) use write::{UNFINISHED, file_name, remove_unfinished, write};

#[cfg(test)]
mod tests;
