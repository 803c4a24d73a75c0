//! The table of init's checks, in the order of the report: kubeadm's first, in its order, then ours.

use std::path::Path;

use super::check::Check;
use super::existing::manifest_path;
use super::finding::Severity::{Error, Info, Warning};
use super::programs::PROGRAMS;
use super::{
    address, clock, components, data, disk, endpoint, etcd, firewall, forwarding, host_files, identity,
    images, kubeconfigs, kubelet, kubelet_config, kubelet_flags, kubelet_unit, manifest_folder, manifests,
    modules, node, pki, ports, probes, programs, proxy, resources, runtime, sandbox, subnets, system,
    writable,
};
use crate::config::Settings;
use crate::manifest::Component;

/// The first check, without which kubeadm makes no other.
pub(super) const PRIVILEGED: &str = "IsPrivilegedUser";

/// All checks of an init with these settings.
pub fn table(settings: &Settings) -> Vec<Check> {
    let mut rows = of_kubeadm(settings);
    rows.extend(of_ours(settings));
    rows
}

fn of_kubeadm(settings: &Settings) -> Vec<Check> {
    let mut rows = vec![
        Check::new(PRIVILEGED, Error, "root", resources::privileged),
        Check::new("NumCPU", Error, "number of CPUs", resources::cpus),
        Check::new("Mem", Error, "amount of memory", resources::memory),
        Check::new("KubernetesVersion", Error, "the version is one we know", node::kubernetes_version),
        Check::new("Firewalld", Warning, "ports open in firewalld", firewall::firewalld),
    ];
    rows.extend(ports::ports(settings).into_iter().map(|(port, owner)| {
        Check::new(format!("Port-{port}"), Error, "who listens on a port", move |s, m| {
            ports::check(s, m, port, owner)
        })
    }));
    let order = [Component::ApiServer, Component::ControllerManager, Component::Scheduler, Component::Etcd];
    rows.extend(order.into_iter().map(|component| {
        let name = format!("FileAvailable-{}", dashed(&manifest_path(settings, component)));
        Check::new(name, Error, "a manifest that is there already", move |s, m| {
            manifests::check(s, m, component)
        })
        .of_existing()
    }));
    rows.extend([
        Check::new("HTTPProxy", Warning, "the API server goes through no proxy", proxy::api_server),
        Check::new("HTTPProxyCIDR", Warning, "Services and Pods go through no proxy", proxy::networks),
        Check::new("CRI", Error, "the container runtime answers", runtime::cri).within(10),
        Check::new("ContainerRuntimeVersion", Error, "the runtime tells its cgroup driver", runtime::version)
            .within(10),
        Check::new("Swap", Error, "swap areas in use", resources::swap),
    ]);
    rows.extend(PROGRAMS.map(|(program, package)| {
        Check::new(format!("FileExisting-{program}"), Error, "a program is in PATH", move |_, m| {
            programs::check(m, program, package)
        })
    }));
    rows.extend([
        Check::new("SystemVerification", Error, "the kernel and its cgroups", system::check),
        Check::new("Hostname", Warning, "the node's name resolves", node::hostname).within(2),
        Check::new("KubeletVersion", Error, "kubelet's version fits", kubelet::check_version).within(15),
        Check::new("Service-kubelet", Warning, "kubelet starts with the machine", kubelet::service),
    ]);
    rows.extend(forwarding::files(settings).into_iter().map(|file| {
        let name = format!("FileContent-{}", dashed(file.as_ref()));
        Check::new(name, Error, "the kernel forwards packets", move |_, m| forwarding::check(m, file))
    }));
    if let Some(local) = &settings.cluster.config.etcd.local {
        let name = format!("DirAvailable-{}", dashed(local.data_dir.as_ref()));
        rows.push(Check::new(name, Error, "what is in etcd's data folder", data::available).of_existing());
    } else {
        rows.extend([
            Check::new("ExternalEtcdVersion", Error, "the external etcd answers", etcd::version).within(12),
            Check::new(
                "ExternalEtcdClientCertificates",
                Error,
                "files to reach the external etcd with",
                etcd::client_certificates,
            ),
        ]);
    }
    rows
}

/// What kubeadm does not check.
fn of_ours(_: &Settings) -> Vec<Check> {
    vec![
        Check::new("AdvertiseAddress", Error, "the advertised address is of this machine", address::check),
        Check::new("Loopback", Error, "the loopback interface is up", address::loopback),
        Check::new("ControlPlaneEndpoint", Warning, "the endpoint leads here", endpoint::check),
        Check::new("Subnets", Warning, "networks share no address", subnets::check),
        Check::new("NetworkFlags", Error, "flags that name networks", subnets::flags),
        Check::new("ListenAddress", Error, "addresses to listen on are here", address::listening),
        Check::new("NoProxy", Warning, "names of the cluster go through no proxy", proxy::names_of_cluster),
        Check::new("RunningKubelet", Error, "no other cluster runs here", kubelet::running).of_existing(),
        Check::new("CgroupDriver", Error, "kubelet and runtime agree on cgroups", runtime::cgroup_driver)
            .within(10),
        Check::new("SandboxImage", Error, "the runtime's sandbox image", sandbox::check_image)
            .within(15)
            .acting(),
        Check::new("Sandbox", Error, "a sandbox starts", sandbox::check).within(45).acting(),
        Check::new("ExtraArgs", Error, "components take their flags", components::flags).within(15),
        Check::new("FeatureGates", Error, "feature gates are known", |s, m| {
            components::check("FeatureGates", s, m)
        }),
        Check::new("KubeletConfiguration", Error, "kubelet takes its configuration", |s, m| {
            components::check("KubeletConfiguration", s, m)
        })
        .within(15),
        Check::new("KubeProxyConfiguration", Error, "kube-proxy takes its configuration", |s, m| {
            components::check("KubeProxyConfiguration", s, m)
        }),
        Check::new("StaticPods", Error, "kubelet takes the static Pods", |s, m| {
            components::check("StaticPods", s, m)
        }),
        Check::new("Taints", Error, "the node's taints are valid", |s, m| components::check("Taints", s, m)),
        Check::new("EtcdServers", Error, "etcd is where it is looked for", etcd::servers),
        Check::new("AnonymousAuth", Error, "kubelet's probes get an answer", probes::anonymous),
        Check::new("KubeletFlags", Error, "kubelet's flags fit what init writes", kubelet_flags::check)
            .within(15),
        Check::new("KubeletUnit", Error, "kubelet is started with init's files", kubelet_unit::check),
        Check::new("ResolvConf", Error, "the resolv.conf for Pods", kubelet_config::resolv_conf),
        Check::new("KernelDefaults", Error, "kernel settings for kubelet", kubelet_config::kernel_defaults),
        Check::new("CpuManager", Error, "CPUs reserved for the system", kubelet_config::cpu_policy),
        Check::new("KubeletState", Error, "what kubelet remembers", kubelet_config::state),
        Check::new("HostPathFile", Error, "files that the configuration names", host_files::check),
        Check::new("ImagesHere", Warning, "images that are not pulled", images::never_pulled),
        Check::new("ManifestFolder", Error, "what else kubelet would run", manifest_folder::check),
        Check::new("Kubeconfigs", Error, "kubeconfigs that are there already", kubeconfigs::check)
            .of_existing(),
        Check::new("Writable", Error, "folders can be written to", writable::check).acting(),
        Check::new("DiskSpace", Error, "space for etcd, kubelet and images", disk::space),
        Check::new("Inodes", Error, "inodes for them", disk::inodes),
        Check::new("ClockSync", Warning, "the clock is synchronised", clock::check),
        Check::new("KernelModules", Info, "kernel modules are loaded", modules::check),
        Check::new("PkiPair", Error, "certificates and keys fit and are valid", pki::check).of_existing(),
        Check::new("PkiMatchesEtcd", Error, "etcd's data belong to the PKI", data::matches_pki).of_existing(),
        Check::new("SameCluster", Error, "it is configured as what it is", identity::check).of_existing(),
    ]
}

/// A path as kubeadm writes it in names.
fn dashed(path: &Path) -> String {
    path.to_string_lossy().replace('/', "-")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fake::{FakeMachine, settings};
    use super::super::{Options, run_checks};
    use super::*;

    #[test]
    fn a_healthy_machine_has_nothing_to_report() {
        let dual = "networking: {serviceSubnet: '10.96.0.0/16,fd00:1::/112', podSubnet: '10.244.0.0/16,fd00:2::/56'}\n";
        let external = "etcd: {external: {endpoints: ['http://192.0.2.3:2379']}}\n";
        for config in ["", dual, external] {
            let report = run_checks(&settings(config), Arc::new(FakeMachine::healthy()), &Options::default());
            assert_eq!(report.findings, [], "{config}");
        }
    }

    #[test]
    fn names_are_kubeadm_s_and_in_its_order() {
        let rows = of_kubeadm(&settings(""));
        let names: Vec<&str> = rows.iter().map(|c| c.name.as_str()).collect();
        let want = "IsPrivilegedUser NumCPU Mem KubernetesVersion Firewalld Port-6443 Port-10259 Port-10257 \
            Port-10250 Port-2379 Port-2380 Port-2381 Port-10248 \
            FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml \
            FileAvailable--etc-kubernetes-manifests-kube-controller-manager.yaml \
            FileAvailable--etc-kubernetes-manifests-kube-scheduler.yaml \
            FileAvailable--etc-kubernetes-manifests-etcd.yaml HTTPProxy HTTPProxyCIDR CRI \
            ContainerRuntimeVersion Swap FileExisting-losetup FileExisting-mount FileExisting-cp \
            SystemVerification Hostname KubeletVersion Service-kubelet \
            FileContent--proc-sys-net-ipv4-ip_forward DirAvailable--var-lib-etcd";
        assert_eq!(names, want.split_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn every_name_stands_once() {
        let rows = table(&settings(""));
        for (i, row) in rows.iter().enumerate() {
            assert!(!rows[..i].iter().any(|r| r.name == row.name), "{}", row.name);
        }
    }
}
