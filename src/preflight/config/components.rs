//! What the components will say about their configuration ([`crate::components`]), under names that can be ignored.

use std::sync::{Arc, OnceLock};

use k8s_openapi::api::core::v1::Pod;

use crate::components::{self, Subject, Verdict};
use crate::config::Settings;
use crate::config::v1beta4::Arg;
use crate::finding::{Finding, Severity};
use crate::host::machine::Machine;
use crate::manifest::Component;
use crate::patches::{PatchSet, decode, known_targets};
use crate::preflight::config::existing::kubelet_env_flags;
use crate::preflight::kubelet;

/// The verdicts, of which each check reports some: the first that asks judges for all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Judged(Arc<OnceLock<Vec<Judgement>>>);

#[derive(Debug)]
struct Judgement {
    verdict: Verdict,
    /// Without the user's patches it would not be said.
    of_patch: bool,
}

impl Judged {
    fn all(&self, settings: &Settings, machine: &dyn Machine) -> &[Judgement] {
        let minor = kubelet_minor(settings, machine);
        self.0.get_or_init(|| judge(settings, minor))
    }

    /// Reports the verdicts of one check.
    pub(crate) fn check(&self, name: &str, settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
        let mut help = None;
        let own = self.all(settings, machine).iter().filter(|judgement| judgement.verdict.check == name);
        own.filter_map(|Judgement { verdict, of_patch }| {
            let place = match verdict.kind {
                _ if *of_patch => {
                    format!("the patches in {}", settings.node.patches.clone().unwrap_or_default().display())
                }
                // A joining node has the same in its JoinConfiguration.
                "InitConfiguration" => format!("`{}`", verdict.path),
                kind => format!("`{}` of the {kind}", verdict.path),
            };
            of_kubelet_itself(verdict.clone(), &mut help, machine).map(|verdict| finding(verdict, &place))
        })
        .collect()
    }

    /// Reports on all flags, those that packages' files give kubelet included.
    pub(crate) fn flags(&self, settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
        let mut findings = self.check("ExtraArgs", settings, machine);
        let env = kubelet_env_flags(machine);
        let args: Vec<Arg> =
            env.iter().map(|(_, name, value)| Arg { name: name.clone(), value: value.clone() }).collect();
        let mut help = None;
        for (index, verdict) in components::judge_kubelet_flags(&args, kubelet_minor(settings, machine)) {
            let place =
                index.and_then(|index| env.get(index)).map_or("its environment file", |(file, ..)| file);
            let verdict = of_kubelet_itself(verdict, &mut help, machine);
            findings.extend(verdict.map(|verdict| finding(verdict, place)));
        }
        findings
    }
}

fn judge(settings: &Settings, kubelet_minor: u64) -> Vec<Judgement> {
    let verdicts = components::judge(&patched(settings, kubelet_minor));
    let known = match settings.node.patches {
        Some(_) if !verdicts.is_empty() => {
            components::judge(&Subject { kubelet_minor, ..Subject::of(settings) })
        }
        _ => verdicts.clone(),
    };
    let of_patch = |verdict: &Verdict| !known.iter().any(|known| known.message == verdict.message);
    verdicts.into_iter().map(|verdict| Judgement { of_patch: of_patch(&verdict), verdict }).collect()
}

/// What is judged: the settings with the user's patches, and the kubelet that is here.
pub(super) fn subject<'a>(settings: &'a Settings, machine: &dyn Machine) -> Subject<'a> {
    patched(settings, kubelet_minor(settings, machine))
}

fn patched(settings: &Settings, kubelet_minor: u64) -> Subject<'_> {
    let mut subject = Subject { kubelet_minor, ..Subject::of(settings) };
    patch(&mut subject.pods, settings);
    subject
}

/// The minor of the kubelet that is here, else of the control plane.
fn kubelet_minor(settings: &Settings, machine: &dyn Machine) -> u64 {
    kubelet::version(machine).map_or(settings.cluster.version.minor(), |version| version.minor())
}

/// The Pods with the user's patches. What can't be patched is told where patches are tried.
fn patch(pods: &mut [(Component, Pod)], settings: &Settings) {
    let Some(dir) = &settings.node.patches else { return };
    let targets = known_targets(settings.cluster.release);
    let Ok(patches) = PatchSet::load(dir, &targets) else { return };
    for (component, pod) in pods {
        let patched = serde_json::to_value(&*pod)
            .ok()
            .and_then(|value| patches.apply(component.name(), value).ok())
            .and_then(|(value, _)| decode::<Pod>(value).ok());
        if let Some(patched) = patched {
            *pod = patched.object;
        }
    }
}

/// kubelet is here and can be asked whether it knows a flag: `--help` lists all but a few that are hidden.
fn of_kubelet_itself(verdict: Verdict, help: &mut Option<String>, machine: &dyn Machine) -> Option<Verdict> {
    if verdict.rule != "flag-unknown" || !verdict.message.starts_with("kubelet ") {
        return Some(verdict);
    }
    let help = help.get_or_insert_with(|| machine.run("kubelet", &["--help"]).unwrap_or_default().stdout);
    let name = verdict.message.split('`').nth(1).unwrap_or_default();
    let listed = help.split_whitespace().any(|word| word.trim_end_matches(',') == format!("--{name}"));
    if listed {
        return None;
    }
    let severity = if help.contains("--kubeconfig") { verdict.severity } else { Severity::Warning };
    Some(Verdict { severity, ..verdict })
}

fn finding(verdict: Verdict, place: &str) -> Finding {
    let finding = match verdict.severity {
        Severity::Error => Finding::error(verdict.message),
        _ => Finding::warning(verdict.message),
    };
    let finding = match (verdict.cause, verdict.severity) {
        (Some(cause), _) => finding.cause(cause),
        (None, Severity::Error) => finding.cause("the component exits at once when it reads this"),
        (None, _) => finding,
    };
    finding.fix(format!("correct it in {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::machine::Said;
    use crate::preflight::fake::{FakeMachine, settings, severities};

    fn api_server(name: &str, value: &str) -> Vec<Finding> {
        let config = format!("apiServer: {{extraArgs: [{{name: {name}, value: '{value}'}}]}}\n");
        FakeMachine::healthy().check("ExtraArgs", &settings(&config))
    }

    #[test]
    fn what_a_component_refuses_is_an_error_with_its_place() {
        assert!(api_server("audit-policy-file", "/x").is_empty());
        let found = api_server("audit-log-maxage", "30d");
        assert_eq!(severities(&found), [Severity::Error]);
        assert!(found[0].fix.as_ref().unwrap().contains("apiServer.extraArgs.0.value"), "{found:?}");
        assert_eq!(severities(&api_server("apiserver-count", "3")), [Severity::Warning]);
        assert_eq!(severities(&api_server("insecure-port", "0")), [Severity::Error]);
    }

    #[test]
    fn each_kind_of_setting_has_its_own_check() {
        for (check, config) in [
            (
                "KubeletConfiguration",
                "---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: -1\n",
            ),
            (
                "KubeProxyConfiguration",
                "---\napiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: IPVS\n",
            ),
            (
                "FeatureGates",
                "---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nfeatureGates: {NodeSwop: true}\n",
            ),
            (
                "StaticPods",
                "apiServer: {extraVolumes: [{name: v, hostPath: /a, mountPath: /x, pathType: Dir}]}\n",
            ),
            (
                "Taints",
                "---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nnodeRegistration: {taints: [{key: a}]}\n",
            ),
        ] {
            let found = FakeMachine::healthy().check(check, &settings(config));
            assert_eq!(severities(&found), [Severity::Error], "{check}: {found:?}");
            assert_eq!(FakeMachine::healthy().check(check, &settings("")), []);
        }
    }

    #[test]
    fn what_a_patch_adds_is_to_be_corrected_in_the_patch() {
        let dir = tempfile::tempdir().unwrap();
        let patch = "- op: add\n  path: /spec/containers/0/command/-\n  value: --no-such-flag=1\n";
        std::fs::write(dir.path().join("kube-apiserver+json.yaml"), patch).unwrap();
        let config = format!(
            "apiServer: {{extraArgs: [{{name: insecure-port, value: '0'}}]}}\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\npatches: {{directory: {}}}\n",
            dir.path().display()
        );
        let found = FakeMachine::healthy().check("ExtraArgs", &settings(&config));
        let fix = |flag: &str| {
            let found = found.iter().find(|finding| finding.what.contains(flag)).unwrap();
            found.fix.clone().unwrap()
        };
        assert_eq!(fix("no-such-flag"), format!("correct it in the patches in {}", dir.path().display()));
        assert!(fix("insecure-port").contains("apiServer.extraArgs"));
    }

    #[test]
    fn kubelet_itself_is_asked_about_its_flags() {
        let config = "---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nnodeRegistration: {kubeletExtraArgs: [{name: node-labels, value: a=b}, {name: hidden, value: x}, {name: pod-infra-container-image, value: x}]}\n";
        let mut machine = FakeMachine::healthy();
        let warned = machine.check("ExtraArgs", &settings(config));
        assert_eq!(severities(&warned), [Severity::Warning, Severity::Warning], "kubelet could not be asked");
        let help = Said {
            success: true,
            stdout: "  --kubeconfig string  x\n  --hidden\n".into(),
            stderr: String::new(),
        };
        machine.says.insert("kubelet --help".into(), help);
        let found = machine.finding("ExtraArgs", &settings(config));
        assert_eq!(found.severity, Severity::Error);
        assert!(found.what.contains("1.34 was the last"), "{found:?}");
        machine.file("/etc/default/kubelet", "KUBELET_EXTRA_ARGS=\"--container-runtime=remote\"\n");
        let found = machine.finding("ExtraArgs", &settings(""));
        assert!(found.fix.unwrap().contains("/etc/default/kubelet"));
    }
}
