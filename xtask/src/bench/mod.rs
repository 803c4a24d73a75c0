//! `cargo xtask bench`: kubestrap against kubeadm, alternating, by medians.

mod dry_run;
mod live;
mod measure;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use e2e::Programs;
use e2e::machine::keeper;
use e2e::say;

use report::Report;

/// What it has done in machines.
pub(crate) const JOBS: &[e2e::Job] = &[("bench-init", live::init), ("bench-floor", live::floor)];

/// Measure kubestrap against kubeadm
///
/// Whole dry runs, for RSA-2048 and ECDSA-P256; with --bin-dir also whole inits on fresh nodes, and the time that
/// kube-apiserver alone needs. Fails when a limit is passed.
#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// The kubeadm to compare with
    #[arg(long, value_name = "FILE")]
    kubeadm: PathBuf,
    /// Dry runs of each
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Inits of each
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pairs: u16,
    #[command(flatten)]
    programs: Programs,
}

impl Bench {
    /// Runs it: 0 when all is within the limits.
    pub(crate) fn run(self) -> ExitCode {
        keeper::kept(|| match self.run_kept() {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => say::failure(&format!("{error:#}")),
        })
    }

    fn run_kept(&self) -> anyhow::Result<bool> {
        let kubestrap = self.programs.under_test()?;
        let kubeadm = self.kubeadm.canonicalize()?;
        let mut report = Report::default();
        report.sizes(kubeadm.metadata()?.len(), kubestrap.metadata()?.len());
        for algorithm in dry_run::ALGORITHMS {
            dry_run::compare(algorithm, &kubeadm, &kubestrap, self.runs, &mut report)?;
        }
        if self.programs.bin_dir.is_some() {
            live::compare(&self.programs, &kubeadm, self.pairs, &mut report)?;
        } else {
            say::note("whole inits were left out: --bin-dir names no folder of real Kubernetes programs");
        }
        Ok(report.within_limits())
    }
}
