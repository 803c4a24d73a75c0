//! Root, processors, memory, swap.

use crate::config::{NodeSettings, Settings};
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::preflight::config::existing::kubelet_flag;

/// kubeadm's least for a control plane.
const CPUS: usize = 2;
/// The same for memory, in MiB.
const MEMORY_MIB: u64 = 1700;

pub(crate) fn privileged(_: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    if machine.is_root() {
        return vec![];
    }
    vec![
        Finding::error("this must run as root")
            .cause("init writes below /etc/kubernetes and /var/lib, and starts kubelet")
            .fix("run it with `sudo`; `kubestrap init --dry-run` shows what it would do, without root"),
    ]
}

pub(crate) fn cpus(_: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    let cpus = machine.cpus();
    if cpus >= CPUS {
        return vec![];
    }
    vec![
        Finding::error(format!("the number of available CPUs {cpus} is less than the required {CPUS}"))
            .cause("the API server, etcd and the controllers starve each other while they start")
            .fix(
                "give the machine another CPU; or `--ignore-preflight-errors=NumCPU` where slowness is fine",
            ),
    ]
}

pub(crate) fn memory(_: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    let mib = machine.memory() >> 20;
    if mib >= MEMORY_MIB {
        return vec![];
    }
    vec![
        Finding::error(format!("the system RAM ({mib} MB) is less than the minimum {MEMORY_MIB} MB"))
            .cause("the kernel would kill its components for lack of memory")
            .fix("give the machine more memory; or `--ignore-preflight-errors=Mem`"),
    ]
}

/// kubelet refuses to run with swap on, unless it is told otherwise; kubeadm only warns, and then waits in vain.
pub(crate) fn swap(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let swaps = machine.swaps().unwrap_or_default();
    if swaps.is_empty() {
        return vec![];
    }
    let areas: Vec<String> =
        swaps.iter().map(|s| format!("{} ({}, {} MiB)", s.path.display(), s.kind, s.bytes >> 20)).collect();
    let configured = settings.cluster.kubelet.as_ref().and_then(|k| k.fail_swap_on);
    let fails =
        kubelet_flag(&settings.node, machine, "fail-swap-on").map_or(configured, |v| Some(v != "false"));
    let finding = match fails {
        Some(false) if machine.cgroups().is_ok_and(|c| c.version == 2) => {
            return vec![
                Finding::info("swap is on, and kubelet is configured to run with it").evidences(areas),
            ];
        }
        Some(false) => Finding::warning("swap is on, and containers can't use it")
            .cause("kubelet is configured to run with swap, but supports it with cgroup v2 only"),
        _ => Finding::error("swap is on")
            .cause("kubelet refuses to start with swap on, as its failSwapOn is true by default"),
    };
    let mut fix = String::from("`swapoff -a`");
    let fstab = machine.text("/etc/fstab".as_ref()).unwrap_or_default();
    let entry = |l: &str| !l.trim_start().starts_with('#') && l.split_whitespace().nth(2) == Some("swap");
    if let Some((at, line)) = fstab.lines().enumerate().find(|(_, l)| entry(l)) {
        fix.push_str(&format!(
            "; and so that it stays off, put `#` before line {} of /etc/fstab (`{line}`)",
            at + 1
        ));
    }
    fix.push_str("; to keep swap, set `failSwapOn: false` in a KubeletConfiguration");
    vec![finding.evidences(areas).fix(fix)]
}

#[cfg(test)]
mod tests {
    use crate::finding::Severity;
    use crate::host::system::SwapArea;
    use crate::preflight::fake::{FakeMachine, settings};

    #[test]
    fn minimum_cpus_and_memory_are_enough() {
        let s = settings("");
        let machine = |cpus, mib: u64| FakeMachine::with(|m| (m.cpus, m.memory) = (cpus, mib << 20));
        assert!(machine(2, 1700).check("NumCPU", &s).is_empty());
        assert!(machine(2, 1700).check("Mem", &s).is_empty());
        assert_eq!(machine(1, 1700).finding("NumCPU", &s).severity, Severity::Error);
        assert!(machine(2, 1699).finding("Mem", &s).what.contains("1699 MB"));
        assert!(FakeMachine::with(|m| m.root = false).finding("IsPrivilegedUser", &s).fix.is_some());
    }

    #[test]
    fn swap_is_an_error_unless_kubelet_takes_it() {
        let swap = SwapArea { path: "/dev/sda2".into(), kind: "partition".into(), bytes: 1 << 30 };
        let mut machine = FakeMachine::with(|m| {
            m.swaps = vec![swap];
            m.file("/etc/fstab", "/dev/sda1 / ext4 defaults 0 1\n#x none swap\nUUID=1 none swap sw 0 0\n");
        });
        let found = machine.finding("Swap", &settings(""));
        assert_eq!(found.severity, Severity::Error);
        assert_eq!(found.evidence, ["/dev/sda2 (partition, 1024 MiB)"]);
        assert!(found.fix.unwrap().contains("line 3 of /etc/fstab"));

        let told =
            "---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nfailSwapOn: false\n";
        assert_eq!(machine.finding("Swap", &settings(told)).severity, Severity::Info);
        machine.cgroups.version = 1;
        assert_eq!(machine.finding("Swap", &settings(told)).severity, Severity::Warning);
        machine.file("/etc/default/kubelet", "KUBELET_EXTRA_ARGS=\"--v=2 --fail-swap-on=false\"\n");
        assert_eq!(machine.finding("Swap", &settings("")).severity, Severity::Warning);
    }
}
