//! Parts of kubelet's configuration that this machine can't provide: kubelet exits, or starts no Pod.

use std::path::Path;

use crate::config::{Settings, names};
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::kubelet::node_configuration;
use crate::preflight::config::existing::kubelet_flag;

/// What kubelet takes by default.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// The resolv.conf that Pods get, those of the control plane too.
pub(crate) fn resolv_conf(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let flag = kubelet_flag(&settings.node, machine, "resolv-conf");
    // A file that only the flag names is looked at with the other flags.
    let by_flag = flag.is_some();
    let path = flag.or_else(|| node_configuration(settings).resolv_conf).unwrap_or(RESOLV_CONF.to_owned());
    if path.is_empty() {
        return vec![];
    }
    if machine.kind(Path::new(&path)).is_some() {
        return only_loopback(&path, machine).into_iter().collect();
    }
    if by_flag {
        return vec![];
    }
    let here = (path != RESOLV_CONF && machine.kind(RESOLV_CONF.as_ref()).is_some()).then_some(RESOLV_CONF);
    let fix = match here {
        Some(here) => format!(
            "set `resolvConf: {here}` in a KubeletConfiguration, or `systemctl enable --now systemd-resolved`, which creates {path}"
        ),
        None => format!("create {path}, or set `resolvConf` in a KubeletConfiguration (\"\" for none)"),
    };
    vec![
        Finding::error(format!("kubelet's resolvConf is {path}, which does not exist"))
            .cause("kubelet starts no Pod without it: \"failed to generate sandbox config\"")
            .fix(fix),
    ]
}

/// A nameserver on the loopback interface answers on the machine alone: in a Pod, it is the Pod itself.
fn only_loopback(path: &str, machine: &dyn Machine) -> Option<Finding> {
    let text = machine.text(Path::new(path))?;
    let servers = text.lines().filter_map(|l| {
        let mut words = l.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next())?
    });
    let servers: Vec<&str> = servers.collect();
    if servers.is_empty() || !servers.iter().all(|s| names::ip(s).is_some_and(|ip| ip.is_loopback())) {
        return None;
    }
    Some(
        Finding::warning(format!("{path}, which Pods get, has only loopback nameservers"))
            .evidence(format!("nameserver {}", servers.join(", ")))
            .cause("CoreDNS would forward queries to itself and stop (\"Loop ... detected for zone\"): a local DNS stub can't be reached from Pods")
            .fix("set `resolvConf` in a KubeletConfiguration to a file with the upstream nameservers"),
    )
}

/// Kernel settings that kubelet wants, in `/proc/sys` (kubelet's `setupKernelTunables`).
const KERNEL_SETTINGS: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// With `protectKernelDefaults` kubelet ends where the kernel's settings are others; without, it sets them.
pub(crate) fn kernel_defaults(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let configured = settings.cluster.kubelet.as_ref().is_some_and(|k| k.protect_kernel_defaults);
    let told = kubelet_flag(&settings.node, machine, "protect-kernel-defaults");
    if !told.map_or(configured, |v| v != "false") {
        return vec![];
    }
    let differing = KERNEL_SETTINGS.iter().filter_map(|(name, wanted)| {
        let found = machine.text(&Path::new("/proc/sys").join(name))?.trim().to_owned();
        (found != *wanted).then(|| (name.replace('/', "."), *wanted, found))
    });
    let differing: Vec<(String, &str, String)> = differing.collect();
    if differing.is_empty() {
        return vec![];
    }
    let commands = differing.iter().map(|(name, wanted, _)| format!("{name}={wanted}"));
    vec![
        Finding::error("kernel settings are not what kubelet wants, and it may not change them")
            .evidences(differing.iter().map(|(name, wanted, found)| format!("{name} is {found}, not {wanted}")))
            .cause("protectKernelDefaults is true: kubelet exits if they differ")
            .fix(format!(
                "`sysctl -w {}`, and the same in /etc/sysctl.d/90-kubelet.conf; or take protectKernelDefaults away",
                commands.collect::<Vec<_>>().join(" ")
            )),
    ]
}

/// What kubelet remembers of its resource managers, which must be of the same policy.
pub(crate) fn state(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let configured = settings.cluster.kubelet.clone().unwrap_or_default();
    let policy = |flag: &str, field: &str| {
        let given = kubelet_flag(&settings.node, machine, flag).unwrap_or_else(|| field.to_owned());
        if given.is_empty() { "none".to_owned() } else { given }
    };
    let managers = [
        (
            "cpu_manager_state",
            "cpuManagerPolicy",
            policy("cpu-manager-policy", &configured.cpu_manager_policy),
        ),
        (
            "memory_manager_state",
            "memoryManagerPolicy",
            policy("memory-manager-policy", &configured.memory_manager_policy),
        ),
    ];
    let mut findings = vec![];
    for (file, field, wanted) in managers {
        let path = settings.node.paths.kubelet.join(file);
        let Some(text) = machine.text(&path) else { continue };
        let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let name = json.as_ref().map(|j| j.get("policyName").and_then(|n| n.as_str()));
        // A form that we do not know is not ours to judge.
        if name.is_some_and(|n| n.is_none_or(|n| n.eq_ignore_ascii_case(&wanted))) {
            continue;
        }
        let name = name.flatten();
        let shown = path.display();
        let what = match name {
            Some(name) => {
                format!("{shown} is of the policy `{name}`, and kubelet is configured for `{wanted}`")
            }
            None => format!("{shown} can't be read by kubelet"),
        };
        findings.push(
            Finding::error(what)
                .cause(format!("an earlier kubelet of this machine had another {field}, or its file is damaged; kubelet exits when it reads it"))
                .fix(format!("`rm {shown}`: kubelet creates it again")),
        );
    }
    findings
}

/// The static CPU manager needs CPUs that are reserved for the system.
pub(crate) fn cpu_policy(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let configured = settings.cluster.kubelet.clone().unwrap_or_default();
    let policy =
        kubelet_flag(&settings.node, machine, "cpu-manager-policy").unwrap_or(configured.cpu_manager_policy);
    let flag = |name: &str| kubelet_flag(&settings.node, machine, name).is_some();
    let reserved = !configured.reserved_system_cpus.is_empty()
        || [&configured.kube_reserved, &configured.system_reserved].iter().any(|r| r.contains_key("cpu"))
        || ["reserved-cpus", "kube-reserved", "system-reserved"].iter().any(|f| flag(f));
    if policy != "static" || reserved {
        return vec![];
    }
    vec![
        Finding::error("kubelet's cpuManagerPolicy is static, and no CPU is reserved for the system")
            .cause("kubelet exits: it can't tell which CPUs Pods may have to themselves")
            .fix("set `reservedSystemCPUs` (or kubeReserved's or systemReserved's cpu) in the KubeletConfiguration"),
    ]
}

#[cfg(test)]
mod tests {
    use crate::finding::Severity;
    use crate::preflight::fake::{FakeMachine, settings};

    fn with(lines: &str) -> crate::config::Settings {
        settings(&format!(
            "---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n{lines}\n"
        ))
    }

    #[test]
    fn resolv_conf_with_only_loopback_nameservers_makes_coredns_loop() {
        let on = |text: &str| FakeMachine::with(|m| m.file("/etc/resolv.conf", text));
        let found = on("search example.com\nnameserver 127.0.0.1\nnameserver ::1\n")
            .finding("ResolvConf", &settings(""));
        assert_eq!(found.severity, Severity::Warning);
        assert_eq!(found.evidence, ["nameserver 127.0.0.1, ::1"]);
        for fine in ["", "# nameserver 127.0.0.1\n", "nameserver 127.0.0.53\nnameserver 192.0.2.53\n"] {
            assert_eq!(on(fine).check("ResolvConf", &settings("")), [], "{fine}");
        }
        let other = "---\napiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nresolvConf: /run/upstream.conf\n";
        let mut machine = on("nameserver 127.0.0.1\n");
        machine.file("/run/upstream.conf", "nameserver 192.0.2.53\n");
        assert_eq!(machine.check("ResolvConf", &settings(other)), []);
    }

    #[test]
    fn missing_resolv_conf_is_an_error() {
        let machine = FakeMachine::healthy();
        let found = machine.finding("ResolvConf", &with("resolvConf: /run/none"));
        assert!(
            found.what.contains("/run/none") && found.fix.unwrap().contains("resolvConf: /etc/resolv.conf")
        );
        for fine in ["", "resolvConf: ''", "resolvConf: /etc/resolv.conf"] {
            assert_eq!(machine.check("ResolvConf", &with(fine)), [], "{fine}");
        }
        let without = FakeMachine::with(|m| drop(m.files.remove(std::path::Path::new("/etc/resolv.conf"))));
        assert!(without.finding("ResolvConf", &with("")).what.contains("/etc/resolv.conf"));
    }

    #[test]
    fn kernel_settings_count_when_kubelet_may_not_set_them() {
        let machine = FakeMachine::with(|m| {
            m.file("/proc/sys/vm/overcommit_memory", "0\n");
            m.file("/proc/sys/kernel/panic", "10\n");
        });
        assert_eq!(machine.check("KernelDefaults", &with("protectKernelDefaults: false")), []);
        let found = machine.finding("KernelDefaults", &with("protectKernelDefaults: true"));
        assert_eq!(found.evidence, ["vm.overcommit_memory is 0, not 1"]);
        assert!(found.fix.unwrap().contains("sysctl -w vm.overcommit_memory=1`"));
    }

    #[test]
    fn state_of_another_policy() {
        let machine = |text: &str| FakeMachine::with(|m| m.file("/var/lib/kubelet/cpu_manager_state", text));
        let old = machine(r#"{"policyName":"static","defaultCpuSet":"0-1"}"#);
        let found = old.finding("KubeletState", &with(""));
        assert!(found.what.contains("`static`") && found.what.contains("`none`"), "{found:?}");
        assert_eq!(found.fix.unwrap(), "`rm /var/lib/kubelet/cpu_manager_state`: kubelet creates it again");
        let reserved = "cpuManagerPolicy: static\nreservedSystemCPUs: '0'";
        assert_eq!(old.check("KubeletState", &with(reserved)), []);
        assert_eq!(machine(r#"{"policyName":"none"}"#).check("KubeletState", &with("")), []);
        assert_eq!(machine(r#"{"data":"x"}"#).check("KubeletState", &with("")), []);
        assert!(machine("garbage").finding("KubeletState", &with("")).what.contains("can't be read"));
    }

    #[test]
    fn static_cpu_manager_needs_reserved_cpus() {
        let machine = FakeMachine::healthy();
        assert_eq!(machine.check("CpuManager", &with("")), []);
        for reserved in ["reservedSystemCPUs: '0'", "kubeReserved: {cpu: 500m}"] {
            assert_eq!(
                machine.check("CpuManager", &with(&format!("cpuManagerPolicy: static\n{reserved}"))),
                []
            );
        }
        let bare = machine.finding("CpuManager", &with("cpuManagerPolicy: static"));
        assert!(bare.fix.unwrap().contains("reservedSystemCPUs"));
    }
}
