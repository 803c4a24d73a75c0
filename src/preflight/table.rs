//! The table of all checks, in the order of the report: kubeadm's first, in its order, then ours. Each row says for which
//! roles it is, and, by `node` or `cluster`, whether it needs the cluster's settings.

use std::path::Path;

use super::check::Check;
use super::config::components::Judged;
use super::config::existing::manifest_path;
use super::config::{host_files, identity, manifest_folder, manifests, probes, server_files, version};
use super::etcd::{data, external};
use super::join::{kubelet_conf, trust};
use super::kubelet;
use super::machine::programs::{self, PROGRAMS};
use super::machine::{clock, disk, hostname, modules, resources, system, writable};
use super::network::{address, endpoint, firewall, forwarding, ports, proxy, subnets};
use super::pki::{kubeconfigs, pairs};
use super::runtime::{cri, images, sandbox};
use super::subject::Role::{self, ControlPlane, Init, Upgrade, Worker};
use super::subject::Subject;
use crate::finding::Severity::{Error, Info, Warning};
use crate::manifest::Component;

/// The first check, without which kubeadm makes no other.
pub(crate) const PRIVILEGED: &str = "IsPrivilegedUser";

/// Whether an external etcd answers.
pub(super) const EXTERNAL_ETCD: &str = "ExternalEtcdVersion";

const EVERY: &[Role] = &[Init, ControlPlane, Worker, Upgrade];
/// Those that make a machine a node.
const NODES: &[Role] = &[Init, ControlPlane, Worker];
const CONTROL_PLANES: &[Role] = &[Init, ControlPlane];
const JOINS: &[Role] = &[ControlPlane, Worker];

/// All checks of a subject.
pub(super) fn table(subject: &Subject) -> Vec<Check> {
    let mut rows = of_kubeadm(subject);
    let judged = Judged::default();
    rows.extend(of_ours(subject, judged.clone()));
    rows.extend(of_components(judged));
    rows.retain(|row| row.is_for(subject));
    rows
}

fn of_kubeadm(subject: &Subject) -> Vec<Check> {
    let mut rows = vec![Check::node(EVERY, PRIVILEGED, Error, "whether this is root", resources::privileged)];
    rows.extend(join_files(subject));
    rows.extend([
        Check::node(CONTROL_PLANES, "NumCPU", Error, "the number of CPUs", resources::cpus),
        Check::node(CONTROL_PLANES, "Mem", Error, "the amount of memory", resources::memory),
        Check::cluster(CONTROL_PLANES, "KubernetesVersion", Error, "the Kubernetes version", version::check),
        Check::cluster(CONTROL_PLANES, "Firewalld", Warning, "firewalld", firewall::firewalld),
    ]);
    rows.extend(port_rows(subject));
    rows.extend(manifest_rows(subject));
    rows.push(Check::cluster(CONTROL_PLANES, "HTTPProxy", Warning, "proxy variables", proxy::api_server));
    if let Some(endpoint) = subject.joining().endpoint.clone() {
        rows.push(Check::node(JOINS, "HTTPProxy", Warning, "proxy variables", move |node, _| {
            proxy::discovery(node, &endpoint)
        }));
    }
    rows.extend([
        Check::cluster(CONTROL_PLANES, "HTTPProxyCIDR", Warning, "proxy variables", proxy::networks),
        Check::node(EVERY, "CRI", Error, "the container runtime", cri::cri).within(10),
        Check::node(EVERY, "ContainerRuntimeVersion", Error, "the runtime's cgroup driver", cri::version)
            .within(10),
        Check::cluster(NODES, "Swap", Error, "swap", resources::swap),
    ]);
    rows.extend(PROGRAMS.map(|(program, package)| {
        let name = format!("FileExisting-{program}");
        Check::node(NODES, name, Error, "programs in PATH", move |_, m| programs::check(m, program, package))
    }));
    let upgrade = subject.role() == Upgrade;
    rows.extend([
        Check::node(EVERY, "SystemVerification", Error, "the kernel", system::kernel),
        Check::cluster(EVERY, "SystemVerification", Error, "cgroups", move |settings, machine| {
            system::cgroup_v1(settings, machine, upgrade)
        }),
        Check::node(NODES, "Hostname", Warning, "the node's name", hostname::check).within(2),
        Check::node(NODES, "KubeletVersion", Error, "kubelet's version", kubelet::program::installed)
            .within(15),
        Check::cluster(NODES, "KubeletVersion", Error, "kubelet's version", kubelet::program::skew)
            .within(15),
        Check::node(NODES, "Service-kubelet", Warning, "the kubelet service", kubelet::program::service),
    ]);
    for file in subject.settings().map(forwarding::files).unwrap_or_default() {
        let name = format!("FileContent-{}", dashed(file.as_ref()));
        rows.push(Check::cluster(NODES, name, Error, "IP forwarding", move |_, m| {
            forwarding::check(m, file)
        }));
    }
    rows.extend(etcd_rows(subject));
    rows
}

/// What an earlier join left.
fn join_files(subject: &Subject) -> Vec<Check> {
    let file = |name: &str| format!("FileAvailable-{}", dashed(&subject.node().paths.kubeconfig(name)));
    let about = "files of an earlier join";
    let joining = subject.joining();
    let (before, after, ca) = (joining.clone(), joining.clone(), joining.clone());
    let ca_name = format!("FileAvailable-{}", dashed(&joining.ca_file));
    vec![
        Check::node(JOINS, file(kubelet_conf::KUBELET), Error, about, move |node, m| {
            kubelet_conf::check(node, m, &before)
        })
        .of_existing(),
        Check::cluster(JOINS, file(kubelet_conf::KUBELET), Error, about, move |s, m| {
            kubelet_conf::check(&s.node, m, &after)
        })
        .of_existing(),
        Check::node(JOINS, file(kubelet_conf::BOOTSTRAP), Error, about, kubelet_conf::bootstrap)
            .of_existing(),
        Check::cluster(&[Worker], ca_name, Error, "the cluster's CA", move |s, m| {
            trust::check(&s.node, m, &ca)
        })
        .of_existing(),
    ]
}

fn port_rows(subject: &Subject) -> Vec<Check> {
    let about = "who listens on the port";
    let mut rows = vec![];
    for port in ports::of_kubelet(None, &subject.node().registration.kubelet_extra_args) {
        let name = format!("Port-{}", port.number);
        // A joining node's kubelet gets its configuration from the cluster: these are kubelet's defaults.
        let row =
            Check::node(JOINS, name, Error, about, move |node, machine| ports::check(node, machine, &port));
        rows.push(row);
    }
    if let Some(settings) = subject.settings() {
        for port in ports::ports(settings) {
            let name = format!("Port-{}", port.number);
            let roles = match port.owner {
                ports::Owner::Component(_) => CONTROL_PLANES,
                ports::Owner::Kubelet => &[Init],
            };
            let row = Check::cluster(roles, name, Error, about, move |settings, machine| {
                ports::check(&settings.node, machine, &port)
            });
            rows.push(row);
        }
    }
    rows
}

fn manifest_rows(subject: &Subject) -> Vec<Check> {
    let order = [Component::ApiServer, Component::ControllerManager, Component::Scheduler, Component::Etcd];
    let rows = order.into_iter().map(|component| {
        let name = format!("FileAvailable-{}", dashed(&manifest_path(subject.node(), component)));
        Check::cluster(CONTROL_PLANES, name, Error, "existing manifests", move |s, m| {
            manifests::check(s, m, component)
        })
        .of_existing()
    });
    rows.collect()
}

fn etcd_rows(subject: &Subject) -> Vec<Check> {
    let Some(settings) = subject.settings() else { return vec![] };
    if let Some(local) = &settings.cluster.config.etcd.local {
        let name = format!("DirAvailable-{}", dashed(local.data_dir.as_ref()));
        let about = "etcd's data directory";
        return vec![Check::cluster(CONTROL_PLANES, name, Error, about, data::available).of_existing()];
    }
    if subject.joining().downloads_certificates {
        // etcd can't be asked without them: join does that later.
        return vec![];
    }
    vec![
        Check::cluster(CONTROL_PLANES, EXTERNAL_ETCD, Error, "the external etcd", external::version)
            .within(12),
        Check::cluster(
            CONTROL_PLANES,
            "ExternalEtcdClientCertificates",
            Error,
            "the external etcd's client certificate",
            external::client_certificates,
        ),
    ]
}

/// What the components would refuse, but for their flags.
fn of_components(judged: Judged) -> impl Iterator<Item = Check> {
    let with_pods: &[Role] = &[Init, ControlPlane, Upgrade];
    let rows: [(&[Role], &'static str, &'static str); 5] = [
        (with_pods, "FeatureGates", "feature gates"),
        (EVERY, "KubeletConfiguration", "kubelet's configuration"),
        (&[Init], "KubeProxyConfiguration", "kube-proxy's configuration"),
        (with_pods, "StaticPods", "the static Pods"),
        (CONTROL_PLANES, "Taints", "the node's taints"),
    ];
    rows.into_iter().map(move |(roles, name, measures)| {
        let judged = judged.clone();
        Check::cluster(roles, name, Error, measures, move |s, m| judged.check(name, s, m)).within(15)
    })
}

/// What kubeadm does not check.
fn of_ours(subject: &Subject, judged: Judged) -> Vec<Check> {
    let downloads = subject.joining().downloads_certificates;
    let init: &[Role] = &[Init];
    let joins = subject.role() == ControlPlane;
    let with_flags: &[Role] = &[Init, ControlPlane, Upgrade];
    vec![
        Check::cluster(CONTROL_PLANES, "AdvertiseAddress", Error, "the advertise address", address::check),
        Check::node(NODES, "Loopback", Error, "the loopback interface", address::loopback),
        Check::cluster(
            init,
            "ControlPlaneEndpoint",
            Warning,
            "the control plane's endpoint",
            endpoint::check,
        ),
        Check::cluster(CONTROL_PLANES, "Subnets", Warning, "the subnets", subnets::check),
        Check::cluster(init, "NetworkFlags", Error, "flags with subnets", subnets::flags),
        Check::cluster(CONTROL_PLANES, "ListenAddress", Error, "listen addresses", address::listening),
        Check::cluster(CONTROL_PLANES, "NoProxy", Warning, "proxy variables", proxy::names_of_cluster),
        Check::node(
            NODES,
            "RunningKubelet",
            Error,
            "other Kubernetes distributions",
            kubelet::program::others,
        )
        .of_existing(),
        Check::node(
            init,
            "RunningKubelet",
            Error,
            "the cluster of kubelet.conf",
            kubelet::program::other_cluster,
        )
        .of_existing(),
        Check::cluster(NODES, "CgroupDriver", Error, "the cgroup drivers", cri::cgroup_driver).within(10),
        Check::cluster(NODES, "SandboxImage", Error, "the runtime's sandbox image", sandbox::check_image)
            .within(15)
            .acting(),
        // On a worker kubelet starts the first Pods as soon as it is there: a sandbox before them takes a third of the join.
        Check::node(CONTROL_PLANES, "Sandbox", Error, "whether a sandbox starts", sandbox::check)
            .within(45)
            .acting(),
        Check::cluster(with_flags, "ExtraArgs", Error, "flags of the components", move |s, m| {
            judged.flags(s, m)
        })
        .within(15),
        Check::cluster(init, "EtcdServers", Error, "the flag etcd-servers", external::servers),
        Check::cluster(init, "AnonymousAuth", Error, "the flag anonymous-auth", probes::check),
        Check::node(NODES, "KubeletFlags", Error, "kubelet's flags", kubelet::flags::check).within(15),
        Check::node(NODES, "KubeletUnit", Error, "kubelet's unit", kubelet::unit::check),
        Check::cluster(NODES, "ResolvConf", Error, "the resolv.conf for Pods", kubelet::config::resolv_conf),
        Check::cluster(NODES, "KernelDefaults", Error, "kernel settings", kubelet::config::kernel_defaults),
        Check::cluster(
            NODES,
            "CpuManager",
            Error,
            "CPUs reserved for the system",
            kubelet::config::cpu_policy,
        ),
        Check::cluster(NODES, "KubeletState", Error, "kubelet's state files", kubelet::config::state),
        Check::cluster(CONTROL_PLANES, "HostPathFile", Error, "files of the machine", move |s, m| {
            host_files::check(s, m, joins)
        }),
        Check::cluster(
            with_flags,
            "ApiServerFiles",
            Error,
            "files that kube-apiserver reads",
            server_files::check,
        ),
        Check::cluster(
            CONTROL_PLANES,
            "ImagesHere",
            Warning,
            "images that are not pulled",
            images::never_pulled,
        ),
        Check::cluster(CONTROL_PLANES, "ManifestFolder", Error, "other static Pods", manifest_folder::check),
        Check::cluster(CONTROL_PLANES, "Kubeconfigs", Error, "existing kubeconfigs", kubeconfigs::check)
            .of_existing(),
        Check::cluster(EVERY, "Writable", Error, "directories to write to", writable::check).acting(),
        Check::cluster(EVERY, "DiskSpace", Error, "disk space", disk::space),
        Check::cluster(EVERY, "Inodes", Error, "inodes", disk::inodes),
        Check::node(EVERY, "ClockSync", Warning, "the clock", clock::check),
        Check::node(NODES, "KernelModules", Info, "kernel modules", modules::check),
        Check::cluster(CONTROL_PLANES, "PkiPair", Error, "existing certificates and keys", move |s, m| {
            pairs::check(s, m, downloads)
        })
        .of_existing(),
        Check::cluster(CONTROL_PLANES, "PkiMatchesEtcd", Error, "etcd's data and the PKI", data::matches_pki)
            .of_existing(),
        Check::cluster(
            init,
            "SameCluster",
            Error,
            "the configuration of the existing cluster",
            identity::check,
        )
        .of_existing(),
    ]
}

/// A path as kubeadm writes it in names.
fn dashed(path: &Path) -> String {
    path.to_string_lossy().replace('/', "-")
}

#[cfg(test)]
mod tests;
