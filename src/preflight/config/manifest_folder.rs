//! Other files among the static Pod manifests: kubelet runs every file whose name does not start with a dot.

use k8s_openapi::api::core::v1::Pod;

use crate::config::Settings;
use crate::finding::Finding;
use crate::host::machine::{Machine, PathKind};
use crate::manifest::Component;
use crate::yaml;

pub(crate) fn check(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let folder = &settings.node.paths.manifests;
    if let Some(target) = machine.link(folder).filter(|_| machine.kind(folder).is_none()) {
        let (shown, target) = (folder.display(), target.display());
        return vec![
            Finding::error(format!("{shown} is a link to {target}, which is not there"))
                .cause("neither init nor kubelet can use it as the directory of static Pods")
                .fix(format!("`mkdir -p {target}`; or `rm {shown}`, and init creates a directory")),
        ];
    }
    let ours = |name: &str| Component::ALL.iter().any(|c| c.file() == name);
    let others = machine.list(folder).unwrap_or_default().into_iter();
    others.filter(|n| !n.starts_with('.') && !ours(n)).filter_map(|n| second(settings, machine, &n)).collect()
}

/// A second manifest of one of the four components, usually a backup copy.
fn second(settings: &Settings, machine: &dyn Machine, name: &str) -> Option<Finding> {
    let path = settings.node.paths.manifests.join(name);
    if machine.kind(&path) != Some(PathKind::File) {
        return None;
    }
    let pod: Pod = yaml::from_template(&machine.text(&path)?).ok()?;
    let component = Component::ALL.into_iter().find(|c| is_of(&pod, *c))?;
    if component == Component::Etcd && settings.cluster.config.etcd.local.is_none() {
        return None;
    }
    let (shown, file) = (path.display(), component.file());
    Some(
        Finding::error(format!("{shown} is a second manifest of {}", component.name()))
            .evidence(format!("it holds the Pod {:?}; init writes {file} beside it", pod.metadata.name.unwrap_or_default()))
            .cause("kubelet runs every file in this directory, whatever its ending: both Pods would compete for the same name and ports")
            .fix(format!("`mv {shown} /root/`: copies of manifests belong elsewhere")),
    )
}

fn is_of(pod: &Pod, component: Component) -> bool {
    let labelled = pod.metadata.labels.as_ref().and_then(|l| l.get("component"));
    let in_kube_system = pod.metadata.namespace.as_deref() == Some("kube-system");
    in_kube_system
        && (labelled.is_some_and(|l| l == component.name())
            || pod.metadata.name.as_deref() == Some(component.name()))
}

#[cfg(test)]
mod tests {
    use crate::preflight::fake::{FakeMachine, settings};

    fn with(name: &str, text: &str) -> FakeMachine {
        FakeMachine::with(|m| {
            m.file(&format!("/etc/kubernetes/manifests/{name}"), text);
            m.dirs.insert("/etc/kubernetes/manifests".into(), vec![name.into()]);
        })
    }

    fn pod(name: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: kube-system}}\nspec: {{containers: []}}\n"
        )
    }

    #[test]
    fn copy_of_a_manifest_is_a_second_pod() {
        let found =
            with("kube-apiserver.yaml.bak", &pod("kube-apiserver")).finding("ManifestFolder", &settings(""));
        assert!(
            found.what.contains("kube-apiserver.yaml.bak is a second manifest of kube-apiserver"),
            "{found:?}"
        );
        for (name, text) in [
            ("kube-vip.yaml", pod("kube-vip")),
            (".kube-apiserver.yaml", pod("kube-apiserver")),
            ("kube-apiserver.yaml", pod("kube-apiserver")),
            ("notes.txt", "not a Pod".to_owned()),
        ] {
            assert_eq!(with(name, &text).check("ManifestFolder", &settings("")), [], "{name}");
        }
        let external = "etcd: {external: {endpoints: ['http://192.0.2.3:2379']}}\n";
        assert_eq!(with("etcd-old.yaml", &pod("etcd")).check("ManifestFolder", &settings(external)), []);
    }

    #[test]
    fn dangling_link_as_manifest_directory_is_an_error() {
        let machine = FakeMachine::with(|m| {
            m.links.insert("/etc/kubernetes/manifests".into(), "/srv/none".into());
        });
        let found = machine.finding("ManifestFolder", &settings(""));
        assert!(found.what.ends_with("is a link to /srv/none, which is not there"), "{found:?}");
        assert!(found.fix.unwrap().contains("mkdir -p /srv/none"));
    }
}
