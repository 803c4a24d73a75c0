//! What a machine shows of a fault, kept for kubestrap's tests: `tests/evidence/README.md` tells the form.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Context;
use kubestrap::testing::{
    Component, Kubeconfig, LiveWatch, RealHost, Stage, Target, Watch, Watched, gather_evidence,
};

use crate::machine::NODE_NAME;
use crate::node::MANIFESTS;
use crate::runtime::Runtime;

/// Where the job leaves it, in the machine; among the logs, outside of it.
const FILE: &str = "/e2e/logs/evidence.json";
/// How much of kubelet's log is kept, and how much of what one line of its source says.
const KUBELET_LINES: usize = 60;
const SAME_SOURCE: usize = 3;
/// How much of a container's log is kept, and how much of a line of any log, in characters.
const LAST_LINES: usize = 60;
const LINE: usize = 1000;

/// Records what is to be seen now.
///
/// # Errors
/// When it can't be asked for or written.
pub(super) fn record(runtime: Runtime) -> anyhow::Result<()> {
    let mut watch = LiveWatch::default();
    watch.begin(&watched(runtime)?).map_err(anyhow::Error::msg)?;
    let mut evidence = gather_evidence(&watch.snapshot(), &RealHost::new(), SystemTime::UNIX_EPOCH);
    evidence.kubelet.log = essence(&evidence.kubelet.log);
    for component in evidence.components.values_mut() {
        let kept = if component.stage == Stage::Healthy { 0 } else { LAST_LINES };
        let from = component.log.len().saturating_sub(kept);
        component.log = component.log.iter().skip(from).map(|l| short(l)).collect();
    }
    let text = serde_json::to_string_pretty(&evidence)? + "\n";
    fs::write(FILE, text).with_context(|| format!("{FILE} can't be written"))
}

/// Keeps what a job has left among `logs` as the evidence `name` in `folder`. A job that recorded nothing has none.
pub(super) fn keep(logs: &Path, folder: &Path, name: &str) -> anyhow::Result<()> {
    let from = logs.join("evidence.json");
    if !from.exists() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let to = folder.join(format!("{name}.json"));
    fs::copy(&from, &to).with_context(|| format!("{} can't be kept", to.display()))?;
    Ok(())
}

/// The end of kubelet's log, without what tells of no failure, and of each line of its source the last only.
fn essence(log: &[String]) -> Vec<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut kept = vec![];
    for line in log.iter().rev() {
        if let Some(source) = source(line) {
            let count = seen.entry(source).or_default();
            *count += 1;
            // Some failures are told for information only.
            let is_calm = line.starts_with('I') && !line.contains("ailed");
            if is_calm || *count > SAME_SOURCE {
                continue;
            }
        }
        kept.push(short(line));
        if kept.len() == KUBELET_LINES {
            break;
        }
    }
    kept.reverse();
    kept
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
fn watched(runtime: Runtime) -> anyhow::Result<Watched> {
    let mut targets = vec![];
    for component in Component::ALL {
        let Ok(text) = fs::read_to_string(Path::new(MANIFESTS).join(component.file())) else { continue };
        let documents = kubestrap::testing::parse_values(&text).unwrap_or_default();
        targets.extend(documents.into_iter().next().map(|pod| Target::of_manifest(component, pod)));
    }
    let kubeconfig = fs::read_to_string("/etc/kubernetes/super-admin.conf").ok();
    Ok(Watched {
        targets,
        kubelet: Some("http://127.0.0.1:10248".to_owned()),
        cri_socket: format!("unix://{}", runtime.socket()),
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
        let mut log = vec!["Error: unknown flag: --x".to_owned(), info.to_owned()];
        log.extend(errors.iter().cloned());
        log.push("last".to_owned());
        let mut want = vec!["Error: unknown flag: --x".to_owned()];
        want.extend(errors.into_iter().skip(2));
        want.push("last".to_owned());
        assert_eq!(essence(&log), want);
    }
}
