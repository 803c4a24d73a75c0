//! The machine on which every check is content.

use std::collections::BTreeMap;

use super::{FakeMachine, image};
use crate::host::ServiceState;
use crate::host::cri::runtime::Condition;
use crate::host::cri::{CgroupDriver, RuntimeStatus, RuntimeVersion};
use crate::host::machine::{RuntimeFacts, Said};
use crate::host::net::InterfaceAddress;
use crate::host::system::{Cgroups, KernelConfig};
use crate::kubelet::{DROP_IN, UNIT};

impl FakeMachine {
    pub(crate) fn healthy() -> Self {
        let said = |stdout: &str| Said { success: true, stdout: stdout.into(), stderr: String::new() };
        let running = ServiceState { exists: true, active: true, enabled: true };
        let text = |t: &str| t.as_bytes().to_vec();
        Self {
            root: true,
            cpus: 2,
            memory: 4 << 30,
            swaps: vec![],
            kernel_release: "6.12.48+deb13-amd64".into(),
            kernel_config: Some(KernelConfig {
                path: "/boot/config-6.12.48".into(),
                options: super::super::machine::kernel::OPTIONS
                    .iter()
                    .flat_map(|o| o.names)
                    .map(|n| ((*n).to_owned(), "y".to_owned()))
                    .collect(),
            }),
            cgroups: Cgroups {
                version: 2,
                controllers: "cpu cpuset io memory hugetlb pids devices freezer"
                    .split(' ')
                    .map(str::to_owned)
                    .collect(),
            },
            addresses: [("lo", "127.0.0.1"), ("eth0", "192.0.2.10")]
                .map(|(i, a)| InterfaceAddress { interface: i.into(), ip: a.parse().unwrap() })
                .to_vec(),
            listeners: vec![],
            processes: vec![],
            resolves: Ok(vec!["192.0.2.10".parse().unwrap()]),
            files: BTreeMap::from([
                ("/proc/sys/net/ipv4/ip_forward".into(), text("1\n")),
                ("/proc/sys/net/ipv6/conf/default/forwarding".into(), text("1\n")),
                ("/proc/sys/net/bridge/bridge-nf-call-iptables".into(), text("1\n")),
                ("/proc/filesystems".into(), text("nodev\toverlay\n")),
                ("/etc/resolv.conf".into(), text("nameserver 192.0.2.53\n")),
            ]),
            dirs: BTreeMap::from([("/run/systemd/system".into(), vec![])]),
            unreadable: BTreeMap::new(),
            links: BTreeMap::new(),
            disks: BTreeMap::new(),
            write_errors: BTreeMap::new(),
            programs: ["losetup", "mount", "cp", "kubelet", "containerd"].map(str::to_owned).to_vec(),
            says: BTreeMap::from([
                ("kubelet --version".into(), said("Kubernetes v1.36.2\n")),
                (
                    "systemctl cat kubelet".into(),
                    said(&format!(
                        "# /usr/lib/systemd/system/kubelet.service\n{UNIT}\n# /usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf\n{DROP_IN}\n"
                    )),
                ),
                (
                    "timedatectl show --property=NTPSynchronized --property=NTP".into(),
                    said("NTP=yes\nNTPSynchronized=yes\n"),
                ),
            ]),
            init_system: Some("systemd"),
            logs: BTreeMap::new(),
            services: BTreeMap::from([("kubelet".into(), running), ("containerd".into(), running)]),
            runtime: Ok(RuntimeFacts {
                version: RuntimeVersion {
                    name: "containerd".into(),
                    version: "v2.1.4".into(),
                    api_version: "v1".into(),
                },
                status: RuntimeStatus {
                    conditions: vec![Condition {
                        kind: "RuntimeReady".into(),
                        status: true,
                        reason: String::new(),
                        message: String::new(),
                    }],
                    info: BTreeMap::new(),
                },
                cgroup_driver: Ok(Some(CgroupDriver::Systemd)),
                images: vec![image("registry.k8s.io/pause:3.10.2", true)],
                image_dir: Some("/var/lib/containerd".into()),
            }),
            sandbox: BTreeMap::new(),
            pull: Ok(()),
            etcd: Ok(r#"{"etcdserver":"3.6.8","etcdcluster":"3.6.0"}"#.into()),
        }
    }
}
