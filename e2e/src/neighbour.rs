//! A further machine: made in the first one, wired to it, and there until it is cut off.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::command::{self, Output};
use crate::machine::{self, Network, Request, Running};
use crate::node::{Node, PATIENCE};
use crate::plan::Plan;
use crate::wait::eventually;
use crate::{ignored, images, say};

/// What a machine says when programs can be run in it.
const READY: &str = "ready";
/// kubelet's configuration: where it is, the machine has been a node before.
const KUBELET_CONFIG: &str = "/var/lib/kubelet/config.yaml";

/// The machine.
#[derive(Debug)]
pub struct Neighbour<'n> {
    first: &'n Node,
    request: Request,
    running: Option<Running>,
}

impl<'n> Neighbour<'n> {
    /// A fresh machine, whose name and address tell its number, from 1 to 250.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn new(first: &'n Node, number: u8) -> anyhow::Result<Self> {
        let network = Network::beside(number);
        let mut request = first.plan.request(&network.name, &["neighbour"]);
        // On the first machine's disk: what it sees of the host is an overlay.
        request.dir = PathBuf::from("/var/lib").join(&network.name);
        request.logs = PathBuf::from("/e2e/logs").join(&network.name);
        request.network = network;
        let mut made = Self { first, request, running: None };
        made.start_fresh()?;
        Ok(made)
    }

    /// Its name, which is its Node's.
    pub fn name(&self) -> &str {
        &self.request.network.name
    }

    /// Cuts it off from power.
    pub(crate) fn cut(&mut self) {
        self.running = None;
    }

    /// Starts it again: its disk is as it was.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        self.request.again = true;
        self.boot()
    }

    /// Starts a fresh machine in its place, of the same name and address.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) fn start_fresh(&mut self) -> anyhow::Result<()> {
        self.cut();
        let dir = &self.request.dir;
        if dir.exists() {
            fs::remove_dir_all(dir).with_context(|| format!("{} can't be removed", dir.display()))?;
        }
        images::copy_beside(&self.first.plan, dir)?;
        self.request.again = false;
        self.boot()
    }

    fn boot(&mut self) -> anyhow::Result<()> {
        self.cut();
        let said = self.request.logs.join("stdout");
        let _ = fs::remove_file(&said);
        self.running = Some(machine::start(&self.request)?);
        eventually(&format!("{} is up", self.name()), PATIENCE, || {
            let text = fs::read_to_string(&said).unwrap_or_default();
            if text.trim() == READY { Ok(()) } else { bail!("it says {text:?}") }
        })
    }

    /// Pulls its cable, or puts it back.
    ///
    /// # Errors
    /// When the wire is not there.
    pub(crate) fn plug(&self, plugged: bool) -> anyhow::Result<()> {
        self.request.network.plug(plugged)
    }

    /// A command that runs `words` in it.
    ///
    /// # Errors
    /// When it is cut off.
    pub fn command(&self, words: &[&str]) -> anyhow::Result<Command> {
        let running = self.running.as_ref().with_context(|| format!("{} is cut off", self.name()))?;
        let (program, args) = words.split_first().context("no program is named")?;
        let mut command = running.command(&self.request.harness, program)?;
        command.args(args);
        Ok(command)
    }

    /// Runs `words` in it to their end.
    ///
    /// # Errors
    /// When it is cut off.
    pub(crate) fn run(&self, words: &[&str]) -> anyhow::Result<Output> {
        let output = command::run(&mut self.command(words)?)?;
        self.first.log(&output)?;
        Ok(output)
    }

    /// Puts a file where programs in it see it: at the path that is given back.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn put(&self, name: &str, text: &str) -> anyhow::Result<String> {
        fs::write(self.request.logs.join(name), text)?;
        Ok(format!("/e2e/logs/{name}"))
    }

    /// The content of a file of it. It is not logged: it may be a secret.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn read(&self, path: &str) -> anyhow::Result<String> {
        Ok(command::run(&mut self.command(&["cat", path])?)?.success()?.stdout)
    }
}

/// The words that join a machine by `program`: a join command without its program, and the checks that no machine here
/// can pass.
pub(crate) fn join_words<'w>(program: &'w str, join: &[&'w str], ignored: &'w str) -> Vec<&'w str> {
    let mut words = vec![program];
    words.extend(join);
    words.push(ignored);
    words
}

/// The flag for the preflight checks that a machine can't pass.
pub(crate) fn ignored_checks() -> String {
    format!("--ignore-preflight-errors={}", ignored::names().join(","))
}

/// The job of such a machine: the container runtime runs, kubelet is installed, and starts if it was a node before.
///
/// # Errors
/// When one of them does not start.
pub(crate) fn serve(plan: Plan) -> anyhow::Result<()> {
    let node = Node::fresh(plan, "kubestrap")?;
    if Path::new(KUBELET_CONFIG).exists() {
        command::check("systemctl", &["start", "kubelet"])?;
    }
    say::line(READY);
    loop {
        std::thread::sleep(Duration::from_secs(3600));
        // Until the machine is cut off.
        let _ = &node;
    }
}
