//! The steps in which machines are made and jobs are done: this program, run by itself.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use super::node::Node;
use super::plan::Plan;
use super::{faults, images, scenarios, second};
use crate::machine::{self, boot};
use crate::{bench, say, vm};

/// A step.
#[derive(Args, Debug)]
pub(crate) struct Step {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Subcommand, Debug)]
enum Kind {
    /// Enter the cgroups, then new namespaces
    Enter { cgroups: String, request: PathBuf },
    /// Be process 1
    Boot { request: PathBuf },
    /// Do the job
    Job {
        plan: PathBuf,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

impl Step {
    /// Runs it.
    pub(crate) fn run(self) -> ExitCode {
        let result = match self.kind {
            Kind::Enter { cgroups, request } => {
                machine::enter(&cgroups, &request).map(|()| ExitCode::SUCCESS)
            }
            Kind::Boot { request } => boot::boot(&request),
            Kind::Job { plan, words } => job(&plan, &words).map(|()| ExitCode::SUCCESS),
        };
        result.unwrap_or_else(|error| say::failure(&format!("{error:#}")))
    }
}

/// Does a job: what it prints on standard output is its result.
fn job(plan: &Path, words: &[String]) -> anyhow::Result<()> {
    let plan = Plan::read(plan)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["import"] => images::import(&plan),
        ["scenario", name] => {
            let scenario = scenarios::find(name).context("no such scenario")?;
            let node = Node::fresh(plan, "kubestrap")?;
            let result = (scenario.run)(&node);
            say::line(node.notes());
            result.inspect_err(|_| node.keep_pod_logs())
        }
        ["fault", name, how] => faults::try_one(plan, name, *how == "record"),
        ["second", kind, words @ ..] => second::run(plan, kind, words),
        ["bench-init", program] => bench::init(plan, program),
        ["bench-floor"] => bench::floor(plan),
        ["vm"] => vm::job::run(plan),
        _ => bail!("no such job: {words:?}"),
    }
}
