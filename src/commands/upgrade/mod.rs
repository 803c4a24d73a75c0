//! The commands below `upgrade`.

pub(crate) mod apply;
mod context;
pub(crate) mod diff;
pub(crate) mod node;
pub(crate) mod plan;
mod recovery;
mod run;

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::configuration::{read_input, unusable};
use crate::config::v1beta4::UpgradeConfiguration;
use crate::config::{Problem, default_upgrade, load_upgrade};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::Printer;

/// The administrator's kubeconfig.
const ADMIN_CONF: &str = "/etc/kubernetes/admin.conf";
/// kubelet's, by which a worker reads what it needs.
const KUBELET_CONF: &str = "/etc/kubernetes/kubelet.conf";

/// What a command below `upgrade` is asked to do. What is none is as the configuration says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// The configuration file; `-` is standard input.
    pub(crate) config: Option<String>,
    /// The version to upgrade to, or a label.
    pub(crate) version: Option<String>,
    /// The kubeconfig to reach the cluster with.
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Alphas, betas and release candidates are allowed.
    pub(crate) allow_experimental: Option<bool>,
    /// Release candidates are allowed.
    pub(crate) allow_candidates: Option<bool>,
    /// Upgrade etcd too.
    pub(crate) etcd_upgrade: Option<bool>,
    /// Renew the certificates of what is upgraded.
    pub(crate) certificate_renewal: Option<bool>,
    /// Pass over requirements that are not mandatory.
    pub(crate) force: Option<bool>,
    /// Do not ask.
    pub(crate) yes: bool,
    /// Change nothing.
    pub(crate) dry_run: Option<bool>,
    /// Where a dry run leaves its result.
    pub(crate) dry_run_dir: Option<PathBuf>,
    /// The folder with the user's patches.
    pub(crate) patches: Option<String>,
    /// Checks whose errors are warnings.
    pub(crate) ignore_preflight_errors: Vec<String>,
    /// Phases to skip.
    pub(crate) skip_phases: Vec<String>,
    /// Print the configuration that is used.
    pub(crate) print_config: Option<bool>,
    /// Lines of context around a difference.
    pub(crate) context_lines: Option<usize>,
    /// Go through the minors between, one after the other.
    pub(crate) through_minors: bool,
}

impl Request {
    /// The UpgradeConfiguration, with defaults; warnings are told.
    ///
    /// # Errors
    /// When the file can't be read or used.
    fn configuration(&self, out: &Printer) -> Result<UpgradeConfiguration, Error> {
        let Some(file) = &self.config else { return Ok(default_upgrade()) };
        let text =
            read_input(file).map_err(|message| unusable(&Problem::new("kubeadm", "", message).into()))?;
        let (upgrade, warnings) = load_upgrade(file, &text).map_err(|e| unusable(&e))?;
        for warning in warnings {
            out.warn("config", warning.problem.to_string());
        }
        Ok(upgrade)
    }

    /// The checks to ignore: the flags' and the configuration's.
    fn ignored(&self, configured: &[String]) -> Vec<String> {
        let mut all: Vec<String> =
            self.ignore_preflight_errors.iter().chain(configured).map(|e| e.trim().to_lowercase()).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The administrator's kubeconfig, or the one given.
    ///
    /// # Errors
    /// When there is no such file.
    fn admin_kubeconfig(&self) -> Result<PathBuf, Error> {
        existing(
            self.kubeconfig.clone().unwrap_or_else(|| ADMIN_CONF.into()),
            "this is not a control-plane node, or it was moved away",
        )
    }

    /// The kubeconfig of this node: the administrator's, else kubelet's.
    ///
    /// # Errors
    /// When there is neither.
    fn node_kubeconfig(&self) -> Result<PathBuf, Error> {
        if let Some(given) = &self.kubeconfig {
            return existing(given.clone(), "the kubeconfig given does not exist");
        }
        let admin = Path::new(ADMIN_CONF);
        if admin.exists() {
            return Ok(admin.into());
        }
        existing(
            KUBELET_CONF.into(),
            "nor does /etc/kubernetes/admin.conf: this machine is not a node of a cluster",
        )
    }
}

fn existing(path: PathBuf, otherwise: &str) -> Result<PathBuf, Error> {
    match File::open(&path) {
        Ok(_) => return Ok(path),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            let message = format!(
                "[ERROR IsPrivilegedUser]: user is not running as root, and may not read {}\n  fix: run it with `sudo`",
                path.display()
            );
            return Err(Error::new(ExitStatus::Preflight, message));
        }
        // What else is wrong with it is told by who reads it.
        Err(_) if path.exists() => return Ok(path),
        Err(_) => {}
    }
    let message = format!(
        "{} does not exist: {otherwise}\n  fix: name a kubeconfig with `--kubeconfig`",
        path.display()
    );
    Err(Error::new(ExitStatus::Failed, message))
}
