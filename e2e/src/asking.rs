//! A client that asks the API server all the time.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use crate::command;
use crate::machine::{NODE_NAME, Network};

/// Its identity: a copy, which stays as it is.
const FOLDER: &str = "/var/lib/e2e-client";
const PKI: &str = "/etc/kubernetes/pki";
/// How long between two questions.
const PAUSE: Duration = Duration::from_millis(20);

/// The client, at work.
pub(crate) struct Asking {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Asked>>,
}

/// What became of its questions.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// How many it asked.
    pub(crate) count: usize,
    /// Those that failed: when, and how.
    pub(crate) failures: Vec<String>,
    /// For how long nobody answered, each time: from the last answer to the next.
    pub(crate) gaps: Vec<Duration>,
}

impl Asking {
    /// Starts it.
    ///
    /// # Errors
    /// When it has no identity.
    pub(crate) fn start() -> anyhow::Result<Self> {
        Self::for_node(NODE_NAME)
    }

    /// The same where the Node that is asked for has another name.
    ///
    /// # Errors
    /// When it has no identity.
    pub(crate) fn for_node(name: &str) -> anyhow::Result<Self> {
        fs::create_dir_all(FOLDER)?;
        for file in ["apiserver-kubelet-client.crt", "apiserver-kubelet-client.key", "ca.crt"] {
            fs::copy(format!("{PKI}/{file}"), format!("{FOLDER}/{file}")).with_context(|| file.to_owned())?;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, name) = (Arc::clone(&stop), name.to_owned());
        let thread = std::thread::spawn(move || ask_until(&stopped, &name));
        Ok(Self { stop, thread })
    }

    /// Stops it.
    ///
    /// # Errors
    /// When it could not ask.
    pub(crate) fn stop(self) -> anyhow::Result<Asked> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the client ended early"))?
    }
}

fn ask_until(stopped: &AtomicBool, node: &str) -> anyhow::Result<Asked> {
    // The answer comes from etcd.
    let url = format!("https://{}:6443/api/v1/nodes/{node}?resourceVersion=", Network::alone().address);
    let file = |name: &str| format!("{FOLDER}/{name}");
    let mut asked = Asked::default();
    let start = Instant::now();
    let (mut answered, mut failing) = (start, false);
    while !stopped.load(Ordering::Relaxed) {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--max-time", "10", "--output", "/dev/null"])
            .args(["--cacert", &file("ca.crt"), "--cert", &file("apiserver-kubelet-client.crt")])
            .args(["--key", &file("apiserver-kubelet-client.key"), &url]);
        let at = start.elapsed();
        let output = command::run(&mut curl)?;
        asked.count += 1;
        if output.code != Some(0) {
            asked.failures.push(format!("after {:.2} s: {}", at.as_secs_f64(), output.stderr.trim()));
            failing = true;
        } else {
            if std::mem::take(&mut failing) {
                asked.gaps.push(answered.elapsed());
            }
            answered = Instant::now();
        }
        std::thread::sleep(PAUSE);
    }
    Ok(asked)
}
