//! kubelet: its version, its service, and whether one runs here for another cluster.

use super::existing::{KubeletConf, kubelet_conf};
use super::finding::Finding;
use super::machine::Machine;
use crate::config::{KubernetesVersion, Settings};

/// How many minors kubelet may be behind the control plane.
const SKEW: u64 = 3;

/// The version of the kubelet in PATH.
pub(super) fn version(machine: &dyn Machine) -> Result<KubernetesVersion, String> {
    let said = machine.run("kubelet", &["--version"])?;
    if !said.success {
        return Err(said.stderr.trim().lines().last().unwrap_or("it failed and said nothing").to_owned());
    }
    let text = said.stdout.trim();
    let version = text.split_whitespace().last().unwrap_or_default();
    version.parse().map_err(|_| format!("it says {text:?}, which is no version"))
}

/// The cgroup driver that kubelet is configured for.
pub(super) fn cgroup_driver(settings: &Settings) -> String {
    crate::kubelet::node_configuration(settings).cgroup_driver
}

pub(super) fn check_version(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let target = &settings.cluster.version;
    let packages = format!("install kubelet 1.{} from pkgs.k8s.io", target.minor());
    let version = match version(machine) {
        Ok(version) => version,
        Err(error) if machine.program("kubelet").is_none() => {
            return vec![
                Finding::error("kubelet is not installed")
                    .evidence(format!("`kubelet --version`: {error}"))
                    .cause("there is no program `kubelet` in PATH; init configures and starts it, but does not bring it")
                    .fix(format!("{packages}: `apt-get install kubelet` or `dnf install kubelet`")),
            ];
        }
        Err(error) => {
            return vec![
                Finding::error("kubelet can't be run")
                    .evidence(format!("`kubelet --version`: {error}"))
                    .cause("its file is damaged, or built for another kind of machine (`file $(command -v kubelet)`)")
                    .fix("install it anew"),
            ];
        }
    };
    if version.minor() > target.minor() {
        return vec![
            Finding::error(format!("kubelet {version} is newer than the control plane, {target}"))
                .cause("Kubernetes supports kubelets of the control plane's minor or older ones")
                .fix(format!(
                    "{packages}; or take `--kubernetes-version {version}`, if that is what you want"
                )),
        ];
    }
    if version.minor() + SKEW < target.minor() {
        return vec![
            Finding::error(format!("kubelet {version} is too old for the control plane, {target}"))
                .cause(format!("Kubernetes supports kubelets that are at most {SKEW} minors behind"))
                .fix(packages),
        ];
    }
    vec![]
}

pub(super) fn service(_: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let Some(init) = machine.init_system() else {
        return vec![
            Finding::warning("no init system that we know: neither systemd nor OpenRC")
                .cause("nothing would start kubelet with the machine, and nothing watches over it")
                .fix("start kubelet by other means once init has written its files"),
        ];
    };
    let state = machine.service("kubelet");
    if !state.exists {
        return vec![Finding::info("there is no kubelet service yet: init makes one")];
    }
    if state.enabled {
        return vec![];
    }
    let command =
        if init == "OpenRC" { "rc-update add kubelet default" } else { "systemctl enable kubelet.service" };
    vec![
        Finding::warning("the kubelet service is not enabled")
            .cause("the control plane would not come back after a reboot")
            .fix(format!("`{command}`")),
    ]
}

/// Other distributions of Kubernetes, by their processes.
const OTHERS: [(&str, &str); 7] = [
    ("k3s", "k3s"),
    ("k3s-server", "k3s"),
    ("rke2", "RKE2"),
    ("k0s", "k0s"),
    ("kubelite", "MicroK8s"),
    ("k8s-kubelet", "Canonical Kubernetes"),
    ("microshift", "MicroShift"),
];

/// A kubelet that serves another cluster would fight with ours over manifests, ports and cgroups.
pub(super) fn running(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let processes = machine.processes();
    let mut findings = vec![];
    for process in processes.iter().filter(|p| p.on_host) {
        if let Some((_, name)) = OTHERS.iter().find(|(program, _)| process.is(program)) {
            findings.push(
                Finding::error(format!("{name} runs on this machine"))
                    .evidence(format!("process {}: {}", process.pid, process.command_line()))
                    .cause("it is a Kubernetes of its own: two kubelets can't share a machine")
                    .fix(format!("uninstall {name}, or use another machine")),
            );
            break;
        }
    }
    if let KubeletConf::Foreign(server) = kubelet_conf(settings, machine) {
        let running = processes.iter().find(|p| p.on_host && p.is("kubelet"));
        let path = settings.node.paths.kubeconfig("kubelet.conf");
        let finding = Finding::error("this machine is a node of another cluster")
            .evidence(format!("{} trusts another CA; its server is {server}", path.display()));
        let finding = match running {
            Some(p) => finding.evidence(format!("its kubelet runs: process {}", p.pid)),
            None => finding.evidence("its kubelet does not run at the moment"),
        };
        findings.push(
            finding
                .cause("it joined a cluster, or an earlier control plane was not taken away whole")
                .fix("`kubestrap reset` takes it out of the other cluster; then run again"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::fake::{FakeMachine, process, settings};
    use super::super::finding::Severity;
    use crate::host::ServiceState;

    fn kubelet(stdout: &str) -> FakeMachine {
        FakeMachine::with(|m| m.says.get_mut("kubelet --version").unwrap().stdout = stdout.into())
    }

    #[test]
    fn the_skew() {
        let s = settings("");
        for fine in ["Kubernetes v1.36.9", "Kubernetes v1.33.0", "Kubernetes v1.36.0-rc.1+abc\n"] {
            assert!(kubelet(fine).check("KubeletVersion", &s).is_empty(), "{fine}");
        }
        assert!(kubelet("Kubernetes v1.37.0").finding("KubeletVersion", &s).what.contains("newer"));
        assert!(kubelet("Kubernetes v1.32.9").finding("KubeletVersion", &s).what.contains("too old"));
        assert!(kubelet("Illegal instruction").finding("KubeletVersion", &s).what.contains("can't be run"));
    }

    #[test]
    fn a_kubelet_that_is_missing_or_damaged() {
        let s = settings("");
        let mut machine = FakeMachine::with(|m| m.says.clear());
        assert!(machine.finding("KubeletVersion", &s).what.contains("can't be run"));
        machine.programs.clear();
        let found = machine.finding("KubeletVersion", &s);
        assert!(found.what.contains("not installed") && found.fix.unwrap().contains("kubelet 1.36"));
    }

    #[test]
    fn the_service() {
        let s = settings("");
        let off = ServiceState { exists: true, active: false, enabled: false };
        let mut machine = FakeMachine::with(|m| {
            m.services.insert("kubelet".into(), off);
        });
        assert!(machine.finding("Service-kubelet", &s).fix.unwrap().contains("systemctl enable kubelet"));
        machine.services.clear();
        assert_eq!(machine.finding("Service-kubelet", &s).severity, Severity::Info);
        machine.init_system = None;
        assert_eq!(machine.finding("Service-kubelet", &s).severity, Severity::Warning);
    }

    #[test]
    fn another_kubernetes_or_another_cluster_is_told() {
        let s = settings("");
        let mut machine = FakeMachine::with(|m| m.processes = vec![process(9, "/usr/local/bin/k3s server")]);
        assert!(machine.finding("RunningKubelet", &s).what.contains("k3s runs"));
        machine.processes[0].on_host = false;
        assert!(machine.check("RunningKubelet", &s).is_empty(), "it is in a container");
        let conf = "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: k, cluster: {server: 'https://other:6443', certificate-authority-data: eA==}}]\ncontexts: [{name: c, context: {cluster: k, user: u}}]\nusers: []\n";
        machine.file("/etc/kubernetes/kubelet.conf", conf);
        let found = machine.finding("RunningKubelet", &s);
        assert!(found.evidence[0].contains("https://other:6443"), "{found:?}");
    }
}
