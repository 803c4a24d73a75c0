//! `cargo xtask bench`: kubestrap against kubeadm, alternating, by medians.

mod dry_run;
mod join;
mod live;
mod many;
mod measure;
mod report;
mod upgrade;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use e2e::Programs;
use e2e::machine::keeper;
use e2e::say;

use report::Report;

/// What it has done in machines.
pub(crate) const JOBS: &[e2e::Job] = &[
    ("bench-init", live::init),
    ("bench-floor", live::floor),
    ("bench-joins", join::joins),
    ("bench-crowd", join::crowd),
    ("bench-upgrade", upgrade::upgrade),
    ("bench-many", many::many),
];

/// Measure kubestrap against kubeadm
///
/// Whole dry runs, for RSA-2048 and ECDSA-P256; with --bin-dir also whole inits on fresh nodes, the time that
/// kube-apiserver alone needs, joins of a worker and a control plane, and of twenty workers at once, commands where
/// there is much of everything, and, with --older-bin-dir, upgrades. Fails when a limit is passed.
#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// The kubeadm to compare with
    #[arg(long, value_name = "FILE")]
    kubeadm: PathBuf,
    /// Dry runs of each
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Inits, joins and upgrades of each
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pairs: u16,
    /// Measure nothing but this
    #[arg(long, value_name = "WHAT")]
    only: Option<Part>,
    #[command(flatten)]
    programs: Programs,
}

/// A part of the bench.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Dry runs
    DryRun,
    /// Whole inits
    Init,
    /// Joins
    Join,
    /// Upgrades from the minor before
    Upgrade,
    /// Commands where there is much of everything
    Many,
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
        let is_asked = |part| self.only.is_none_or(|only| only == part);
        for algorithm in dry_run::ALGORITHMS.iter().filter(|_| is_asked(Part::DryRun)) {
            dry_run::compare(algorithm, &kubeadm, &kubestrap, self.runs, &mut report)?;
        }
        if self.programs.bin_dir.is_none() {
            say::note(
                "whole inits, joins and upgrades were left out: --bin-dir names no folder of real Kubernetes programs",
            );
            return Ok(report.within_limits());
        }
        if is_asked(Part::Init) {
            live::compare(&self.programs, &kubeadm, self.pairs, &mut report)?;
        }
        if is_asked(Part::Join) {
            join::compare(&self.programs, &kubeadm, self.pairs, &mut report)?;
        }
        if self.only == Some(Part::Upgrade) || is_asked(Part::Upgrade) && self.programs.has_older() {
            upgrade::compare(&self.programs, &kubeadm, self.pairs, &mut report)?;
        }
        if is_asked(Part::Many) {
            many::tell(&self.programs, &kubeadm, &mut report)?;
        }
        Ok(report.within_limits())
    }
}
