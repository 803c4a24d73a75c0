//! Existing manifests.

use crate::config::Settings;
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::manifest::Component;
use crate::preflight::config::existing::{self, Existing, manifest_path};

pub(crate) fn check(settings: &Settings, machine: &dyn Machine, component: Component) -> Vec<Finding> {
    let path = manifest_path(&settings.node, component);
    let path = path.display();
    let no_local_etcd = component == Component::Etcd && settings.cluster.config.etcd.local.is_none();
    let (finding, why) = match existing::manifest(&settings.node, machine, component) {
        Existing::Absent => return vec![],
        Existing::Ours if no_local_etcd => {
            let finding = Finding::error(format!("{path} runs an etcd on this machine"))
                .cause("the configuration names an external etcd, so another cluster left this one")
                .fix(format!("`kubestrap reset`; or if nothing needs it, `mv {path} /root/`"));
            return vec![finding];
        }
        Existing::Ours => {
            let what = format!("{path} exists, from an earlier run: it is rewritten only if it differs");
            return vec![Finding::info(what)];
        }
        Existing::NoPod(why) => (
            Finding::warning(format!("{path} is not a manifest that kubelet could run; it will be replaced"))
                .fix(format!("nothing, or to keep it: `mv {path} /root/`")),
            why,
        ),
        Existing::Foreign(why) => (
            Finding::error(format!("{path} exists, and does not belong to this cluster"))
                .cause("an earlier cluster was not removed, or somebody put it there")
                .fix(format!("`kubestrap reset`; or to keep it, `mv {path} /root/`")),
            why,
        ),
    };
    vec![finding.evidence(why)]
}

#[cfg(test)]
mod tests {
    use crate::finding::Severity;
    use crate::preflight::fake::{FakeMachine, settings};

    #[test]
    fn ours_stays_foreign_is_refused_rubbish_is_replaced() {
        let path = "/etc/kubernetes/manifests/etcd.yaml";
        let row = "FileAvailable--etc-kubernetes-manifests-etcd.yaml";
        let pod = |name: &str| {
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: kube-system, labels: {{component: {name}}}}}\n"
            )
        };
        let severity = |content: &str, ca: bool, config: &str| {
            let machine = FakeMachine::with(|m| {
                m.file(path, content);
                if ca {
                    m.file("/etc/kubernetes/pki/ca.crt", "x");
                }
            });
            machine.finding(row, &settings(config)).severity
        };
        assert!(FakeMachine::healthy().check(row, &settings("")).is_empty());
        assert_eq!(severity(&pod("etcd"), true, ""), Severity::Info);
        assert_eq!(severity(&pod("etcd"), false, ""), Severity::Error);
        assert_eq!(severity(&pod("nginx"), true, ""), Severity::Error);
        assert_eq!(severity("{half", true, ""), Severity::Warning);
        let external = "etcd: {external: {endpoints: ['http://192.0.2.3:2379']}}\n";
        assert_eq!(severity(&pod("etcd"), true, external), Severity::Error);
    }
}
