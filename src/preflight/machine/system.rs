//! kubeadm's `SystemVerification`: the kernel and its cgroups.

use super::kernel;
use crate::config::{NodeSettings, Settings};
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::preflight::kubelet;

/// What does not depend on the cluster: the kernel and the cgroup controllers.
pub(crate) fn kernel(_: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    let checks = [kernel_version(machine), kernel_config(machine), no_cgroups(machine), controllers(machine)];
    checks.into_iter().flatten().collect()
}

fn kernel_version(machine: &dyn Machine) -> Option<Finding> {
    let release = machine.kernel_release();
    (!kernel::is_known(&release)).then(|| {
        Finding::warning(format!("kernel {release} is not validated for Kubernetes"))
            .cause("validated are 5.4, 5.10, 5.15, and 6.0 and later; other kernels of distributions usually work too")
    })
}

/// kubeadm refuses a kernel whose configuration it can't find; that proves nothing.
fn kernel_config(machine: &dyn Machine) -> Option<Finding> {
    let Some(config) = machine.kernel_config() else {
        return Some(
            Finding::warning("could not check the kernel's features: its configuration was not found")
                .evidence("neither /proc/config.gz nor /boot/config-* exists")
                .fix("none needed if containers run here; `modprobe configs` may create /proc/config.gz"),
        );
    };
    let missing = kernel::missing(&config, machine.cgroups().unwrap_or_default().version);
    (!missing.is_empty()).then(|| {
        let list: Vec<String> = missing.iter().map(|n| format!("CONFIG_{n}")).collect();
        Finding::error("the kernel lacks features that Kubernetes needs")
            .evidence(format!("{} has none of: {}", config.path.display(), list.join(", ")))
            .fix("boot a kernel that has them: every distribution's standard kernel does")
    })
}

fn no_cgroups(machine: &dyn Machine) -> Option<Finding> {
    machine.cgroups().is_ok_and(|c| !matches!(c.version, 1 | 2)).then(|| {
        Finding::error("no cgroups are mounted at /sys/fs/cgroup")
            .cause("containers can't run without them")
            .fix("`mount -t cgroup2 none /sys/fs/cgroup`, or boot with systemd, which does so")
    })
}

/// kubelet 1.35 and later refuses cgroup v1 unless `failCgroupV1` is false. For an upgrade, the kubelet that comes with it
/// counts.
pub(crate) fn cgroup_v1(settings: &Settings, machine: &dyn Machine, upgrade: bool) -> Vec<Finding> {
    if machine.cgroups().unwrap_or_default().version != 1 {
        return vec![];
    }
    let target = settings.cluster.version.minor();
    let minor = kubelet::version(machine).map_or(target, |v| if upgrade { target } else { v.minor() });
    let told = settings.cluster.kubelet.as_ref().and_then(|k| k.fail_cgroup_v1) == Some(false);
    let evidence = "/sys/fs/cgroup is not a cgroup2 file system";
    let boot = "boot with cgroup v2: `systemd.unified_cgroup_hierarchy=1` on the kernel's command line";
    vec![if minor >= 35 && !told {
        Finding::error(format!("this machine has cgroup v1, which kubelet 1.{minor} refuses"))
            .evidence(evidence)
            .cause("since 1.35 kubelet's failCgroupV1 is true by default")
            .fix(format!("{boot}; or set `failCgroupV1: false` in a KubeletConfiguration"))
    } else {
        Finding::warning("this machine has cgroup v1, whose support Kubernetes will remove")
            .evidence(evidence)
            .fix(boot)
    }]
}

fn controllers(machine: &dyn Machine) -> Option<Finding> {
    let cgroups = machine.cgroups().ok()?;
    let needed: &[&str] = match cgroups.version {
        2 => &["cpu", "cpuset", "devices", "freezer", "memory", "pids"],
        1 => &["cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids"],
        _ => return None,
    };
    let missing: Vec<&str> =
        needed.iter().copied().filter(|n| !cgroups.controllers.iter().any(|c| c == n)).collect();
    if missing.is_empty() {
        return None;
    }
    let finding = Finding::error(format!(
        "these cgroup controllers are disabled in the kernel: {}",
        missing.join(", ")
    ))
    .evidence(format!("enabled are: {}", cgroups.controllers.join(", ")));
    Some(if missing.contains(&"memory") {
        finding
            .cause("it was booted without memory accounting, as Raspberry Pi OS and some Debian kernels do")
            .fix("add `cgroup_enable=memory cgroup_memory=1` to the kernel's command line and reboot")
    } else {
        finding.fix("enable them on the kernel's command line, or boot another kernel")
    })
}

#[cfg(test)]
mod tests {
    use crate::finding::Severity;
    use crate::preflight::fake::{FakeMachine, settings, severities};

    const ROW: &str = "SystemVerification";

    #[test]
    fn unknown_kernels_and_missing_features_are_reported() {
        let s = settings("");
        let old = FakeMachine::with(|m| m.kernel_release = "4.19.0".into());
        assert_eq!(old.finding(ROW, &s).severity, Severity::Warning);
        let unknown = FakeMachine::with(|m| m.kernel_config = None);
        assert_eq!(unknown.finding(ROW, &s).severity, Severity::Warning);
        let lacking = FakeMachine::with(|m| {
            let options = &mut m.kernel_config.as_mut().unwrap().options;
            options.remove("MEMCG");
            options.remove("CGROUP_CPUACCT");
            options.remove("NETFILTER_XT_TARGET_REDIRECT");
            options.insert("NET_NS".into(), "m".into());
        });
        let found = lacking.finding(ROW, &s);
        assert!(found.evidence[0].ends_with(": CONFIG_MEMCG"), "{found:?}");
    }

    #[test]
    fn cgroup_v1_is_refused_by_kubelet_from_1_35_on() {
        let v1 = |kubelet: &str| {
            FakeMachine::with(|m| {
                m.cgroups.version = 1;
                m.cgroups.controllers.push("cpuacct".into());
                m.says.get_mut("kubelet --version").unwrap().stdout = format!("Kubernetes {kubelet}\n");
            })
        };
        let told = "---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nfailCgroupV1: false\n";
        let severity = |kubelet, config| severities(&v1(kubelet).check(ROW, &settings(config)));
        assert_eq!(severity("v1.35.0", ""), [Severity::Error]);
        assert_eq!(severity("v1.34.9", ""), [Severity::Warning]);
        assert_eq!(severity("v1.36.2", told), [Severity::Warning]);
        let none = FakeMachine::with(|m| m.says.clear());
        let mut none = FakeMachine { ..none };
        none.cgroups.version = 1;
        none.cgroups.controllers.push("cpuacct".into());
        assert_eq!(severities(&none.check(ROW, &settings(""))), [Severity::Error], "by the target version");
    }

    #[test]
    fn disabled_memory_accounting_is_an_error() {
        let machine = FakeMachine::with(|m| m.cgroups.controllers.retain(|c| c != "memory" && c != "io"));
        let found = machine.finding(ROW, &settings(""));
        assert!(
            found.what.ends_with("kernel: memory") && found.fix.unwrap().contains("cgroup_enable=memory")
        );
        let machine = FakeMachine::with(|m| m.cgroups.version = 0);
        assert_eq!(machine.finding(ROW, &settings("")).severity, Severity::Error);
    }
}
