//! The command: which scenarios or faults are run, and what is said of them.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use crate::machine::{self, keeper};
use crate::prepare::{Programs, prepare};
use crate::{command, faults, images, say, scenarios, vm, vms};

/// Run kubestrap against the real Kubernetes, in a machine of its own
///
/// Takes root, about 2 GB in the target folder, and a folder with kubelet, kubectl, kube-apiserver,
/// kube-controller-manager, kube-scheduler, kube-proxy, etcd, coredns, pause, containerd 2 with its shim and ctr, runc
/// (or that on PATH; with --runtime crio the programs of CRI-O in their place), and kubeadm for the scenarios that need it. Each scenario gets a fresh node in namespaces of its
/// own; the host is left as it is. Logs stay in target/e2e/logs. With --vm, Debian's packages qemu-system-x86, debootstrap
/// and e2fsprogs are needed, and 5 GB.
#[derive(Args, Debug)]
pub struct E2e {
    #[command(flatten)]
    programs: Programs,
    /// Show the scenarios and what they assert; with --faults, what is broken
    #[arg(long)]
    list: bool,
    /// Run init in a fresh virtual machine with systemd, and nothing else
    #[arg(long, conflicts_with_all = ["names", "faults", "list"])]
    vm: bool,
    /// Run the scenarios of virtual machines, which this script boots: it knows up, sh, put, cut, start and down
    #[arg(long, value_name = "SCRIPT", conflicts_with_all = ["faults", "vm"])]
    vms: Option<PathBuf>,
    /// At how many moments the scenario `kill` kills init, and `vm-cut` cuts the power
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    kills: u16,
    /// Run init on broken nodes and with broken configurations, and judge what it says
    #[arg(long)]
    faults: bool,
    /// With --faults: keep what the machine shows of each, as kubestrap's tests read it
    #[arg(long, value_name = "DIR", requires = "faults")]
    record: Option<PathBuf>,
    /// With --faults: run init a second time on each, with nothing mended, and judge what it says then
    #[arg(long, requires = "faults", conflicts_with = "record")]
    again: bool,
    /// The scenarios or faults to run (default: all)
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

impl E2e {
    /// Runs it: 0 when all scenarios passed, 1 when one failed, 2 when it can't be started as asked.
    pub fn run(self) -> ExitCode {
        if self.list && self.faults {
            faults::list(self.programs.runtime);
            return ExitCode::SUCCESS;
        }
        if self.list && self.vms.is_some() {
            for scenario in vms::SCENARIOS {
                say::listed(scenario.name, scenario.asserts);
            }
            return ExitCode::SUCCESS;
        }
        if self.list {
            for scenario in scenarios::SCENARIOS {
                say::listed(scenario.name, scenario.asserts);
            }
            return ExitCode::SUCCESS;
        }
        let known = |n: &str| {
            if self.faults {
                faults::is_known(self.programs.runtime, n)
            } else if self.vms.is_some() {
                vms::SCENARIOS.iter().any(|scenario| scenario.name == n)
            } else {
                scenarios::find(n).is_some()
            }
        };
        let unknown: Vec<_> = self.names.iter().filter(|n| !known(n)).collect();
        if !unknown.is_empty() {
            say::note(format_args!("error: nothing is called {unknown:?}; `--list` shows what there is"));
            return ExitCode::from(2);
        }
        if let Some(script) = &self.vms {
            let run = |kubestrap: PathBuf| vms::run(script, &self.names, &kubestrap, self.kills);
            return say::verdict(self.programs.under_test().and_then(run));
        }
        if self.programs.bin_dir.is_none() {
            say::note("error: nothing was run: --bin-dir DIR names the folder of real Kubernetes programs");
            return ExitCode::from(2);
        }
        keeper::kept(|| say::verdict(self.run_kept()))
    }

    fn run_kept(&self) -> anyhow::Result<bool> {
        let (mut plan, _work) = prepare(&self.programs)?;
        plan.kills = self.kills;
        plan.publish()?;
        if self.vm {
            return vm::run(&plan);
        }
        if self.faults {
            return faults::run(&plan, &self.names, self.record.as_deref(), self.again);
        }
        let chosen = scenarios::SCENARIOS
            .iter()
            .filter(|s| self.names.is_empty() || self.names.iter().any(|n| n == s.name));
        let mut failed = vec![];
        let mut count = 0;
        let mut left_out = vec![];
        for scenario in chosen {
            let absent = |program: &&str| !plan.has(program) && command::find(program).is_none();
            if let Some(program) = scenario.needs.filter(absent) {
                left_out.push(format!("{} (no {program})", scenario.name));
                continue;
            }
            let request = plan.request(scenario.name, &["scenario", scenario.name]);
            let finished = machine::launch(&request, || images::copy_to(&plan, &request.dir), || Ok(()))?;
            let seconds = finished.elapsed.as_secs_f64();
            count += 1;
            if finished.ok {
                say::ended(scenario.name, seconds, finished.stdout.trim(), None);
            } else {
                failed.push(scenario.name);
                let logs = format!("logs: {}", request.logs.display());
                say::ended(scenario.name, seconds, logs, Some(&command::tail(&finished.stderr, 40)));
            }
        }
        if !left_out.is_empty() {
            say::line(format_args!("left out: {}", left_out.join(", ")));
        }
        if count == 0 {
            bail!("no scenario was run");
        }
        say::line(format_args!("{} of {count} scenarios passed", count - failed.len()));
        if !failed.is_empty() {
            say::line(format_args!("failed: {}", failed.join(", ")));
        }
        Ok(failed.is_empty())
    }
}
