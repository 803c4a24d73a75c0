//! Kernel modules that containers and Pod networks use.

use crate::config::NodeSettings;
use crate::finding::Finding;
use crate::host::machine::Machine;

/// A module, and the file that is there once it is loaded or built in.
struct Module {
    name: &'static str,
    used_for: &'static str,
    is_there: fn(&dyn Machine) -> bool,
}

static MODULES: [Module; 2] = [
    Module {
        name: "overlay",
        used_for: "the usual file system of containers",
        is_there: |machine| {
            let systems = machine.text("/proc/filesystems".as_ref()).unwrap_or_default();
            systems.split_whitespace().any(|word| word == "overlay")
        },
    },
    Module {
        name: "br_netfilter",
        used_for: "Services, with network plugins that connect Pods by a bridge",
        is_there: |machine| machine.kind("/proc/sys/net/bridge/bridge-nf-call-iptables".as_ref()).is_some(),
    },
];

/// The modules that are not loaded.
pub(crate) fn missing(machine: &dyn Machine) -> Vec<&'static str> {
    MODULES.iter().filter(|m| !(m.is_there)(machine)).map(|m| m.name).collect()
}

/// None is needed on every machine, so this is only good to know.
pub(crate) fn check(_: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    let missing = missing(machine);
    let rows = MODULES.iter().filter(|m| missing.contains(&m.name));
    rows.map(|m| {
        Finding::info(format!("the kernel module {} is not loaded: {}", m.name, m.used_for)).fix(format!(
            "`modprobe {0}`, and to keep it: `echo {0} >> /etc/modules-load.d/kubernetes.conf` (`kubestrap preflight --fix` does both)",
            m.name
        ))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::preflight::fake::{FakeMachine, settings};

    #[test]
    fn modules_that_are_not_loaded_are_told() {
        let mut machine = FakeMachine::with(|m| {
            m.files.remove("/proc/sys/net/bridge/bridge-nf-call-iptables".as_ref() as &std::path::Path);
        });
        assert!(machine.finding("KernelModules", &settings("")).what.contains("br_netfilter"));
        machine.file("/proc/filesystems", "nodev\ttmpfs\n");
        assert_eq!(machine.check("KernelModules", &settings("")).len(), 2);
    }
}
