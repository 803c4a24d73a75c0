//! kubelet: its version, its service, and whether one runs here for another cluster.

use crate::config::{KubernetesVersion, NodeSettings, Settings};
use crate::finding::Finding;
use crate::host::kubelet;
use crate::host::machine::Machine;
use crate::preflight::config::existing::{KubeletConf, kubelet_conf};

/// How many minors kubelet may be behind the control plane.
const SKEW: u64 = 3;

/// The version of the kubelet in PATH.
pub(crate) fn version(machine: &dyn Machine) -> Result<KubernetesVersion, String> {
    let said = machine.run("kubelet", &["--version"])?;
    if !said.success {
        return Err(said.stderr.trim().lines().last().unwrap_or("it failed and said nothing").to_owned());
    }
    let text = said.stdout.trim();
    kubelet::version_in(text).ok_or_else(|| format!("it says {text:?}, which is not a version"))
}

/// The cgroup driver that kubelet is configured for.
pub(crate) fn cgroup_driver(settings: &Settings) -> String {
    crate::kubelet::node_configuration(settings).cgroup_driver
}

/// kubelet is installed and can be run.
pub(crate) fn installed(_: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    let Err(error) = version(machine) else { return vec![] };
    let evidence = format!("`kubelet --version`: {error}");
    if machine.program("kubelet").is_none() {
        return vec![
            Finding::error("kubelet is not installed")
                .evidence(evidence)
                .cause("there is no program `kubelet` in PATH; kubestrap configures and starts kubelet, but does not install it")
                .fix("install it from pkgs.k8s.io, in the minor version of the cluster: `apt-get install kubelet` or `dnf install kubelet`"),
        ];
    }
    vec![
        Finding::error("kubelet can't be run")
            .evidence(evidence)
            .cause("its file is damaged, or built for another architecture (`file $(command -v kubelet)`)")
            .fix("reinstall kubelet"),
    ]
}

/// kubelet's version fits the control plane's. One whose version is unknown is reported by [`installed`].
pub(crate) fn skew(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let Ok(version) = version(machine) else { return vec![] };
    let target = &settings.cluster.version;
    let install = format!("install kubelet 1.{} from pkgs.k8s.io", target.minor());
    if version.minor() > target.minor() {
        return vec![
            Finding::error(format!("kubelet {version} is newer than the control plane, {target}"))
                .cause("Kubernetes supports kubelets of the control plane's minor version or older ones")
                .fix(install),
        ];
    }
    if version.minor() + SKEW < target.minor() {
        return vec![
            Finding::error(format!("kubelet {version} is too old for the control plane, {target}"))
                .cause(format!("Kubernetes supports kubelets at most {SKEW} minor versions older"))
                .fix(install),
        ];
    }
    vec![]
}

/// kubelet is started at boot.
pub(crate) fn service(_: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    if machine.init_system().is_none() {
        return vec![
            Finding::warning("no supported init system: neither systemd nor OpenRC")
                .cause("nothing would start kubelet at boot or restart it when it fails"),
        ];
    }
    let state = machine.service("kubelet");
    if !state.exists {
        return vec![Finding::info("there is no kubelet service yet: it will be created")];
    }
    if state.enabled {
        return vec![];
    }
    vec![
        Finding::warning("the kubelet service is not enabled")
            .cause("the control plane would not come back after a reboot")
            .fix("`systemctl enable kubelet.service`"),
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

/// Another Kubernetes would compete with ours for manifests, ports and cgroups.
pub(crate) fn others(_: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    let processes = machine.processes();
    let found = processes.iter().filter(|p| p.on_host).find_map(|process| {
        let (_, name) = OTHERS.iter().find(|(program, _)| process.is(program))?;
        Some((process, name))
    });
    let Some((process, name)) = found else { return vec![] };
    vec![
        Finding::error(format!("{name} runs on this machine"))
            .evidence(format!("process {}: {}", process.pid, process.command_line()))
            .cause("it is another Kubernetes distribution: two kubelets can't share a machine")
            .fix(format!("uninstall {name}, or use another machine")),
    ]
}

/// kubelet.conf, where there is one, is of the cluster whose CA is here.
pub(crate) fn other_cluster(node: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    let KubeletConf::Foreign(server) = kubelet_conf(node, machine) else { return vec![] };
    let processes = machine.processes();
    let path = node.paths.kubeconfig("kubelet.conf");
    let running = match processes.iter().find(|p| p.on_host && p.is("kubelet")) {
        Some(process) => format!("its kubelet is running: process {}", process.pid),
        None => "its kubelet is not running".to_owned(),
    };
    vec![
        Finding::error("this machine is a node of another cluster")
            .evidence(format!("{} trusts another CA; its server is {server}", path.display()))
            .evidence(running)
            .cause("it joined a cluster, or an earlier control plane was not removed completely")
            .fix("`kubestrap reset` removes it from the other cluster; then run again"),
    ]
}

#[cfg(test)]
mod tests {
    use crate::finding::Severity;
    use crate::host::ServiceState;
    use crate::preflight::fake::{FakeMachine, process, settings};

    fn kubelet(stdout: &str) -> FakeMachine {
        FakeMachine::with(|m| m.says.get_mut("kubelet --version").unwrap().stdout = stdout.into())
    }

    #[test]
    fn version_skew_is_three_minors() {
        let s = settings("");
        for fine in ["Kubernetes v1.36.9", "Kubernetes v1.33.0", "Kubernetes v1.36.0-rc.1+abc\n"] {
            assert!(kubelet(fine).check("KubeletVersion", &s).is_empty(), "{fine}");
        }
        assert!(kubelet("Kubernetes v1.37.0").finding("KubeletVersion", &s).what.contains("newer"));
        assert!(kubelet("Kubernetes v1.32.9").finding("KubeletVersion", &s).what.contains("too old"));
        assert!(kubelet("Illegal instruction").finding("KubeletVersion", &s).what.contains("can't be run"));
    }

    #[test]
    fn missing_or_damaged_kubelet_is_an_error() {
        let s = settings("");
        let mut machine = FakeMachine::with(|m| m.says.clear());
        assert!(machine.finding("KubeletVersion", &s).what.contains("can't be run"));
        machine.programs.clear();
        let found = machine.finding("KubeletVersion", &s);
        assert!(
            found.what.contains("not installed") && found.fix.unwrap().contains("apt-get install kubelet")
        );
    }

    #[test]
    fn service_that_is_not_enabled_is_a_warning() {
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
    fn other_distribution_or_other_cluster_is_an_error() {
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
