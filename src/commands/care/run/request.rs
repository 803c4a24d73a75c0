//! What `care run` is asked for, and the command line that asks for it.

use std::path::PathBuf;
use std::time::Duration;

use crate::commands::certs::source::Location;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Where the certificates are.
    pub(crate) location: Location,
    /// How long a component may take to be healthy again.
    pub(crate) limit: Duration,
    /// Where snapshots go; none to save none.
    pub(crate) snapshots: Option<PathBuf>,
    /// How many snapshots are kept.
    pub(crate) keep: usize,
    /// The directory of node-exporter's textfile collector.
    pub(crate) metrics: PathBuf,
    /// How long to wait while another node has its turn.
    pub(crate) turn_timeout: Duration,
    /// Wait up to this long before anything is done.
    pub(crate) jitter: Duration,
    /// Print what would be done.
    pub(crate) dry_run: bool,
}

impl Request {
    /// The arguments with which the program does this again.
    pub(in crate::commands::care) fn arguments(&self, jitter: Option<&str>) -> Vec<String> {
        let mut words: Vec<String> = vec!["care".into(), "run".into()];
        let mut flag = |name: &str, value: String| words.push(format!("--{name}={value}"));
        flag("kubeconfig", self.location.kubeconfig.display().to_string());
        flag("kubeconfig-dir", self.location.kubeconfig_dir.display().to_string());
        if let Some(dir) = &self.location.cert_dir {
            flag("cert-dir", dir.display().to_string());
        }
        if let Some(file) = &self.location.config {
            flag("config", file.clone());
        }
        flag("restart-timeout", format!("{}s", self.limit.as_secs()));
        flag("turn-timeout", format!("{}s", self.turn_timeout.as_secs()));
        match &self.snapshots {
            Some(dir) => {
                flag("snapshot-dir", dir.display().to_string());
                flag("keep", self.keep.to_string());
            }
            None => flag("snapshots", "false".into()),
        }
        flag("metrics-dir", self.metrics.display().to_string());
        if let Some(jitter) = jitter {
            flag("jitter", jitter.into());
        }
        words
    }
}
