//! What containerd's configuration says, where containerd itself is silent.

use std::path::Path;

use crate::config::NodeSettings;
use crate::host::machine::Machine;

/// Where containerd looks when it is told no other file.
const DEFAULT_PATH: &str = "/etc/containerd/config.toml";

/// A line of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) path: String,
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) text: String,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.number, self.text)
    }
}

/// The configuration file of the containerd that makes our socket: of those that run, the one whose file names the
/// socket, else the only one.
pub(crate) fn path(node: &NodeSettings, machine: &dyn Machine) -> String {
    let socket = node.registration.cri_socket.trim_start_matches("unix://").to_owned();
    let processes = machine.processes();
    let running = processes.iter().filter(|p| p.on_host && p.is("containerd"));
    let mut files: Vec<&str> =
        running.map(|p| p.flag("config").or_else(|| p.flag("c")).unwrap_or(DEFAULT_PATH)).collect();
    files.dedup();
    // The socket's folder is often a link: /var/run.
    let socket = socket.trim_start_matches("/var");
    let names_socket = |file: &&&str| machine.text(Path::new(file)).is_some_and(|text| text.contains(socket));
    let file = files.iter().find(names_socket).or(match files.as_slice() {
        [only] => Some(only),
        _ => None,
    });
    file.copied().unwrap_or(DEFAULT_PATH).to_owned()
}

/// The line that turns containerd's CRI plugin off, if one does. Docker's packages ship such a line.
pub(crate) fn disabled_cri(node: &NodeSettings, machine: &dyn Machine) -> Option<Line> {
    let path = path(node, machine);
    let text = machine.text(path.as_ref())?;
    let mut within = false;
    for (index, line) in text.lines().enumerate() {
        let code = line.split('#').next().unwrap_or_default();
        within |= code.trim_start().starts_with("disabled_plugins");
        // Every plugin of CRI has it as a word: `cri`, `io.containerd.grpc.v1.cri`, `io.containerd.cri.v1.runtime`.
        let names = code.split(['"', '\'']).skip(1).step_by(2);
        if within && names.flat_map(|n| n.split('.')).any(|word| word == "cri") {
            return Some(Line { path, number: index + 1, text: line.trim().to_owned() });
        }
        within &= !code.contains(']');
    }
    None
}

/// The line that sets a key, wherever it stands, and its value without quotes.
pub(crate) fn setting(node: &NodeSettings, machine: &dyn Machine, key: &str) -> Option<(Line, String)> {
    let path = path(node, machine);
    let text = machine.text(path.as_ref())?;
    text.lines().enumerate().find_map(|(index, line)| {
        let (name, value) = line.split('#').next()?.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']).to_owned();
        let line = Line { path: path.clone(), number: index + 1, text: line.trim().to_owned() };
        (name.trim() == key).then_some((line, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::{FakeMachine, process, settings};

    fn with(text: &str) -> FakeMachine {
        FakeMachine::with(|m| m.file(DEFAULT_PATH, text))
    }

    #[test]
    fn line_that_disables_the_cri_plugin_is_found() {
        let found = disabled_cri(&settings("").node, &with("# x\ndisabled_plugins = [\"cri\"]\n")).unwrap();
        assert_eq!(found.to_string(), "/etc/containerd/config.toml:2: disabled_plugins = [\"cri\"]");
        let several =
            "disabled_plugins = [\n  'a.b',\n  'io.containerd.grpc.v1.cri', # off\n]\nx = \"cri\"\n";
        assert_eq!(disabled_cri(&settings("").node, &with(several)).unwrap().number, 3);
        for on in [
            "",
            "#disabled_plugins = [\"cri\"]\n",
            "disabled_plugins = []\nother = [\"cri\"]\n",
            "disabled_plugins = [\"crib\"] # \"cri\"\n",
        ] {
            assert_eq!(disabled_cri(&settings("").node, &with(on)), None, "{on}");
        }
    }

    #[test]
    fn settings_come_from_the_file_that_containerd_was_given() {
        let machine = FakeMachine::with(|m| {
            m.processes = vec![process(1, "/usr/bin/containerd --config /etc/other.toml")];
            m.file(DEFAULT_PATH, "SystemdCgroup = true\n");
            m.file("/etc/other.toml", "  # SystemdCgroup = true\n  SystemdCgroup = false # so\n");
        });
        let (line, value) = setting(&settings("").node, &machine, "SystemdCgroup").unwrap();
        assert_eq!((line.number, line.path.as_str(), value.as_str()), (2, "/etc/other.toml", "false"));
    }

    #[test]
    fn configuration_of_the_containerd_with_our_socket_counts() {
        let mut machine = FakeMachine::with(|m| {
            m.processes =
                vec![process(1, "containerd -c /etc/a.toml"), process(2, "containerd -c /etc/b.toml")];
            m.file("/etc/a.toml", "address = \"/run/other.sock\"\n");
        });
        let s = settings("");
        assert_eq!(path(&s.node, &machine), DEFAULT_PATH);
        machine.file("/etc/b.toml", "address = \"/run/containerd/containerd.sock\"\n");
        assert_eq!(path(&s.node, &machine), "/etc/b.toml");
    }
}
