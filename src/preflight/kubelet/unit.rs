//! The command line that the init system starts kubelet with: a drop-in may leave out or replace our files.

use crate::config::NodeSettings;
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::kubelet::lacks_drop_in;
use crate::preflight::config::existing::kubelet_env_flags;

/// Variables whose values are not in the unit but in files: init's own, and the packages'.
const FROM_FILES: [&str; 2] = ["KUBELET_KUBEADM_ARGS", "KUBELET_EXTRA_ARGS"];

pub(crate) fn check(node: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    if machine.init_system() != Some("systemd") || !machine.service("kubelet").exists {
        return vec![];
    }
    let Ok(said) = machine.run("systemctl", &["cat", "kubelet"]) else { return vec![] };
    if lacks_drop_in(&said.stdout) {
        return vec![Finding::info("kubelet's unit has no configuration yet: the drop-in will be installed")];
    }
    let unit = Unit::parse(&said.stdout);
    let wanted = node.paths.kubelet.join("config.yaml").display().to_string();
    if kubelet_env_flags(machine).iter().any(|(_, name, _)| name == "config") {
        return vec![];
    }
    let (Some(line), Some(words)) = (&unit.exec_start, unit.words()) else { return vec![] };
    // What starts kubelet by a script of its own is not ours to read.
    if words.first().is_none_or(|w| w.rsplit('/').next() != Some("kubelet")) {
        return vec![];
    }
    let given = words.iter().enumerate().rev().find_map(|(at, word)| match word.split_once('=') {
        Some(("--config" | "-config", value)) => Some(value.to_owned()),
        None if word == "--config" => words.get(at + 1).cloned(),
        _ => None,
    });
    let (what, cause) = match given {
        Some(path) if path == wanted => return vec![],
        Some(path) => (
            format!("kubelet's unit makes it read {path}, and init writes {wanted}"),
            "a drop-in of this machine's starts kubelet in a way of its own: it would not find the manifests",
        ),
        None => (
            "kubelet's unit starts it without --config, so that it reads nothing of what init writes"
                .to_owned(),
            "the drop-in of kubelet's package, 10-kubeadm.conf, is missing or is overridden",
        ),
    };
    let file = &unit.file;
    vec![
        Finding::error(what).evidence(format!("{file}: ExecStart={line}")).cause(cause).fix(format!(
            "correct ExecStart in {file} so that it has `--kubeconfig={} --config={wanted} $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS` (or reinstall kubelet's package, which brings 10-kubeadm.conf), then `systemctl daemon-reload`",
            node.paths.kubeconfig("kubelet.conf").display()
        )),
    ]
}

/// As much of a unit as tells what is started.
#[derive(Default)]
struct Unit {
    /// The file that the command comes from.
    file: String,
    exec_start: Option<String>,
    environment: Vec<(String, String)>,
}

impl Unit {
    /// Reads what `systemctl cat` prints: each file after a comment with its path, in the order in which they count.
    fn parse(text: &str) -> Self {
        let mut unit = Self::default();
        let text = text.replace("\\\n", " ");
        let mut file = "";
        for line in text.lines().map(str::trim) {
            if line.starts_with("# /") {
                file = line.trim_start_matches("# ");
            } else if let Some(value) = line.strip_prefix("ExecStart=") {
                // An empty value takes away those before it.
                unit.exec_start = Some(value.to_owned()).filter(|v| !v.is_empty());
                file.clone_into(&mut unit.file);
            } else if let Some(value) = line.strip_prefix("Environment=") {
                let value = value.trim_matches(['"', '\'']);
                unit.environment.extend(value.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())));
            }
        }
        unit
    }

    /// The words of the command, with the unit's own variables; none where others are used, whose values are not known.
    fn words(&self) -> Option<Vec<String>> {
        let mut words = vec![];
        for word in
            self.exec_start.as_deref()?.trim_start_matches(['-', '@', ':', '+', '!']).split_whitespace()
        {
            let Some(name) = word.strip_prefix('$') else {
                words.push(word.to_owned());
                continue;
            };
            let name = name.trim_matches(['{', '}']);
            match self.environment.iter().rev().find(|(n, _)| n == name) {
                Some((_, value)) => words.extend(value.split_whitespace().map(str::to_owned)),
                None if FROM_FILES.contains(&name) => {}
                None => return None,
            }
        }
        Some(words)
    }
}

#[cfg(test)]
mod tests {
    use crate::finding::Severity;
    use crate::host::machine::Said;
    use crate::kubelet::{DROP_IN, UNIT};
    use crate::preflight::fake::{FakeMachine, settings};

    fn with(drop_ins: &[&str]) -> FakeMachine {
        FakeMachine::with(|m| {
            let mut text = format!("# /usr/lib/systemd/system/kubelet.service\n{UNIT}\n");
            for (n, drop_in) in drop_ins.iter().enumerate() {
                text.push_str(&format!("# /etc/systemd/system/kubelet.service.d/{n}.conf\n{drop_in}\n"));
            }
            let said = Said { success: true, stdout: text, stderr: String::new() };
            m.says.insert("systemctl cat kubelet".into(), said);
        })
    }

    #[test]
    fn packaged_unit_is_fine_and_scripts_are_not_judged() {
        let script = "[Service]\nExecStart=\nExecStart=/opt/start-kubelet\n";
        let variables = "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet $SITE_ARGS\n";
        let literal =
            "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --config /var/lib/kubelet/config.yaml\n";
        for drop_ins in [vec![DROP_IN], vec![DROP_IN, script], vec![DROP_IN, variables], vec![literal]] {
            assert_eq!(with(&drop_ins).check("KubeletUnit", &settings("")), [], "{drop_ins:?}");
        }
        assert_eq!(FakeMachine::healthy().check("KubeletUnit", &settings("")), []);
    }

    #[test]
    fn unit_without_our_configuration_is_named_with_its_file() {
        let bare = "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet -v 2\n";
        let bare = with(&[DROP_IN, bare]).finding("KubeletUnit", &settings(""));
        assert!(bare.what.contains("without --config"), "{bare:?}");
        let file = "/etc/systemd/system/kubelet.service.d/1.conf: ExecStart=";
        assert!(bare.evidence[0].starts_with(file), "{bare:?}");
        let fresh = with(&[]).finding("KubeletUnit", &settings(""));
        assert_eq!(fresh.severity, Severity::Info, "{fresh:?}");
        let other = "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --config=/opt/k.yaml\n";
        let other = with(&[DROP_IN, other]).finding("KubeletUnit", &settings(""));
        assert!(other.what.contains("/opt/k.yaml"), "{other:?}");
        assert!(other.fix.unwrap().contains("/etc/systemd/system/kubelet.service.d/1.conf"));
    }
}
