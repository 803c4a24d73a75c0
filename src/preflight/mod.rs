//! Checks before anything is changed: a table of rows, each of which measures through [`Machine`] and returns
//! [`Finding`]s. A row says for which [`Role`]s it is, and whether it needs the cluster's settings, which a joining node
//! learns only when it has discovered its cluster.
//!
//! The names are kubeadm's, so that `--ignore-preflight-errors` carries over. What is different on purpose:
//! - A command can be run again, so what an earlier run of it left (manifests, etcd's data, its own processes on their
//!   ports) is no error; the same of another cluster is.
//! - What certainly keeps a control plane from coming up is an error, even where kubeadm only warns: swap that kubelet
//!   refuses. What proves nothing is no error: a kernel whose configuration can't be found.
//! - There are checks that kubeadm lacks; they are last in the table.
//! - A check that could not measure says so.

mod check;
mod checks;
mod config;
mod etcd;
#[cfg(test)]
pub(crate) mod fake;
mod fix;
mod join;
mod kubelet;
mod machine;
mod network;
mod outcome;
mod pki;
mod recording;
mod runner;
mod runtime;
mod subject;
mod table;

#[cfg(test)]
pub(crate) use fake::{cri_error, settings as test_settings};

pub(crate) use crate::finding::{Finding, Severity};
pub(crate) use crate::host::machine::Machine;
pub(crate) use crate::host::real_machine::RealMachine;
pub(crate) use checks::{Before, Beside, Checks};
pub(crate) use config::alone::judge as judge_alone;
pub(crate) use config::existing::{KubeletConf, kubelet_env_flags, trust_of};
pub(crate) use config::server_files::judge as judge_server_files;
pub(crate) use fix::{RealHands, fix};
pub(crate) use runner::{Options, ignore, run_checks};
pub(crate) use subject::{Joining, Role, Subject};
pub(crate) use table::PRIVILEGED;

use crate::config::Settings;

/// Asks an external etcd whether it is one, and new enough: once its client certificate is here.
pub(crate) fn external_etcd(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let found = etcd::external::version(settings, machine);
    found.into_iter().map(|finding| Finding { check: table::EXTERNAL_ETCD.into(), ..finding }).collect()
}
