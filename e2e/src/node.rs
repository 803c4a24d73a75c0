//! A fresh node, as a scenario finds it: the container runtime runs, kubelet is installed and has nothing to read yet.

use std::cell::RefCell;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

use super::config::Config;
use super::ignored;
use super::plan::Plan;
use super::pod_network;
use super::runtime::Daemon;
use crate::command::{self, Output};
use crate::systemd;

/// The administrator's kubeconfig.
pub(crate) const ADMIN: &str = "/etc/kubernetes/admin.conf";
/// Where kubelet looks for static Pods.
pub(crate) const MANIFESTS: &str = "/etc/kubernetes/manifests";
/// Where the configuration for `init` is written.
pub const CONFIG: &str = "/etc/kubestrap.yaml";

/// kubelet's unit and drop-in, as packages bring them.
const UNIT: &str = include_str!("../../templates/kubelet/kubelet.service.conf");
const DROP_IN: &str = include_str!("../../templates/kubelet/10-kubeadm.conf");

/// The node.
#[derive(Debug)]
pub struct Node {
    /// The run's plan.
    pub plan: Plan,
    /// The program whose `init` is run.
    pub(crate) init: String,
    daemon: RefCell<Option<Daemon>>,
    notes: RefCell<Vec<String>>,
}

impl Node {
    /// Makes this machine a fresh node, on which the program `init` is to run.
    ///
    /// # Errors
    /// When the container runtime does not start, or a file can't be written.
    pub fn fresh(plan: Plan, init: &str) -> anyhow::Result<Self> {
        let kubelet = command::find("kubelet").context("no kubelet")?;
        symlink(kubelet, "/usr/bin/kubelet").context("kubelet can't be installed")?;
        let drop_ins = format!("{}/kubelet.service.d", systemd::PACKAGED);
        fs::create_dir_all(&drop_ins)?;
        fs::write(format!("{}/kubelet.service", systemd::PACKAGED), UNIT)?;
        fs::write(format!("{drop_ins}/10-kubeadm.conf"), DROP_IN)?;
        command::check("systemctl", &["enable", "kubelet"])?;
        pod_network::install(&plan)?;
        let daemon = plan.runtime.start(&plan.runtime.configuration(plan.pause()))?;
        Ok(Self {
            plan,
            init: init.to_owned(),
            daemon: RefCell::new(Some(daemon)),
            notes: RefCell::default(),
        })
    }

    /// This machine, on which the container runtime runs already and all is installed.
    pub(crate) fn installed(plan: Plan, init: &str) -> Self {
        Self { plan, init: init.to_owned(), daemon: RefCell::default(), notes: RefCell::default() }
    }

    /// Stops the container runtime.
    ///
    /// # Errors
    /// When it does not end.
    pub(crate) fn stop_runtime(&self) -> anyhow::Result<()> {
        self.daemon.borrow_mut().take().map_or(Ok(()), Daemon::stop)
    }

    /// Starts it again, with its configuration changed.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) fn change_runtime(&self, change: impl FnOnce(String) -> String) -> anyhow::Result<()> {
        self.stop_runtime()?;
        let runtime = self.plan.runtime;
        let started = runtime.start(&change(runtime.configuration(self.plan.pause())))?;
        *self.daemon.borrow_mut() = Some(started);
        Ok(())
    }

    /// A figure for the scenario's line.
    pub fn note(&self, text: impl Into<String>) {
        self.notes.borrow_mut().push(text.into());
    }

    /// The figures, for the scenario's line.
    pub(crate) fn notes(&self) -> String {
        self.notes.borrow().join(", ")
    }

    /// Runs a program; command line, output and time go into the scenario's log.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn run(&self, program: &str, args: &[&str]) -> anyhow::Result<Output> {
        self.run_command(Command::new(program).args(args))
    }

    /// The same for a command with an environment of its own.
    ///
    /// # Errors
    /// When it can't be started.
    pub(crate) fn run_command(&self, command: &mut Command) -> anyhow::Result<Output> {
        let output = command::run(command)?;
        self.log(&output)?;
        Ok(output)
    }

    /// Puts a command's line, output and time into the scenario's log.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn log(&self, output: &Output) -> anyhow::Result<()> {
        let mut log = OpenOptions::new().create(true).append(true).open("/e2e/logs/commands.log")?;
        let code = output.code.map_or("signal".to_owned(), |c| c.to_string());
        let Output { line, stdout, stderr, elapsed, .. } = output;
        Ok(write!(log, "$ {line}\n{stdout}{stderr}[{code}, {:.2} s]\n\n", elapsed.as_secs_f64())?)
    }

    /// Runs the program under test; it must end well.
    ///
    /// # Errors
    /// When it does not.
    pub fn kubestrap(&self, args: &[&str]) -> anyhow::Result<Output> {
        self.run(&self.init, args)?.success()
    }

    /// Keeps the Pods' own logs, which go with the machine otherwise.
    pub(crate) fn keep_pod_logs(&self) {
        let _ = command::run(Command::new("cp").args([
            "--recursive",
            "--dereference",
            "/var/log/pods",
            "/e2e/logs/",
        ]));
    }

    /// `init` with the harness's configuration.
    ///
    /// # Errors
    /// When it fails.
    pub(crate) fn init(&self) -> anyhow::Result<Output> {
        self.init_with(&Config::default(), &[])
    }

    /// `init` with more configuration and more flags. Its time becomes a note.
    ///
    /// # Errors
    /// When it fails.
    pub(crate) fn init_with(&self, config: &Config, flags: &[&str]) -> anyhow::Result<Output> {
        let ignored = self.prepare_init(config)?;
        let mut args = vec!["init", "--config", CONFIG, &ignored];
        args.extend(flags);
        let output = self.kubestrap(&args)?;
        self.note(format!("init {:.1} s", output.elapsed.as_secs_f64()));
        Ok(output)
    }

    /// Writes the configuration; the flag for the preflight checks that this machine can't pass.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn prepare_init(&self, config: &Config) -> anyhow::Result<String> {
        fs::write(CONFIG, config.text(&self.plan.version))?;
        Ok(format!("--ignore-preflight-errors={}", ignored::names().join(",")))
    }

    /// `reset`, without being asked.
    ///
    /// # Errors
    /// When it fails.
    pub(crate) fn reset(&self) -> anyhow::Result<Output> {
        self.kubestrap(&["reset", "--force"])
    }

    /// `kubectl` as the administrator; what it prints.
    ///
    /// # Errors
    /// When it fails.
    pub fn kubectl(&self, args: &[&str]) -> anyhow::Result<String> {
        let mut all = vec!["--kubeconfig", ADMIN, "--request-timeout", "10s"];
        all.extend(args);
        Ok(self.run("kubectl", &all)?.success()?.stdout)
    }

    /// `kubectl get` of an object or a list.
    ///
    /// # Errors
    /// When it fails.
    pub(crate) fn get(&self, args: &[&str]) -> anyhow::Result<Value> {
        let mut all = vec!["get", "-o", "json"];
        all.extend(args);
        serde_json::from_str(&self.kubectl(&all)?).context("kubectl prints no JSON")
    }

    /// The ids of the runtime's running containers, sandboxes included.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) fn tasks(&self) -> anyhow::Result<Vec<String>> {
        let (program, args) =
            self.plan.runtime.listing().split_first().context("no program lists containers")?;
        let listed = self.run(program, args)?.success()?;
        let mut ids: Vec<String> = listed.stdout.lines().map(str::to_owned).collect();
        ids.sort();
        Ok(ids)
    }

    /// The process ids of the program `name` in this machine.
    pub(crate) fn processes(&self, name: &str) -> Vec<i32> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = entries.filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
        // The kernel keeps 15 bytes of the name; the command line has all of it.
        ids.filter(|id| {
            let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let program = line.split(|b| *b == 0).next().unwrap_or_default();
            Path::new(&*String::from_utf8_lossy(program)).file_name().is_some_and(|n| n == name)
        })
        .collect()
    }
}

/// Long enough for what takes seconds, on a machine that is busy or emulated.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);
