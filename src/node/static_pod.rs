//! A static Pod as its manifest on this machine describes it; it may differ from what would be rendered.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::host::{FileError, Host};
use crate::manifest::Component;
use crate::yaml;

/// A static Pod of a control-plane component, read from its manifest.
#[derive(Clone, Debug)]
pub(crate) struct StaticPod {
    component: Component,
    pod: Value,
}

/// Why a manifest can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StaticPodError {
    /// It can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not YAML, or empty.
    #[error("{}: {reason}", path.display())]
    Content {
        /// The manifest's file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl StaticPod {
    /// The static Pod of a component in the manifests' folder; none if it has no manifest.
    ///
    /// # Errors
    /// When the manifest can't be read, or is not YAML.
    pub(crate) fn read(
        manifests: &Path,
        component: Component,
        host: &dyn Host,
    ) -> Result<Option<Self>, StaticPodError> {
        let path = manifests.join(component.file());
        let Some(text) = host.read(&path)? else { return Ok(None) };
        let content = |reason: String| StaticPodError::Content { path: path.clone(), reason };
        let documents =
            yaml::parse_values(&String::from_utf8_lossy(&text)).map_err(|e| content(e.to_string()))?;
        let pod = documents.into_iter().next().ok_or_else(|| content("is empty".into()))?;
        Ok(Some(Self { component, pod }))
    }

    /// One whose manifest is at hand.
    pub(crate) fn new(component: Component, pod: Value) -> Self {
        Self { component, pod }
    }

    /// Which component it runs.
    pub(crate) fn component(&self) -> Component {
        self.component
    }

    /// The Pod.
    pub(crate) fn pod(&self) -> &Value {
        &self.pod
    }

    /// The last value of `--name` in the component's command.
    pub(crate) fn flag(&self, name: &str) -> Option<String> {
        let command = self.command()?;
        let wanted = [format!("--{name}"), format!("-{name}")];
        let mut found = None;
        for (i, word) in command.iter().enumerate() {
            match word.split_once('=') {
                Some((flag, value)) if wanted.iter().any(|w| w == flag) => found = Some(value.to_owned()),
                None if wanted.contains(word) => found = command.get(i + 1).cloned(),
                _ => {}
            }
        }
        found
    }

    /// The manifest's text with other values of flags that it has as `--name=value`; everything else as it was.
    ///
    /// # Errors
    /// When it can't be written as YAML.
    pub(crate) fn with_flags(mut self, flags: &[(&str, &str)]) -> Result<String, yaml::WriteError> {
        let containers = self.pod.pointer_mut("/spec/containers").and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            for list in ["command", "args"] {
                let words = container.get_mut(list).and_then(Value::as_array_mut);
                for word in words.into_iter().flatten() {
                    let flag = flags.iter().find(|(name, _)| {
                        word.as_str().and_then(|w| w.split_once('=')).is_some_and(|(flag, _)| {
                            flag.strip_prefix("--").is_some_and(|flag| flag == *name)
                        })
                    });
                    if let Some((name, value)) = flag {
                        *word = format!("--{name}={value}").into();
                    }
                }
            }
        }
        yaml::to_string(&self.pod)
    }

    /// The command line of the container that runs the component.
    pub(crate) fn command(&self) -> Option<Vec<String>> {
        let words = |container: &Value| -> Vec<String> {
            let list = |key: &str| container.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
            let all = list("command").into_iter().chain(list("args"));
            all.filter_map(|word| word.as_str().map(str::to_owned)).collect()
        };
        let mut commands = self.containers()?.iter().map(words);
        commands.find(|words| words.first().is_some_and(|first| first.ends_with(self.component.name())))
    }

    fn containers(&self) -> Option<&Vec<Value>> {
        self.pod.pointer("/spec/containers")?.as_array()
    }

    /// Whether other containers run beside the component's.
    pub(crate) fn is_accompanied(&self) -> bool {
        self.containers().is_some_and(|all| all.len() > 1)
    }

    /// The component's container.
    pub(super) fn container(&self) -> Option<&Value> {
        let name = self.component.name();
        self.containers()?.iter().find(|c| c.get("name").is_some_and(|n| n == name))
    }

    /// The image of the component's container.
    pub(crate) fn image(&self) -> Option<&str> {
        self.container()?.get("image")?.as_str()
    }

    /// The path on this machine of a volume.
    pub(crate) fn host_path(&self, volume: &str) -> Option<PathBuf> {
        let volumes = self.pod.pointer("/spec/volumes")?.as_array()?;
        let found = volumes.iter().find(|v| v.get("name").is_some_and(|name| name == volume))?;
        found.pointer("/hostPath/path")?.as_str().map(PathBuf::from)
    }

    /// The certificates' folder that kube-apiserver uses: that of its client CA.
    pub(crate) fn certificates_folder(&self) -> Option<PathBuf> {
        Path::new(&self.flag("client-ca-file")?).parent().map(Path::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(spec: Value) -> StaticPod {
        StaticPod::new(Component::Etcd, json!({ "spec": spec }))
    }

    #[test]
    fn last_value_of_a_flag_counts_in_both_spellings_and_other_containers_do_not() {
        let flag = |words: &[&str]| {
            let command: Vec<&str> = std::iter::once("etcd").chain(words.iter().copied()).collect();
            pod(json!({ "containers": [{ "command": ["sidecar", "--name=other"] }, { "command": command }] }))
                .flag("name")
        };
        assert_eq!(flag(&["--name=a", "--name=b"]).as_deref(), Some("b"));
        assert_eq!(flag(&["-name", "c"]).as_deref(), Some("c"));
        assert_eq!(flag(&["--names=d"]), None);
        assert_eq!(flag(&["--name"]), None);
    }

    #[test]
    fn flag_gets_another_value_and_the_rest_of_the_manifest_stays() {
        let words = ["etcd", "--name=a", "--named=b", "--c=name=d"];
        let spec = |words: &[&str]| json!({ "containers": [{ "command": words, "image": "x" }] });
        let text = pod(spec(&words)).with_flags(&[("name", "e"), ("absent", "f")]).unwrap();
        let changed = yaml::parse_values(&text).unwrap().remove(0);
        assert_eq!(changed, json!({ "spec": spec(&["etcd", "--name=e", "--named=b", "--c=name=d"]) }));
    }

    #[test]
    fn image_and_data_folder_are_read() {
        let pod = pod(json!({
            "containers": [{ "name": "sidecar", "image": "s" }, { "name": "etcd", "image": "etcd:3" }],
            "volumes": [{ "name": "etcd-certs", "hostPath": { "path": "/c" } }, { "name": "etcd-data", "hostPath": { "path": "/d" } }],
        }));
        assert_eq!(pod.image(), Some("etcd:3"));
        assert_eq!(pod.host_path("etcd-data"), Some("/d".into()));
        assert_eq!(pod.host_path("none"), None);
    }
}
