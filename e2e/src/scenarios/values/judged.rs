//! What kubestrap says of a case, and the command line that it gives the component.

use std::fs;
use std::process;

use anyhow::Context;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::case::Case;
use super::component::{Component, Configures};
use crate::command::{self, Output};
use crate::json::at;
use crate::machine::{NODE_NAME, Network};
use crate::node::Node;

/// Both.
#[derive(Debug)]
pub(super) struct Judged {
    /// What it calls an error.
    pub(super) errors: Vec<String>,
    pub(super) command: Command,
}

/// How the component is started.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) words: Vec<String>,
    /// Holds the files that the words name.
    pub(super) dir: TempDir,
}

/// kubestrap, and the version of the cluster; unlike a node, threads can share it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kubestrap<'a> {
    program: &'a str,
    version: &'a str,
}

impl<'a> Kubestrap<'a> {
    pub(super) fn of(node: &'a Node) -> Self {
        Self { program: &node.init, version: &node.plan.version }
    }

    fn run(self, args: &[&str]) -> anyhow::Result<Output> {
        command::run(process::Command::new(self.program).args(args))
    }
}

pub(super) fn judge(kubestrap: Kubestrap<'_>, component: &Component, case: &Case) -> anyhow::Result<Judged> {
    let dir = tempfile::tempdir()?;
    let file = |name: &str| dir.path().join(name).display().to_string();
    let (config, own) = (file("config.yaml"), file("own.yaml"));
    let text = match (case, component.configures) {
        (Case::Flags(flags), Configures::Flags { path, .. }) => with_flags(flags, path, kubestrap.version),
        (Case::Document(fields), Configures::Document { version, kind, needed }) => {
            let document = document(fields, version, kind, needed);
            fs::write(&own, &document)?;
            format!("{}---\n{document}", with_flags(&[], &["apiServer"], kubestrap.version))
        }
        (Case::Flags(flags), Configures::NodeFlags { version, kind, needed }) => {
            let document = document("", version, kind, needed);
            fs::write(&own, &document)?;
            format!("{}---\n{document}", with_node_flags(flags, kubestrap.version))
        }
        _ => anyhow::bail!("{}: the case is of another kind", component.name),
    };
    fs::write(&config, text)?;
    let judged = kubestrap.run(&["config", "validate", "--config", &config, "--output", "json"])?;
    let judged: Value = serde_json::from_str(&judged.stdout).with_context(|| judged.failure())?;
    let problems = at(&judged, "/problems").as_array().into_iter().flatten();
    // What contradicts other settings, or kubelet's probes, is not the component's to refuse. Its subnets
    // kube-controller-manager reads when it is the leader.
    let others = ["port", "contradiction", "anonymous-auth", "subnet"];
    let errors = problems.filter(|problem| {
        at(problem, "/severity") == "error" && !others.iter().any(|rule| at(problem, "/rule") == *rule)
    });
    let errors =
        errors.map(|problem| at(problem, "/message").as_str().unwrap_or_default().to_owned()).collect();
    let mut words = match component.configures {
        Configures::Flags { phase, .. } => rendered(kubestrap, phase, &config)?,
        Configures::Document { .. } | Configures::NodeFlags { .. } => {
            vec![
                component.name.to_owned(),
                format!("--config={own}"),
                format!("--hostname-override={NODE_NAME}"),
            ]
        }
    };
    if let (Case::Flags(flags), Configures::NodeFlags { .. }) = (case, component.configures) {
        words.extend(flags.iter().map(|(name, value)| format!("--{name}={value}")));
    }
    words.extend(component.flags.iter().map(|flag| (*flag).to_owned()));
    Ok(Judged { errors, command: Command { words, dir } })
}

/// The command line of the static Pod that kubestrap makes.
pub(super) fn rendered(
    kubestrap: Kubestrap<'_>,
    phase: &[&str],
    config: &str,
) -> anyhow::Result<Vec<String>> {
    let mut args = vec!["init", "phase"];
    args.extend(phase);
    args.extend(["--dry-run", "--config", config]);
    let output = kubestrap.run(&args)?.success()?;
    let pods = ::kubestrap::testing::parse_values(&output.stdout)?;
    let pod = pods.iter().find(|pod| at(pod, "/kind") == "Pod").context("no Pod is made")?;
    let words = at(pod, "/spec/containers/0/command").as_array().into_iter().flatten();
    Ok(words.filter_map(Value::as_str).map(str::to_owned).collect())
}

/// InitConfiguration and ClusterConfiguration with extraArgs at `path`.
pub(super) fn with_flags(flags: &[(String, String)], path: &[&str], version: &str) -> String {
    let args: Vec<Value> = flags.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let mut section = json!({ "extraArgs": args });
    for step in path.iter().rev() {
        section = json!({ *step: section });
    }
    let fields = section.as_object().into_iter().flatten();
    let fields: String = fields.map(|(name, value)| format!("{name}: {value}\n")).collect();
    documents(&json!([]), &fields, version)
}

/// The same with kubeletExtraArgs.
fn with_node_flags(flags: &[(String, String)], version: &str) -> String {
    documents(&flags.iter().map(|(name, value)| json!({"name": name, "value": value})).collect(), "", version)
}

fn documents(kubelet_args: &Value, cluster: &str, version: &str) -> String {
    let api = "apiVersion: kubeadm.k8s.io/v1beta4\n";
    format!(
        "{api}kind: InitConfiguration\nlocalAPIEndpoint: {{advertiseAddress: {}}}\n\
         nodeRegistration: {{name: {NODE_NAME}, criSocket: unix:///run/containerd/containerd.sock, kubeletExtraArgs: {kubelet_args}}}\n\
         ---\n{api}kind: ClusterConfiguration\nkubernetesVersion: {version}\n{cluster}",
        Network::alone().address
    )
}

/// A document with `fields`, and with what is needed where they say nothing else.
fn document(fields: &str, version: &str, kind: &str, needed: &[(&str, &str)]) -> String {
    let fields = fields.trim_start_matches("{}");
    let given = |name: &str| fields.lines().any(|line| line.split(':').next() == Some(name));
    let needed = needed.iter().filter(|(name, _)| !given(name));
    let needed: String = needed.map(|(name, value)| format!("{name}: {value}\n")).collect();
    format!("apiVersion: {version}\nkind: {kind}\n{needed}{fields}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_stand_at_their_path() {
        let text = with_flags(&[("a".into(), "b: c".into())], &["etcd", "local"], "v1.36.2");
        let values = kubestrap::testing::parse_values(&text).unwrap();
        assert_eq!(at(&values[1], "/etcd/local/extraArgs/0/value"), "b: c");
    }

    #[test]
    fn what_is_needed_gives_way() {
        let text = document("a: 1", "v", "K", &[("a", "2"), ("b", "3")]);
        assert_eq!(text, "apiVersion: v\nkind: K\nb: 3\na: 1\n");
        assert_eq!(document("{}", "v", "K", &[]), "apiVersion: v\nkind: K\n\n");
    }
}
