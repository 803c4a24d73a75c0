//! The command line that the init system starts kubelet with: a drop-in may leave out or replace our files.

use std::path::Path;

use crate::config::NodeSettings;
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::kubelet::lacks_drop_in;
use crate::preflight::config::existing::kubelet_env_flags;

/// Variables of files that init writes, or that are judged by themselves.
const OWN: [&str; 2] = ["KUBELET_KUBEADM_ARGS", "KUBELET_EXTRA_ARGS"];

pub(crate) fn check(node: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    if machine.init_system() != Some("systemd") || !machine.service("kubelet").exists {
        return vec![];
    }
    let Ok(said) = machine.run("systemctl", &["cat", "kubelet"]) else { return vec![] };
    if lacks_drop_in(&said.stdout) {
        return vec![Finding::info("kubelet's unit has no configuration yet: the drop-in will be installed")];
    }
    let mut unit = Unit::parse(&said.stdout);
    unit.read_environment(machine);
    let wanted = node.paths.kubelet.join("config.yaml").display().to_string();
    if kubelet_env_flags(machine).iter().any(|(_, name, _)| name == "config") {
        return vec![];
    }
    let (Some(line), Some(words)) = (&unit.exec_start, unit.words()) else { return vec![] };
    // What starts kubelet by a script of its own is not ours to read.
    if words.first().is_none_or(|w| w.rsplit('/').next() != Some("kubelet")) {
        return vec![];
    }
    let given = value_of(&words, "config");
    let given = given.as_deref();
    if given == Some(&wanted) {
        return vec![];
    }
    if runs_static_pods(&words, given, node, machine) {
        let reads = given.unwrap_or("no configuration file");
        return vec![
            Finding::warning(format!("kubelet's unit makes it read {reads}: {wanted} will have no effect"))
                .evidence(format!("{}: ExecStart={line}", unit.file))
                .cause("the unit was written for this machine, and is left as it is; it has kubelet run static Pods from the right directory"),
        ];
    }
    let (what, cause) = match given {
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

/// The value of a flag, given as `--name=value` or `--name value`; the last one counts.
fn value_of(words: &[String], name: &str) -> Option<String> {
    words.iter().enumerate().rev().find_map(|(at, word)| {
        let (flag, value) = word.split_once('=').map_or((word.as_str(), None), |(f, v)| (f, Some(v)));
        if flag.trim_start_matches('-') != name || !flag.starts_with('-') {
            return None;
        }
        value.map(str::to_owned).or_else(|| words.get(at + 1).cloned())
    })
}

/// Whether a kubelet that reads this file runs the static Pods that init writes.
fn runs_static_pods(
    words: &[String],
    file: Option<&str>,
    node: &NodeSettings,
    machine: &dyn Machine,
) -> bool {
    let of_file = || {
        let text = machine.text(file?.as_ref())?;
        let value = crate::yaml::parse_values(&text).ok()?.into_iter().next()?;
        value.get("staticPodPath")?.as_str().map(str::to_owned)
    };
    let folder = value_of(words, "pod-manifest-path").or_else(of_file);
    folder.is_some_and(|folder| Path::new(&folder) == node.paths.manifests)
}

/// As much of a unit as tells what is started.
#[derive(Default)]
struct Unit {
    /// The file that the command comes from.
    file: String,
    exec_start: Option<String>,
    environment: Vec<(String, String)>,
    /// The files with more variables.
    environment_files: Vec<String>,
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
            } else if let Some(value) = line.strip_prefix("EnvironmentFile=") {
                unit.environment_files.push(value.trim_start_matches('-').to_owned());
            } else if let Some(value) = line.strip_prefix("Environment=") {
                unit.environment.extend(assignment(value.trim_matches(['"', '\''])));
            }
        }
        unit
    }

    /// Adds the variables of the files; they count more than the unit's own.
    fn read_environment(&mut self, machine: &dyn Machine) {
        for file in &self.environment_files {
            let text = machine.text(file.as_ref()).unwrap_or_default().replace("\\\n", " ");
            self.environment.extend(text.lines().filter_map(|line| assignment(line.trim())));
        }
    }

    /// The words of the command, with the values of variables; none where one is used whose value is not known.
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
                _ if OWN.contains(&name) => {}
                Some((_, value)) => words.extend(value.split_whitespace().map(str::to_owned)),
                None => return None,
            }
        }
        Some(words)
    }
}

/// `NAME=value`, with or without quotes round the value.
fn assignment(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    Some((name.to_owned(), value.trim_matches(['"', '\'']).to_owned()))
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

    /// A unit of an installer's own, with its flags in a file.
    const INSTALLER: &str = "[Service]\nEnvironmentFile=-/etc/kubernetes/kubelet.env\nExecStart=/usr/local/bin/kubelet \\\n\t\t$LEVEL \\\n\t\t$ARGS\n";

    fn installer(args: &str) -> FakeMachine {
        let mut machine = with(&[]);
        let said = format!("# /etc/systemd/system/kubelet.service\n{INSTALLER}");
        machine.says.get_mut("systemctl cat kubelet").unwrap().stdout = said;
        machine.file("/etc/kubernetes/kubelet.env", format!("LEVEL=\"--v=2\"\nARGS=\"{args}\"\n"));
        machine
    }

    #[test]
    fn unit_of_an_installer_is_left_and_what_it_ignores_is_told() {
        let mut machine =
            installer("--hostname-override=cp-1 \\\n--config=/etc/kubernetes/kubelet-config.yaml");
        machine.file("/etc/kubernetes/kubelet-config.yaml", "staticPodPath: /etc/kubernetes/manifests\n");
        let found = machine.finding("KubeletUnit", &settings(""));
        assert_eq!(found.severity, Severity::Warning, "{found:?}");
        for part in
            ["/etc/kubernetes/kubelet-config.yaml", "/var/lib/kubelet/config.yaml will have no effect"]
        {
            assert!(found.what.contains(part), "{found:?}");
        }
        let flag =
            installer("--pod-manifest-path /etc/kubernetes/manifests").finding("KubeletUnit", &settings(""));
        assert!(
            flag.severity == Severity::Warning && flag.what.contains("no configuration file"),
            "{flag:?}"
        );
        let ours = installer("--config /var/lib/kubelet/config.yaml");
        assert_eq!(ours.check("KubeletUnit", &settings("")), []);
    }

    #[test]
    fn kubelet_that_would_not_find_the_manifests_is_an_error() {
        let mut machine = installer("--config=/etc/kubelet.yaml");
        machine.file("/etc/kubelet.yaml", "staticPodPath: /opt/manifests\n");
        for machine in [machine, installer("--pod-manifest-path=/opt"), installer("")] {
            let found = machine.finding("KubeletUnit", &settings(""));
            assert_eq!(found.severity, Severity::Error, "{found:?}");
        }
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
