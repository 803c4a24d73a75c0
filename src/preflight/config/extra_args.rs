//! Names of flags, against those that each component of a minor knows.

use crate::config::Settings;
use crate::config::v1beta4::Arg;
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::preflight::config::existing::kubelet_env_flags;
use crate::preflight::kubelet;

/// A component's flags, one a line, each with the minors that have it where not all of 1.33 to 1.37 do: `name 34-37`.
/// Those of 1.33 to 1.36 are recorded from the components; 1.37's are 1.36's with the changes of its release notes.
const API_SERVER: &str = include_str!("../../../templates/flags/kube-apiserver.txt");
const CONTROLLER_MANAGER: &str = include_str!("../../../templates/flags/kube-controller-manager.txt");
const SCHEDULER: &str = include_str!("../../../templates/flags/kube-scheduler.txt");
const KUBELET: &str = include_str!("../../../templates/flags/kubelet.txt");
/// etcd's, of 3.6.
const ETCD: &str = include_str!("../../../templates/flags/etcd.txt");

/// A flag of a list: its name, and the first and last minor that have it.
fn flags(list: &'static str) -> impl Iterator<Item = (&'static str, u64, u64)> {
    list.lines().map(|line| {
        let range = line.split_once(' ').and_then(|(name, range)| {
            let (first, last) = range.split_once('-')?;
            Some((name, first.parse().ok()?, last.parse().ok()?))
        });
        range.unwrap_or((line, 0, u64::MAX))
    })
}

/// What is wrong with the name of a flag, if anything is.
fn fault(list: &'static str, name: &str, minor: u64) -> Option<String> {
    // Kubernetes' flags take `_` for `-`.
    let dashed = name.replace('_', "-");
    if let Some((_, first, last)) = flags(list).find(|(known, _, _)| *known == dashed) {
        return match minor {
            m if m > last => Some(format!("1.{last} was the last that had it")),
            m if m < first => Some(format!("it came with 1.{first}")),
            _ => None,
        };
    }
    if dashed.starts_with('-') {
        return Some("names of flags stand without dashes here".to_owned());
    }
    let current = flags(list).filter(|(_, first, last)| (*first..=*last).contains(&minor));
    let near = current
        .map(|(known, _, _)| (strsim::damerau_levenshtein(known, &dashed), known))
        .min()
        .filter(|(distance, known)| *distance <= 1 + known.len().min(dashed.len()) / 4);
    Some(near.map_or_else(|| "no version has it".to_owned(), |(_, known)| format!("did you mean `{known}`?")))
}

pub(crate) fn check(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let cluster = &settings.cluster.config;
    let minor = settings.cluster.version.minor();
    let components: [(&str, &str, &[Arg], &'static str); 3] = [
        ("kube-apiserver", "apiServer.extraArgs", &cluster.api_server.extra_args, API_SERVER),
        (
            "kube-controller-manager",
            "controllerManager.extraArgs",
            &cluster.controller_manager.extra_args,
            CONTROLLER_MANAGER,
        ),
        ("kube-scheduler", "scheduler.extraArgs", &cluster.scheduler.extra_args, SCHEDULER),
    ];
    let mut findings = vec![];
    for (component, place, args, list) in components {
        for arg in args {
            if let Some(fault) = fault(list, &arg.name, minor) {
                findings.push(unknown(&format!("{component} 1.{minor}"), &arg.name, place, &fault));
            }
        }
    }
    findings.extend(etcd(settings));
    findings.extend(of_kubelet(settings, machine));
    findings
}

/// etcd's flags differ among its minors: 3.5 had more that are experimental, 3.7 has none.
fn etcd(settings: &Settings) -> Vec<Finding> {
    let Some(local) = &settings.cluster.config.etcd.local else { return vec![] };
    let tag = settings.etcd_tag();
    if !(tag.starts_with("3.6.") || tag.starts_with("3.7.")) {
        return vec![];
    }
    let faults = local.extra_args.iter().filter_map(|arg| {
        let gone = tag.starts_with("3.7.") && arg.name.starts_with("experimental-");
        let fault =
            if gone { Some("3.6 was the last that had it".into()) } else { fault(ETCD, &arg.name, 36) }?;
        Some(unknown(&format!("etcd {tag}"), &arg.name, "etcd.local.extraArgs", &fault))
    });
    faults.collect()
}

/// kubelet is here and can be asked, so that there is proof: `--help` lists all but a few that are hidden.
fn of_kubelet(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let extra = settings.node.registration.kubelet_extra_args.iter();
    let extra = extra.map(|a| ("nodeRegistration.kubeletExtraArgs", a.name.clone()));
    let all = extra.chain(kubelet_env_flags(machine).into_iter().map(|(file, name, _)| (file, name)));
    let minor = kubelet::version(machine).map_or(settings.cluster.version.minor(), |v| v.minor());
    let mut help = None;
    let mut findings = vec![];
    for (place, name) in all {
        let Some(fault) = fault(KUBELET, &name, minor) else { continue };
        let help = help.get_or_insert_with(|| machine.run("kubelet", &["--help"]).unwrap_or_default().stdout);
        let dashed = name.replace('_', "-");
        let listed = help.split_whitespace().any(|w| w.trim_end_matches(',') == format!("--{dashed}"));
        if listed {
            continue;
        }
        let finding = unknown(&format!("kubelet 1.{minor}"), &name, place, &fault);
        findings.push(if help.contains("--kubeconfig") {
            finding
                .evidence("`kubelet --help` does not list it")
                .cause("kubelet ends at once when it meets an unknown flag")
        } else {
            Finding { severity: crate::finding::Severity::Warning, ..finding }
        });
    }
    findings
}

/// A name that is not in a list. Images may be built with other flags, so that is a warning; of kubelet it is proven.
fn unknown(component: &str, name: &str, place: &str, fault: &str) -> Finding {
    let finding = if component.starts_with("kubelet") { Finding::error } else { Finding::warning };
    finding(format!("{component} has no flag `{name}`: {fault}"))
        .cause("it ends at once when it meets an unknown flag, unless its image is built otherwise")
        .fix(format!("correct or remove it in {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;
    use crate::host::machine::Said;
    use crate::preflight::fake::{FakeMachine, settings, severities};

    fn api_server(version: &str, name: &str) -> Vec<Finding> {
        let config =
            format!("kubernetesVersion: {version}\napiServer: {{extraArgs: [{{name: {name}, value: x}}]}}\n");
        FakeMachine::healthy().check("ExtraArgs", &settings(&config))
    }

    #[test]
    fn unknown_names_are_told_with_the_nearest() {
        assert!(api_server("v1.36.2", "audit-policy-file").is_empty());
        assert!(api_server("v1.36.2", "audit_policy_file").is_empty());
        let found = api_server("v1.36.2", "audit-policyfile");
        assert_eq!(found[0].severity, Severity::Warning);
        assert!(found[0].what.ends_with("did you mean `audit-policy-file`?"), "{found:?}");
        assert!(api_server("v1.36.2", "insecure-port")[0].what.contains("`insecure-port`"));
        assert!(api_server("v1.36.2", "xyzzy")[0].what.ends_with("no version has it"));
        assert!(api_server("v1.33.2", "tls-curve-preferences")[0].what.ends_with("it came with 1.36"));
        assert!(api_server("v1.36.2", "tls-curve-preferences").is_empty());
        assert!(api_server("v1.37.0", "tls-curve-preferences").is_empty());
    }

    #[test]
    fn every_list_is_whole() {
        for (list, least, name) in [
            (API_SERVER, 170, "v"),
            (CONTROLLER_MANAGER, 145, "v"),
            (SCHEDULER, 60, "v"),
            (KUBELET, 150, "v"),
            (ETCD, 130, "name"),
        ] {
            assert!(flags(list).count() >= least);
            assert!(flags(list).any(|f| f.0 == name));
            assert!(flags(list).all(|(n, first, last)| !n.is_empty() && !n.contains(' ') && first <= last));
        }
    }

    /// What we write ourselves is known to every minor that we write it for.
    #[test]
    fn our_own_flags_are_known() {
        use crate::manifest::{Component, PkiFacts, render};
        for version in ["v1.33.9", "v1.34.5", "v1.35.2", "v1.36.2", "v1.37.0"] {
            let s = settings(&format!("kubernetesVersion: {version}\n"));
            let minor = s.cluster.version.minor();
            let lists = [
                (Component::ApiServer, API_SERVER),
                (Component::ControllerManager, CONTROLLER_MANAGER),
                (Component::Scheduler, SCHEDULER),
            ];
            for (component, list) in lists {
                let pod = render(component, &s, PkiFacts::default()).unwrap();
                let command = pod.spec.unwrap().containers[0].command.clone().unwrap();
                for flag in &command[1..] {
                    let name = flag.trim_start_matches('-').split('=').next().unwrap();
                    assert_eq!(fault(list, name, minor), None, "{version} {name}");
                }
            }
            for flag in crate::kubelet::flags(&s) {
                assert_eq!(fault(KUBELET, &flag.name, minor), None, "{version} {}", flag.name);
            }
        }
    }

    #[test]
    fn kubelet_itself_is_asked() {
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

    #[test]
    fn etcd_s_flags_go_by_its_version() {
        let etcd = |tag: &str, name: &str| {
            let config =
                format!("etcd: {{local: {{imageTag: {tag}, extraArgs: [{{name: {name}, value: x}}]}}}}\n");
            FakeMachine::healthy().check("ExtraArgs", &settings(&config)).len()
        };
        let (old, typo) = ("experimental-corrupt-check-time", "quota-backend-byte");
        assert_eq!(
            (etcd("3.6.8-0", old), etcd("3.7.0-0", old), etcd("3.5.24-0", typo), etcd("3.6.8-0", typo)),
            (0, 1, 0, 1)
        );
    }
}
