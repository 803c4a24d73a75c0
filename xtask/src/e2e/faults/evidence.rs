//! What a machine shows of a fault, kept for kubestrap's tests: `tests/evidence/README.md` tells the form.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use kubestrap::health::{ComponentState, LiveWatch, Stage, Watch, Watched, target};
use kubestrap::host::cri::log;
use kubestrap::kubeconfig::Kubeconfig;
use kubestrap::manifest::Component;
use serde_json::{Value, json};

use crate::command::check;
use crate::e2e::node::MANIFESTS;
use crate::machine::NODE_NAME;

/// Where the job leaves it, in the machine; among the logs, outside of it.
const FOLDER: &str = "/e2e/logs/evidence";
/// How much of kubelet's log is kept, and how much of what one line of its source says.
const KUBELET_LINES: usize = 60;
const SAME_SOURCE: usize = 3;
/// How much of a container's log is kept, and how much of a line of any log, in characters.
const LAST_LINES: usize = 15;
const LINE: usize = 1000;

/// Records what is to be seen now.
///
/// # Errors
/// When it can't be asked for or written.
pub(super) fn record() -> anyhow::Result<()> {
    fs::create_dir_all(FOLDER)?;
    let put = |name: &str, text: String| {
        fs::write(Path::new(FOLDER).join(name), text).with_context(|| format!("{name} can't be written"))
    };
    let journal = check("journalctl", &["-u", "kubelet", "-o", "cat", "--no-pager"])?;
    put("kubelet.log", essence(&journal.stdout))?;
    let mut watch = LiveWatch::default();
    watch.begin(&watched()?).map_err(anyhow::Error::msg)?;
    let snapshot = watch.snapshot();
    let name = |component: &Component| component.name().to_owned();
    let containers: BTreeMap<String, Value> =
        snapshot.components.iter().map(|(c, state)| (name(c), container(state))).collect();
    put("containers.json", serde_json::to_string_pretty(&containers)? + "\n")?;
    let health: BTreeMap<String, &str> =
        snapshot.components.iter().map(|(c, state)| (name(c), state.health.as_str())).collect();
    let health = json!({ "kubelet": snapshot.kubelet, "runtime": snapshot.runtime, "components": health });
    put("health.json", serde_json::to_string_pretty(&health)? + "\n")
}

/// Keeps what a job has left among `logs` as the evidence `name` in `folder`. A job that recorded nothing has none.
pub(super) fn keep(logs: &Path, folder: &Path, name: &str) -> anyhow::Result<()> {
    let from = logs.join("evidence");
    let to = folder.join(name);
    for entry in fs::read_dir(&from).into_iter().flatten() {
        let entry = entry?;
        fs::create_dir_all(&to)?;
        fs::copy(entry.path(), to.join(entry.file_name()))
            .with_context(|| format!("{} can't be kept", entry.path().display()))?;
    }
    Ok(())
}

fn container(state: &ComponentState) -> Value {
    let stage = match state.stage {
        Stage::Manifest => "manifest",
        Stage::Sandbox => "sandbox",
        Stage::Exited => "exited",
        Stage::Running => "running",
        Stage::Healthy => "healthy",
    };
    let Some(view) = &state.container else { return json!({ "stage": stage }) };
    let path = view.log.as_deref().filter(|_| state.stage != Stage::Healthy);
    let lines = path.and_then(|path| log::tail(path, LAST_LINES).ok()).unwrap_or_default();
    let lines: Vec<String> = lines.into_iter().map(|l| short(&l.text)).collect();
    json!({
        "stage": stage,
        "attempt": view.attempt,
        "exitCode": view.exit_code,
        "reason": view.reason,
        "log": lines,
    })
}

/// The end of kubelet's log, without what is only for information, and of each line of its source the last only.
fn essence(log: &str) -> String {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut kept = vec![];
    for line in log.lines().rev() {
        if let Some(source) = source(line) {
            let count = seen.entry(source).or_default();
            *count += 1;
            if line.starts_with('I') || *count > SAME_SOURCE {
                continue;
            }
        }
        kept.push(short(line));
        if kept.len() == KUBELET_LINES {
            break;
        }
    }
    kept.reverse();
    kept.join("\n") + "\n"
}

/// As much of a line as is kept.
fn short(line: &str) -> String {
    line.chars().take(LINE).collect()
}

/// Where in the source a line of klog's comes from: `E1124 15:00:00.000000  123 file.go:45] …`.
fn source(line: &str) -> Option<&str> {
    let (head, _) = line.split_once("] ")?;
    let mut words = head.split_whitespace();
    let level = words.next()?;
    let is_klog = level.len() == 5 && level.starts_with(['I', 'W', 'E', 'F']);
    words.last().filter(|source| is_klog && source.contains(".go:"))
}

/// What init watches: the components whose manifests are there.
fn watched() -> anyhow::Result<Watched> {
    let mut targets = vec![];
    for component in Component::ALL {
        let Ok(text) = fs::read_to_string(Path::new(MANIFESTS).join(component.file())) else { continue };
        let documents = kubestrap::yaml::parse_values(&text).unwrap_or_default();
        targets.extend(documents.first().map(|pod| target(component, pod)));
    }
    let kubeconfig = fs::read_to_string("/etc/kubernetes/super-admin.conf").ok();
    Ok(Watched {
        targets,
        kubelet: Some("http://127.0.0.1:10248".to_owned()),
        cri_socket: "unix:///run/containerd/containerd.sock".to_owned(),
        node_name: NODE_NAME.to_owned(),
        kubeconfig: kubeconfig.and_then(|text| Kubeconfig::parse(&text).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_essence_is_what_went_wrong() {
        let info = "I1124 15:00:00.000000  12 server.go:1] \"fine\"";
        let error = |n: usize| format!("E1124 15:00:00.00000{n}  12 pod.go:7] \"bad\" err=\"x\"");
        let errors: Vec<String> = (0..5).map(error).collect();
        let log = format!("Error: unknown flag: --x\n{info}\n{}\nlast", errors.join("\n"));
        let want = format!("Error: unknown flag: --x\n{}\nlast\n", errors[2..].join("\n"));
        assert_eq!(essence(&log), want);
    }
}
