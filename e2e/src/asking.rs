//! A client that reads from the API server, and writes to it, all the time.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kubestrap::testing::parse_values;

use crate::command;
use crate::machine::Network;

/// Its identity: a copy, which stays as it is.
const FOLDER: &str = "/var/lib/e2e-client";
/// Whose rights it has.
const KUBECONFIG: &str = "/etc/kubernetes/admin.conf";
/// What is taken out of the kubeconfig, and the file that it goes into.
const IDENTITY: [(&str, &str); 3] = [
    ("/clusters/0/cluster/certificate-authority-data", "ca.crt"),
    ("/users/0/user/client-certificate-data", "client.crt"),
    ("/users/0/user/client-key-data", "client.key"),
];
/// What is read, which comes from etcd, and what is written.
const READ: &str = "/api/v1/namespaces/kube-system?resourceVersion=";
const WRITTEN: &str = "/api/v1/namespaces/default/configmaps/asked?fieldManager=e2e&force=true";
/// How long between two questions.
const PAUSE: Duration = Duration::from_millis(20);

/// The client, at work.
pub struct Asking {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Asked>>,
}

/// What became of its questions.
#[derive(Debug, Default)]
pub struct Asked {
    /// How many it asked.
    pub(crate) count: usize,
    /// How many the server asked to be repeated: an API server that ends refuses what it has just accepted with 503 and
    /// Retry-After, which every client of Kubernetes' own follows.
    pub(crate) repeated: usize,
    /// Those that failed: when, and how.
    pub(crate) failures: Vec<String>,
    /// How long the slowest took that did not fail.
    pub(crate) slowest: Duration,
    /// For how long nobody answered, each time: from the last answer to the next.
    pub gaps: Vec<Duration>,
}

impl Asking {
    /// Starts it, with the identity of this control plane.
    ///
    /// # Errors
    /// When it has no identity.
    pub fn start() -> anyhow::Result<Self> {
        Self::with(|path| Ok(fs::read_to_string(path)?))
    }

    /// Starts it, with the identity of the control plane whose files `read` reads.
    ///
    /// # Errors
    /// When it has no identity.
    pub fn with(read: impl Fn(&str) -> anyhow::Result<String>) -> anyhow::Result<Self> {
        fs::create_dir_all(FOLDER)?;
        let kubeconfig = parse_values(&read(KUBECONFIG).context(KUBECONFIG)?).context(KUBECONFIG)?;
        for (field, file) in IDENTITY {
            let text = kubeconfig.first().and_then(|value| value.pointer(field)?.as_str());
            let text = text.with_context(|| format!("{KUBECONFIG} has no {field}"))?;
            fs::write(format!("{FOLDER}/{file}"), BASE64_STANDARD.decode(text)?)?;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || ask_until(&stopped));
        Ok(Self { stop, thread })
    }

    /// Stops it.
    ///
    /// # Errors
    /// When it could not ask.
    pub fn stop(self) -> anyhow::Result<Asked> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the client ended early"))?
    }
}

fn ask_until(stopped: &AtomicBool) -> anyhow::Result<Asked> {
    let server = format!("https://{}:6443", Network::alone().address);
    let file = |name: &str| format!("{FOLDER}/{name}");
    let mut asked = Asked::default();
    let start = Instant::now();
    let (mut answered, mut failing) = (start, false);
    while !stopped.load(Ordering::Relaxed) {
        let writes = asked.count % 2 == 1;
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--max-time", "10", "--output", "/dev/null"])
            .args(["--write-out", "%{http_code} %header{retry-after}"])
            .args(["--cacert", &file("ca.crt"), "--cert", &file("client.crt")])
            .args(["--key", &file("client.key")]);
        if writes {
            let number = asked.count;
            let object = format!(
                "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: asked}}, data: {{number: '{number}'}}}}"
            );
            curl.args(["--request", "PATCH", "--header", "Content-Type: application/apply-patch+yaml"])
                .args(["--data", &object, &format!("{server}{WRITTEN}")]);
        } else {
            curl.arg(format!("{server}{READ}"));
        }
        let at = start.elapsed();
        let output = command::run(&mut curl)?;
        asked.count += 1;
        if output.code == Some(0) {
            asked.slowest = asked.slowest.max(output.elapsed);
            if std::mem::take(&mut failing) {
                asked.gaps.push(answered.elapsed());
            }
            answered = Instant::now();
        } else if asks_to_repeat(&output.stdout) {
            failing = true;
            asked.repeated += 1;
        } else {
            let what = if writes { "write" } else { "read" };
            failing = true;
            asked.failures.push(format!("after {:.2} s, {what}: {}", at.as_secs_f64(), output.stderr.trim()));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(asked)
}

/// Whether an answer, its code and its Retry-After, asks for the request to be repeated.
fn asks_to_repeat(answer: &str) -> bool {
    answer
        .split_once(' ')
        .is_some_and(|(code, after)| matches!(code, "429" | "503") && !after.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_with_a_time_to_wait_is_repeated() {
        assert!(asks_to_repeat("503 1") && asks_to_repeat("429 10"));
        assert!(!asks_to_repeat("503 ") && !asks_to_repeat("500 1") && !asks_to_repeat("000 "));
    }
}
