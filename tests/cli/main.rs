//! kubestrap as its users meet it: the built program, run in temporary folders, on any machine, with or without root.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod api;
mod bad_input;
mod callers;
mod certs;
mod commands;
mod config;
mod diff;
mod dry_run;
mod etcd;
mod existing_pki;
mod external_ca;
mod files;
mod flag_order;
mod hazards;
mod join;
mod kill;
mod kubeadm;
mod lock;
mod matched_lines;
mod outputs;
mod reset;
mod secrets;
mod snapshots;
mod support;
mod tools;
mod upgrade;
mod upgrade_published;
mod verbose;
