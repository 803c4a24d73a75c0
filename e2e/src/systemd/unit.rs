//! Unit files: as much of systemd.unit(5), systemd.service(5) and systemd.exec(5) as kubelet's use.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where units lie; what comes first wins.
const FOLDERS: &[&str] =
    &["/etc/systemd/system", "/run/systemd/system", super::PACKAGED, "/lib/systemd/system"];

/// A service's unit, with its drop-ins.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    /// The files it comes from, in the order in which they count.
    pub(super) files: Vec<PathBuf>,
    environment: Vec<(String, String)>,
    environment_files: Vec<String>,
    exec_start: Vec<String>,
}

/// The unit of the service `name` (without `.service`), if there is one.
pub(super) fn load(name: &str) -> Option<Unit> {
    let file = FOLDERS.iter().map(|f| Path::new(f).join(format!("{name}.service"))).find(|f| f.exists())?;
    let mut drop_ins = BTreeMap::new();
    for folder in FOLDERS.iter().rev() {
        let entries = fs::read_dir(Path::new(folder).join(format!("{name}.service.d"))).into_iter().flatten();
        for path in entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "conf"))
        {
            drop_ins.insert(path.file_name().map(ToOwned::to_owned), path);
        }
    }
    let mut unit = Unit::default();
    for file in std::iter::once(file).chain(drop_ins.into_values()) {
        unit.merge(&fs::read_to_string(&file).unwrap_or_default());
        unit.files.push(file);
    }
    Some(unit)
}

impl Unit {
    /// Adds what another file says: lists grow, an empty value starts them again.
    fn merge(&mut self, text: &str) {
        let mut section = "";
        for line in text.replace("\\\n", " ").lines().map(str::trim) {
            if line.starts_with('[') {
                section = if line == "[Service]" { "service" } else { "" };
            }
            let Some((key, value)) = line.split_once('=') else { continue };
            if section != "service" || line.starts_with(['#', ';']) {
                continue;
            }
            let value = value.trim();
            match (key.trim(), value) {
                ("Environment", "") => self.environment.clear(),
                ("Environment", _) => {
                    self.environment.extend(words(value).iter().filter_map(|w| assignment(w)))
                }
                ("EnvironmentFile", "") => self.environment_files.clear(),
                ("EnvironmentFile", _) => self.environment_files.push(value.to_owned()),
                ("ExecStart", "") => self.exec_start.clear(),
                ("ExecStart", _) => self.exec_start.push(value.to_owned()),
                _ => {}
            }
        }
    }

    /// The command line, with the environment as it is now.
    ///
    /// # Errors
    /// When there is none, or a file that must be there is not.
    pub(super) fn command(&self) -> Result<(Vec<String>, BTreeMap<String, String>), String> {
        let mut environment: BTreeMap<String, String> = self.environment.iter().cloned().collect();
        for file in &self.environment_files {
            let (path, optional) = file.strip_prefix('-').map_or((file.as_str(), false), |path| (path, true));
            match fs::read_to_string(path) {
                Ok(text) => {
                    let text = text.replace("\\\n", "");
                    let lines = text.lines().map(str::trim).filter(|l| !l.starts_with(['#', ';']));
                    environment.extend(lines.filter_map(|l| {
                        let (key, value) = l.split_once('=')?;
                        Some((key.trim().to_owned(), words(value).join(" ")))
                    }));
                }
                Err(_) if optional => {}
                Err(error) => return Err(format!("{path}: {error}")),
            }
        }
        let [line] = self.exec_start.as_slice() else {
            return Err(format!("{} ExecStart= lines instead of one", self.exec_start.len()));
        };
        Ok((expand(line, &environment), environment))
    }
}

/// The words of `line`. `$NAME` as a word of its own becomes as many words as its value has; `${NAME}` is replaced where
/// it stands.
fn expand(line: &str, environment: &BTreeMap<String, String>) -> Vec<String> {
    let value = |name: &str| environment.get(name).cloned().unwrap_or_default();
    let mut expanded = vec![];
    for word in words(line) {
        match word.strip_prefix('$') {
            Some(name) if !name.starts_with('{') => expanded.extend(words(&value(name))),
            _ => {
                let mut rest = word.as_str();
                let mut text = String::new();
                while let Some((before, after)) = rest.split_once("${") {
                    let Some((name, behind)) = after.split_once('}') else { break };
                    text.push_str(before);
                    text.push_str(&value(name));
                    rest = behind;
                }
                text.push_str(rest);
                expanded.push(text);
            }
        }
    }
    expanded
}

/// Splits at blanks outside of quotes, and takes the quotes away.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut escaped = false;
    for c in text.chars() {
        match c {
            _ if escaped => {
                word.get_or_insert_default().push(c);
                escaped = false;
            }
            '\\' if quote != Some('\'') => escaped = true,
            '"' | '\'' if quote == Some(c) => quote = None,
            '"' | '\'' if quote.is_none() => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && quote.is_none() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn assignment(word: &str) -> Option<(String, String)> {
    word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drop_in_replaces_the_command_and_its_variables_become_words() {
        let dir = tempfile::tempdir().unwrap();
        let flags = dir.path().join("flags.env");
        fs::write(&flags, "KUBELET_KUBEADM_ARGS=\"--hostname-override=a \\\n--node-ip=\\\"10.0.0.1\\\"\"\n")
            .unwrap();
        let mut unit = Unit::default();
        unit.merge("[Unit]\nExecStart=/no\n[Service]\nExecStart=/usr/bin/kubelet\nRestart=always\n");
        unit.merge(&format!(
            "[Service]\nEnvironment=\"C=--config=/c --x\" D=1\nEnvironmentFile=-{}\nEnvironmentFile=-/none\n\
             ExecStart=\nExecStart=/usr/bin/kubelet $C $KUBELET_KUBEADM_ARGS $NONE --d=${{D}}\n",
            flags.display()
        ));
        let (command, _) = unit.command().unwrap();
        assert_eq!(
            command,
            [
                "/usr/bin/kubelet",
                "--config=/c",
                "--x",
                "--hostname-override=a",
                "--node-ip=10.0.0.1",
                "--d=1"
            ]
        );
    }

    #[test]
    fn what_must_be_there_is_missed() {
        let mut unit = Unit::default();
        unit.merge("[Service]\nEnvironmentFile=/none/at/all\nExecStart=/bin/true\n");
        assert!(unit.command().unwrap_err().starts_with("/none/at/all: "));
        assert!(Unit::default().command().is_err());
    }
}
