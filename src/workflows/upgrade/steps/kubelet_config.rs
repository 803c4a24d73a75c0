//! `kubelet-config`: kubelet's configuration on this node, as the new version has it.

use serde_json::Value;

use super::super::Upgrade;
use super::super::journal::backup_dir;
use crate::host::{FileMode, Written};
use crate::phases::kubelet_start;
use crate::workflow::{Outcome, PhaseResult, Run, Verb};
use crate::yaml;

/// Flags of kubelet's that went into its configuration, or that a kubelet of the new version refuses: the flag, and
/// whether it is taken out.
const GONE: [(&str, fn(&Run) -> bool); 2] = [
    ("container-runtime-endpoint", |run| run.settings.instance_config()),
    ("pod-infra-container-image", |run| !run.settings.cluster.release.pod_infra_flag),
];

/// Keeps a copy of the old configuration, as kubeadm does, and writes the new one.
pub(in super::super) fn update(upgrade: &mut Upgrade) -> PhaseResult {
    let run = &mut upgrade.run;
    let dir = run.settings.node.paths.kubelet.clone();
    let before = run.host.read(&dir.join("config.yaml"))?;
    let flags = flags_without_gone(run)?;
    let new = kubelet_start::configuration(run)?;
    if let Some(old) = before.filter(|old| !same(old, &new)) {
        let backup = backup_dir(run, "kubeadm-kubelet-config-").join("config.yaml");
        run.act(Verb::Copy, format!("kubelet's old configuration to {}", backup.display()));
        run.host.write(&backup, &old, FileMode::SECRET)?;
    }
    if let Some(flags) = flags {
        let path = dir.join("kubeadm-flags.env");
        if run.write(&path, flags.as_bytes(), FileMode::KUBELET)? != Written::Unchanged {
            run.act(
                Verb::Write,
                format!("kubelet's flags without those that moved or are gone to {}", path.display()),
            );
        }
    }
    kubelet_start::write_configuration(run, &new)?;
    Ok(Outcome::Done)
}

fn same(old: &[u8], new: &Value) -> bool {
    let documents = yaml::parse_values(&String::from_utf8_lossy(old)).unwrap_or_default();
    documents.first() == Some(new)
}

/// The flags file without the flags that are gone; none where there is nothing to take out.
fn flags_without_gone(run: &Run) -> Result<Option<String>, crate::error::Error> {
    let path = run.settings.node.paths.kubelet.join("kubeadm-flags.env");
    let Some(text) = run.host.read(&path)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&text).into_owned();
    let gone: Vec<&str> = GONE.iter().filter(|(_, gone)| gone(run)).map(|(flag, _)| *flag).collect();
    let new = without(&text, &gone);
    Ok((new != text).then_some(new))
}

/// A flags file without some flags of the form `--name=value`.
fn without(text: &str, gone: &[&str]) -> String {
    let is_gone = |word: &str| {
        let name = word.trim_start_matches('-').split('=').next().unwrap_or_default();
        word.starts_with("--") && gone.contains(&name)
    };
    let mut lines: Vec<String> = vec![];
    for line in text.lines() {
        let Some((variable, value)) = line.split_once("=\"") else {
            lines.push(line.to_owned());
            continue;
        };
        let (words, end) = value.rsplit_once('"').unwrap_or((value, ""));
        let kept: Vec<&str> = words.split(' ').filter(|word| !is_gone(word)).collect();
        let kept = if kept.len() == words.split(' ').count() { words.to_owned() } else { kept.join(" ") };
        lines.push(format!("{variable}=\"{kept}\"{end}"));
    }
    lines.join("\n") + if text.ends_with('\n') { "\n" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_that_are_gone_are_taken_out_and_the_others_stay_as_they_are() {
        let text = "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///r.sock --hostname-override=n --pod-infra-container-image=p:3.10\"\n";
        let new = without(text, &["container-runtime-endpoint", "pod-infra-container-image"]);
        assert_eq!(new, "KUBELET_KUBEADM_ARGS=\"--hostname-override=n\"\n");
        assert_eq!(without(text, &["other"]), text);
        assert_eq!(without("KUBELET_KUBEADM_ARGS=\"\"\n", &["x"]), "KUBELET_KUBEADM_ARGS=\"\"\n");
    }
}
