//! Asking a component: it is started until it has judged its values, and goes no further.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::component::Component;
use super::judged::{self, Command, Kubestrap};
use crate::command;
use crate::machine::Network;
use crate::node::{CONFIG, Node};
use crate::wait::eventually;

/// A network of its own with the machine's addresses, in which nothing answers and every port is free; and folders of its
/// own for state.
const ALONE: &str = r#"
ip link set lo up && ip address add "$1/24" dev lo && ip route add default dev lo || exit 111
ip -6 address add "$2/64" dev lo nodad 2>/dev/null
for folder in /var/lib/etcd /var/lib/kubelet; do mkdir -p $folder && mount -t tmpfs tmpfs $folder || exit 111; done
cd "$3" && shift 3 && exec "$@"
"#;

const STEP: Duration = Duration::from_millis(20);

/// How long a component is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Until it ends or says that it goes on: then it goes on.
    pub(super) for_an_answer: Duration,
    /// What it says last before it goes on may be followed by an end so much later.
    pub(super) for_an_end: Duration,
}

/// What a component makes of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Takes,
    /// It ends, and says why.
    Refuses(String),
}

/// Certificates and kubeconfigs, which the components read first.
pub(super) fn prepare(node: &Node) -> anyhow::Result<()> {
    fs::write(CONFIG, judged::with_flags(&[], &["apiServer"], &node.plan.version))?;
    for phase in ["certs", "kubeconfig"] {
        node.kubestrap(&["init", "phase", phase, "all", "--config", CONFIG])?;
    }
    Ok(())
}

/// Asks.
pub(super) fn ask(component: &Component, command: &Command, patience: Patience) -> anyhow::Result<Answer> {
    let log = command.dir.path().join("log");
    let mut child = if component.live {
        start(Process::new(program(&command.words)?).args(command.words.iter().skip(1)), &log)?
    } else {
        let network = Network::alone();
        let mut process = Process::new("unshare");
        process
            .args(["--net", "--mount", "sh", "-c", ALONE, "sh"])
            .args([network.address.to_string(), network.address_v6.to_string()])
            .arg(command.dir.path())
            .arg(program(&command.words)?)
            .args(command.words.iter().skip(1));
        start(&mut process, &log)?
    };
    let answer = answer(component, &mut child, &log, patience);
    let _ = child.kill();
    let _ = child.wait();
    answer
}

fn program(words: &[String]) -> anyhow::Result<std::path::PathBuf> {
    let name = words.first().context("no program")?;
    command::find(name).with_context(|| format!("no {name}"))
}

fn start(process: &mut Process, log: &Path) -> anyhow::Result<Child> {
    let out = File::create(log)?;
    let child = process.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).spawn();
    child.context("a component can't be started")
}

fn answer(
    component: &Component,
    child: &mut Child,
    log: &Path,
    patience: Patience,
) -> anyhow::Result<Answer> {
    let started = Instant::now();
    let mut judged: Option<Instant> = None;
    loop {
        let ended = child.try_wait()?;
        let said = read(log)?;
        if let Some(status) = ended {
            if status.code() == Some(111) {
                bail!("no network could be made: {said}");
            }
            let why = last_words(&said);
            // With nobody to talk to, it may end after all is judged.
            return Ok(if why.contains("dial tcp") { Answer::Takes } else { Answer::Refuses(why) });
        }
        // Upstream's components end here; those built from OpenShift's tree warn.
        if said.contains("unrecognized feature gate") {
            return Ok(Answer::Refuses("unrecognized feature gate".to_owned()));
        }
        if judged.is_none() && component.goes_on.iter().any(|words| said.contains(words)) {
            judged = Some(Instant::now());
        }
        if judged.is_some_and(|at| at.elapsed() > patience.for_an_end)
            || started.elapsed() > patience.for_an_answer
        {
            return Ok(Answer::Takes);
        }
        thread::sleep(STEP);
    }
}

fn read(log: &Path) -> anyhow::Result<String> {
    let mut bytes = vec![];
    File::open(log)?.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The line that says why it ended, or the last.
fn last_words(said: &str) -> String {
    let lines = || said.lines().filter(|line| !line.trim().is_empty());
    // klog's lines begin with their level and the date.
    let is_fatal = |line: &&str| {
        line.strip_prefix('F').is_some_and(|rest| rest.bytes().take(4).all(|b| b.is_ascii_digit()))
    };
    let why = lines().rev().find(is_fatal).or_else(|| {
        lines().rev().find(|line| {
            ["command failed", "invalid", "Error:", "panic:", "\"fatal\"", "failed", "Failed to"]
                .iter()
                .any(|w| line.contains(w))
        })
    });
    why.or(lines().next_back()).unwrap_or("nothing").chars().take(400).collect()
}

/// etcd and an API server, for what is judged once these answer.
#[derive(Debug)]
pub(super) struct Cluster(Vec<Child>);

impl Cluster {
    /// Starts them, and waits until the API server is ready.
    pub(super) fn start(node: &Node) -> anyhow::Result<Self> {
        let mut cluster = Self(vec![]);
        for phase in [&["etcd", "local"][..], &["control-plane", "apiserver"]] {
            let words = judged::rendered(Kubestrap::of(node), phase, CONFIG)?;
            let log = format!("/e2e/logs/values-{}.log", words.first().map_or("", String::as_str));
            let mut process = Process::new(program(&words)?);
            cluster.0.push(start(process.args(words.iter().skip(1)), Path::new(&log))?);
        }
        let url = format!("https://{}:6443/readyz", Network::alone().address);
        eventually("the API server is ready", Duration::from_secs(60), || {
            let asked = command::check("curl", &["--silent", "--insecure", "--fail", &url])?;
            anyhow::ensure!(asked.stdout == "ok", "{}", asked.stdout);
            Ok(())
        })?;
        Ok(cluster)
    }

    /// Ends them.
    pub(super) fn stop(mut self) {
        for child in self.0.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
