//! Names of feature gates. kubelet is here and can be asked for those that can be set.

use crate::config::Settings;
use crate::config::settings::last_value;
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::preflight::config::existing::kubelet_flag;
use crate::preflight::kubelet;

pub(crate) fn check(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let cluster = &settings.cluster.config;
    let flag = |args| last_value(args, "feature-gates").map(names).unwrap_or_default();
    let mut of_kubelet: Vec<String> =
        settings.cluster.kubelet.iter().flat_map(|k| k.feature_gates.keys().cloned()).collect();
    of_kubelet.extend(
        kubelet_flag(&settings.node, machine, "feature-gates").map(|v| names(&v)).unwrap_or_default(),
    );
    let given = [
        ("kubelet", "featureGates of the KubeletConfiguration", of_kubelet),
        ("kube-apiserver", "feature-gates in apiServer.extraArgs", flag(&cluster.api_server.extra_args)),
        (
            "kube-controller-manager",
            "feature-gates in controllerManager.extraArgs",
            flag(&cluster.controller_manager.extra_args),
        ),
        ("kube-scheduler", "feature-gates in scheduler.extraArgs", flag(&cluster.scheduler.extra_args)),
    ];
    if given.iter().all(|(_, _, names)| names.is_empty()) {
        return vec![];
    }
    let help = machine.run("kubelet", &["--help"]).unwrap_or_default().stdout;
    // `Name=true|false (ALPHA - default=false)`, one a line.
    let mut known: Vec<&str> =
        help.split("=true|false").filter_map(|part| part.split_whitespace().last()).collect();
    known.pop();
    if known.len() < 10 {
        return vec![];
    }
    let Ok(version) = kubelet::version(machine) else { return vec![] };
    let mut findings = vec![];
    for (component, place, names) in given {
        for name in names.iter().filter(|n| !known.contains(&n.as_str())) {
            findings.push(unknown(component, place, name, &known, &version.to_string()));
        }
    }
    findings
}

/// kubelet lists the gates of all components, but for those that have graduated: what it does not list is not proven
/// to be wrong.
fn unknown(component: &str, place: &str, name: &str, known: &[&str], version: &str) -> Finding {
    let near = known.iter().map(|k| (strsim::damerau_levenshtein(k, name), k)).min();
    let near = near.filter(|(distance, k)| *distance <= 1 + k.len().min(name.len()) / 4);
    let hint =
        near.map_or("none, or one that has graduated".to_owned(), |(_, k)| format!("did you mean `{k}`?"));
    Finding::warning(format!("{component} gets the feature gate `{name}`, which is not a known one: {hint}"))
        .evidence(format!("`kubelet --help` ({version}) does not list it"))
        .cause(format!("{component} ends at once when it meets a feature gate that it does not know"))
        .fix(format!("take `{name}` out of the {place}, or correct it"))
}

/// The names in `A=true,B=false`.
fn names(value: &str) -> Vec<String> {
    let names = value.split(',').map(|gate| gate.split('=').next().unwrap_or_default().trim().to_owned());
    names.filter(|n| !n.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use crate::finding::Severity;
    use crate::host::machine::Said;
    use crate::preflight::fake::{FakeMachine, settings, severities};

    fn machine() -> FakeMachine {
        FakeMachine::with(|m| {
            let mut help = String::from("--feature-gates mapStringBool  A set of pairs. Options are:\n");
            for n in 0..20 {
                help.push_str(&format!("  kube:GateNumber{n}=true|false (ALPHA - default=false)\n"));
            }
            help.push_str("  SidecarContainers=true|false (default=true)\n  --file-check-frequency duration");
            let help = help.replace("kube:", "");
            m.says
                .insert("kubelet --help".into(), Said { success: true, stdout: help, stderr: String::new() });
        })
    }

    #[test]
    fn names_that_kubelet_does_not_list_are_warned_of() {
        let config = "apiServer: {extraArgs: [{name: feature-gates, value: 'SidecarContainers=true,Made=true'}]}\n---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nfeatureGates: {SidecarContainerz: true, GateNumber3: false}\n";
        let found = machine().check("FeatureGates", &settings(config));
        assert_eq!(severities(&found), [Severity::Warning, Severity::Warning]);
        assert!(found[0].what.contains("did you mean `SidecarContainers`?"), "{}", found[0].what);
        assert!(found[1].what.contains("kube-apiserver gets the feature gate `Made`"), "{}", found[1].what);
        // Without kubelet's word nothing is said.
        assert_eq!(FakeMachine::healthy().check("FeatureGates", &settings(config)), []);
        assert_eq!(machine().check("FeatureGates", &settings("")), []);
    }
}
