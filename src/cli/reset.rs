//! `reset`.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use rustix::mount::UnmountFlags;
use serde_json::json;

use super::Output;
use super::certs::source::certificates_of_manifest;
use super::value::{boolean, flat};
use crate::config::Paths;
use crate::config::settings::DEFAULT_CRI_SOCKET;
use crate::host::{self, DryRunHost, Host, Lock, RealHost};
use crate::output::{Format, Printer};
use crate::phases::PhaseError;
use crate::phases::reset::{self, NoPods, Pods, ResetContext, RuntimePods};
use crate::phases::runner::{self, Selection};

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap reset\n  kubestrap reset --force --cri-socket unix:///run/containerd/containerd.sock"
)]
pub(super) struct Reset {
    /// Where certificates and keys lie (default: where the manifests say, else /etc/kubernetes/pki)
    #[arg(long, value_name = "DIR")]
    cert_dir: Option<PathBuf>,
    /// Empty /etc/kubernetes/tmp too
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = boolean)]
    cleanup_tmp_dir: Option<bool>,
    /// The runtime's CRI socket (default: the one that is there)
    #[arg(long, value_name = "SOCKET")]
    cri_socket: Option<String>,
    /// Only say what would be done
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = boolean)]
    dry_run: Option<bool>,
    /// Do not ask
    #[arg(short, long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = boolean)]
    force: Option<bool>,
    /// Accepted for kubeadm's sake
    #[arg(long, value_name = "CHECKS", hide = true)]
    ignore_preflight_errors: Vec<String>,
    /// Accepted for kubeadm's sake: reset needs no API server
    #[arg(long, value_name = "FILE", hide = true)]
    kubeconfig: Option<PathBuf>,
    /// Phases to leave out
    #[arg(long, value_name = "PHASES")]
    skip_phases: Vec<String>,
    /// How results are printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Reset {
    /// Runs the workflow.
    pub(super) fn run(&self) -> Result<(), PhaseError> {
        let out = Printer::new(match self.output {
            Output::Text => Format::Text,
            Output::Json => Format::Json,
        });
        let phases = reset::phases();
        let selection = Selection { only: None, skip: runner::resolve(&phases, &flat(&self.skip_phases))? };
        let dry_run = self.dry_run == Some(true);
        let socket = self.cri_socket.clone().unwrap_or_else(socket);
        let host: Box<dyn Host> =
            if dry_run { Box::new(DryRunHost::new(None)?) } else { Box::new(RealHost::new()) };
        let pods: Box<dyn Pods> = if dry_run { Box::new(NoPods) } else { Box::new(RuntimePods { socket }) };
        // kubeadm forgets a folder of the user's own.
        let certificates = self
            .cert_dir
            .clone()
            .or_else(|| certificates_of_manifest("/etc/kubernetes/manifests".as_ref(), &*host));
        let paths =
            Paths::new(&certificates.unwrap_or_else(|| "/etc/kubernetes/pki".into()).to_string_lossy());
        // Before the question: who is asked may answer when the other is done.
        let folders: [&std::path::Path; 3] = [&paths.certificates, &paths.kubeconfig_dir, &paths.manifests];
        let _lock = if dry_run { None } else { Some(Lock::take(&folders, "reset")?) };
        let mut context = ResetContext {
            default_certificates: paths.certificates == Paths::new("/etc/kubernetes/pki").certificates,
            host,
            pods,
            out: out.clone(),
            paths,
            unmount_flags: UnmountFlags::empty(),
            cleanup_tmp_dir: self.cleanup_tmp_dir == Some(true),
            confirmed: dry_run || self.force == Some(true) || confirm(&out),
            dry_run,
        };
        runner::run(&phases, &selection, &mut context, &out)?;
        out.result(json!({ "ok": true }), "");
        Ok(())
    }
}

/// The socket that is there; where there are several, the first, as the others' Pods would not be kubelet's.
fn socket() -> String {
    host::gather().cri_sockets.into_iter().next().unwrap_or_else(|| DEFAULT_CRI_SOCKET.into())
}

fn confirm(out: &Printer) -> bool {
    out.log("reset", "This stops the control plane on this machine and removes its data, certificates and keys. Go on? [y/N]");
    if !std::io::stdin().is_terminal() {
        out.log("reset", "(reading the answer from standard input; --force does without)");
    }
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}
