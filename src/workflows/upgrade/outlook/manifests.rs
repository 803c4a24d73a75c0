//! Static Pod manifests that say more than the cluster's configuration: somebody edited or patched them.

use serde_json::Value;

use super::Evidence;
use super::evidence::Edited;
use crate::config::{KubernetesVersion, Settings};
use crate::finding::Finding;
use crate::host::Host;
use crate::manifest::{self, Component, PkiFacts};
use crate::node::StaticPod;

/// Flags that depend on more than the configuration: with whom etcd was started, and where a CA is while it is rotated.
const OF_THE_NODE: [&str; 2] = ["--initial-cluster", "--cluster-signing-"];

pub(super) fn edited(e: &Evidence) -> Vec<Finding> {
    let finding = |(file, more): &Edited| {
        Finding::warning(format!("the upgrade drops what {} has beyond the cluster's configuration", file.display()))
            .evidences(more.iter().cloned())
            .cause("it was edited or patched: an upgrade generates manifests from ConfigMap kube-system/kubeadm-config and the patches that it is given")
            .fix("put it into extraArgs and extraVolumes there (`kubectl -n kube-system edit configmap kubeadm-config`), or into a directory for `--patches`")
    };
    e.edited_manifests.iter().map(finding).collect()
}

/// Compares this node's manifests with what its present version generates, where that is the cluster's version `before`.
pub(super) fn compare(before: &Settings, host: &dyn Host) -> Vec<Edited> {
    let folder = &before.node.paths.manifests;
    let read = |component| StaticPod::read(folder, component, host).ok().flatten();
    let minor = read(Component::ApiServer).and_then(|pod| tag(&pod)?.parse::<KubernetesVersion>().ok());
    // Another minor has flags of its own; patches of this run may give what is found here.
    if minor.is_none_or(|version| version.minor() != before.cluster.version.minor())
        || before.node.patches.is_some()
    {
        return vec![];
    }
    let compare = |component| {
        let present = read(component)?;
        if component == Component::Etcd && tag(&present)? != before.etcd_tag() {
            return None;
        }
        let generated = manifest::render(component, before, PkiFacts::default()).ok()?;
        let generated = StaticPod::new(component, serde_json::to_value(generated).ok()?);
        let more = beyond(&present, &generated);
        (!more.is_empty()).then(|| (folder.join(component.file()), more))
    };
    Component::ALL.into_iter().filter_map(compare).collect()
}

fn tag(pod: &StaticPod) -> Option<String> {
    pod.image()?.rsplit_once(':').map(|(_, tag)| tag.to_owned())
}

/// What `present` has that `generated` has not.
fn beyond(present: &StaticPod, generated: &StaticPod) -> Vec<String> {
    let flags = |pod: &StaticPod| pod.command().unwrap_or_default();
    let names = |pod: &StaticPod, list: &str, field: &str, what: &str| -> Vec<String> {
        let items = pod.pod().pointer(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let names = items.iter().filter_map(|item| item.pointer(field)?.as_str().map(str::to_owned));
        names.map(|name| format!("{what} {name}")).collect()
    };
    let all = |pod: &StaticPod| {
        let mut all = flags(pod);
        all.extend(names(pod, "/spec/volumes", "/hostPath/path", "volume of"));
        all.extend(names(pod, "/spec/containers", "/name", "container"));
        all
    };
    let known = all(generated);
    let lasting =
        |word: &String| !OF_THE_NODE.iter().any(|flag| word.starts_with(flag)) && !known.contains(word);
    all(present).into_iter().filter(lasting).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::evidence;
    use super::*;

    #[test]
    fn flag_and_volume_that_somebody_added_are_told_and_those_of_etcd_s_start_are_not() {
        let pod = |command: &[&str], paths: &[&str]| {
            let volumes: Vec<Value> =
                paths.iter().map(|path| json!({ "hostPath": { "path": path } })).collect();
            let containers = json!([{ "name": "etcd", "command": command }]);
            StaticPod::new(
                Component::Etcd,
                json!({ "spec": { "containers": containers, "volumes": volumes } }),
            )
        };
        let generated = pod(&["etcd", "--initial-cluster=a=b", "--name=a"], &["/data"]);
        let joined = pod(
            &["etcd", "--initial-cluster=a=b,c=d", "--initial-cluster-state=existing", "--name=a"],
            &["/data"],
        );
        assert_eq!(beyond(&joined, &generated), [""; 0]);
        let edited = pod(
            &["etcd", "--initial-cluster=a=b", "--name=z", "--quota-backend-bytes=9"],
            &["/data", "/logs"],
        );
        assert_eq!(beyond(&edited, &generated), ["--name=z", "--quota-backend-bytes=9", "volume of /logs"]);
    }

    #[test]
    fn each_edited_manifest_is_a_warning_with_what_is_dropped() {
        let mut e = evidence("v1.35.6", "v1.36.2", "");
        assert_eq!(super::edited(&e), []);
        e.edited_manifests = vec![("/m/etcd.yaml".into(), vec!["--a=1".into()])];
        let found = super::edited(&e);
        assert_eq!(
            (found[0].severity, found[0].evidence.as_slice()),
            (crate::finding::Severity::Warning, ["--a=1".to_owned()].as_slice())
        );
    }
}
