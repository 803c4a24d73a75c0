//! The settings of a run, from which everything is rendered.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use k8s_openapi::api::core::v1::Taint;

use super::duration::GoDuration;
use super::facts::HostFacts;
use super::kube_proxy::KubeProxyConfiguration;
use super::kubelet::KubeletConfiguration;
use super::names;
use super::profile::Profile;
use super::release::Release;
use super::v1beta4::{self, ClusterConfiguration, NodeRegistrationOptions};
use super::version::KubernetesVersion;
use crate::pki::KeyAlgorithm;

/// Life time of leaf certificates by default: a year.
pub(crate) const CERTIFICATE_VALIDITY: GoDuration = GoDuration::from_secs(8760 * 3600);
/// Life time of CA certificates by default: ten years.
pub(crate) const CA_CERTIFICATE_VALIDITY: GoDuration = GoDuration::from_secs(87600 * 3600);
/// The registry of Kubernetes' own images.
pub(crate) const IMAGE_REPOSITORY: &str = "registry.k8s.io";
/// The CRI socket taken where none is found.
pub(crate) const DEFAULT_CRI_SOCKET: &str = "unix:///var/run/containerd/containerd.sock";
/// The group that joining nodes authenticate as.
pub(crate) const NODE_BOOTSTRAP_GROUP: &str = "system:bootstrappers:kubeadm:default-node-token";
/// The label and taint key of control-plane nodes.
pub(crate) const CONTROL_PLANE_LABEL: &str = "node-role.kubernetes.io/control-plane";

/// Where things lie on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paths {
    /// Kubernetes' folder, with the kubeconfigs: `/etc/kubernetes`.
    pub kubeconfig_dir: PathBuf,
    /// The folder that kubelet watches for static Pods.
    pub manifests: PathBuf,
    /// kubelet's folder.
    pub kubelet: PathBuf,
    /// Certificates and keys.
    pub certificates: PathBuf,
}

impl Paths {
    /// kubeadm's paths, with certificates in `certificates`, and kubeconfigs in `kubeconfigs` if that is given.
    pub(crate) fn new(certificates: &str, kubeconfigs: Option<&Path>) -> Self {
        Self {
            kubeconfig_dir: kubeconfigs.unwrap_or(Path::new("/etc/kubernetes")).into(),
            manifests: "/etc/kubernetes/manifests".into(),
            kubelet: "/var/lib/kubelet".into(),
            certificates: certificates.into(),
        }
    }

    /// Every folder that init writes files to.
    pub(crate) fn folders(&self) -> [PathBuf; 6] {
        let Self { kubeconfig_dir, manifests, kubelet, certificates } = self.clone();
        let profile = PathBuf::from(Profile::DIR);
        [kubeconfig_dir, manifests, kubelet, certificates.join("etcd"), certificates, profile]
    }

    /// The folder of kubelet's own certificates; `given` is its flag `--cert-dir`.
    pub(crate) fn kubelet_certificates(&self, given: Option<&str>) -> PathBuf {
        given.map_or_else(|| self.kubelet.join("pki"), PathBuf::from)
    }

    /// A kubeconfig, by its file name.
    pub(crate) fn kubeconfig(&self, name: &str) -> PathBuf {
        self.kubeconfig_dir.join(name)
    }
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// For the control-plane components to become healthy.
    pub control_plane: Duration,
    /// For kubelet to become healthy.
    pub kubelet: Duration,
    /// For a request to the API server to succeed.
    pub kubernetes_api: Duration,
    /// For a request to etcd to succeed.
    pub etcd_api: Duration,
    /// For the TLS bootstrap of a joining kubelet.
    pub tls_bootstrap: Duration,
    /// For the discovery of a cluster to join.
    pub discovery: Duration,
    /// For an upgraded static Pod to run.
    pub upgrade_manifests: Duration,
}

impl Timeouts {
    /// The timeouts that a configuration gives, else kubeadm's defaults.
    pub(crate) fn of(given: Option<&v1beta4::Timeouts>) -> Self {
        let given = given.cloned().unwrap_or_default();
        let or = |value: Option<GoDuration>, minutes: u64| {
            value.map_or(Duration::from_secs(60 * minutes), |d| d.as_std())
        };
        Self {
            control_plane: or(given.control_plane_component_health_check, 4),
            kubelet: or(given.kubelet_health_check, 4),
            kubernetes_api: or(given.kubernetes_api_call, 1),
            etcd_api: or(given.etcd_api_call, 2),
            tls_bootstrap: or(given.tls_bootstrap, 5),
            discovery: or(given.discovery, 5),
            upgrade_manifests: or(given.upgrade_manifests, 5),
        }
    }
}

/// What is the same on every node of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct ClusterSettings {
    /// The ClusterConfiguration, with defaults.
    pub config: ClusterConfiguration,
    /// kubelet's configuration as the user gave it.
    pub kubelet: Option<KubeletConfiguration>,
    /// kube-proxy's configuration as the user gave it.
    pub kube_proxy: Option<KubeProxyConfiguration>,
    /// The control plane's version.
    pub version: KubernetesVersion,
    /// What is particular to that version's minor.
    pub release: &'static Release,
    /// Subnets of Services; the first gives the API server's and the DNS' addresses.
    pub service_subnets: Vec<IpNet>,
    /// Subnets of Pods, if given.
    pub pod_subnets: Vec<IpNet>,
    /// Algorithm of every key.
    pub algorithm: KeyAlgorithm,
    /// Which component configurations nobody has changed, though they are given: the cluster's own stored ones.
    pub generated: Generated,
}

/// Which component configurations kubeadm or kubestrap generated, so that a later version may generate them again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Generated {
    /// kubelet's.
    pub kubelet: bool,
    /// kube-proxy's.
    pub kube_proxy: bool,
}

impl ClusterSettings {
    /// Which component configurations are generated: those that nobody gave, or changed in the cluster.
    pub(crate) fn generated(&self) -> Generated {
        Generated {
            kubelet: self.kubelet.is_none() || self.generated.kubelet,
            kube_proxy: self.kube_proxy.is_none() || self.generated.kube_proxy,
        }
    }
}

/// What belongs to this node.
#[derive(Clone, Debug)]
pub(crate) struct NodeSettings {
    /// How this node registers, with defaults.
    pub registration: NodeRegistrationOptions,
    /// The node's name as it was given: kubelet makes it lower case by itself.
    pub given_name: String,
    /// Address under which this node's API server is reached.
    pub advertise_address: IpAddr,
    /// Port of this node's API server.
    pub bind_port: u16,
    /// Taints of this node.
    pub taints: Vec<Taint>,
    /// kubelet registers the taints itself: on a worker, which can't taint its own Node afterwards.
    pub kubelet_registers_taints: bool,
    /// The folder with the user's patches, if there is one.
    pub patches: Option<PathBuf>,
    /// Where files are on this node.
    pub paths: Paths,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// Whose files are made where they are missing.
    pub(crate) profile: Option<Profile>,
    /// What the machine reported about itself.
    pub facts: HostFacts,
}

/// What files are rendered from and checks are made against: the cluster's part and this node's. Resolved once, not
/// changed afterwards; what belongs to one workflow alone is in that workflow's state.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The cluster's part.
    pub cluster: ClusterSettings,
    /// This node's part.
    pub node: NodeSettings,
}

impl Settings {
    /// The Node's name.
    pub(crate) fn node_name(&self) -> &str {
        &self.node.registration.name
    }

    /// The URL that other etcd members reach this node's by.
    pub(crate) fn etcd_peer_url(&self) -> String {
        format!("https://{}", join_host_port(&self.node.advertise_address.to_string(), 2380))
    }

    /// The container runtime's socket.
    pub(crate) fn cri_socket(&self) -> &str {
        &self.node.registration.cri_socket
    }

    /// A path below the certificates' folder, as text for flags.
    pub(crate) fn certificate_path(&self, file: &str) -> String {
        clean(&format!("{}/{file}", self.cluster.config.certificates_dir))
    }

    /// `host:port` of this node's API server.
    pub(crate) fn local_endpoint(&self) -> String {
        std::net::SocketAddr::new(self.node.advertise_address, self.node.bind_port).to_string()
    }

    /// `host:port` under which the control plane is reached: `controlPlaneEndpoint`, else this node's API server.
    pub(crate) fn control_plane_endpoint(&self) -> String {
        if self.cluster.config.control_plane_endpoint.is_empty() {
            return self.local_endpoint();
        }
        // Its port was added with the other defaults. Brackets may stand round a name too, and do not belong to it.
        let endpoint = &self.cluster.config.control_plane_endpoint;
        match names::host_port(endpoint) {
            Ok((host, Some(port))) => join_host_port(&host, port),
            _ => endpoint.clone(),
        }
    }

    /// The address at `index` of the first Service subnet: 1 is the API server's, 10 the DNS'.
    pub(crate) fn service_address(&self, index: u32) -> IpAddr {
        match self.cluster.service_subnets.first() {
            Some(IpNet::V4(net)) => IpAddr::V4((u32::from(net.network()).wrapping_add(index)).into()),
            Some(IpNet::V6(net)) => {
                let address = u128::from(net.network()).wrapping_add(u128::from(index));
                IpAddr::V6(address.into()).to_canonical()
            }
            None => IpAddr::V4(Ipv4Addr::new(10, 96, 0, 10)),
        }
    }

    /// Whether kubelet's CRI socket goes into `instance-config.yaml` (else it is a flag).
    pub(crate) fn instance_config(&self) -> bool {
        let gates = &self.cluster.config.feature_gates;
        *gates.get("NodeLocalCRISocket").unwrap_or(&self.cluster.release.instance_config)
    }
}

/// A path without `.`, `..` and repeated slashes, as Go's `filepath.Clean` has it.
fn clean(path: &str) -> String {
    let mut steps = vec![];
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            step => steps.push(step),
        }
    }
    format!("/{}", steps.join("/"))
}

/// A host and a port, an IPv6 address in brackets.
pub(crate) fn join_host_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The taint that keeps ordinary Pods off control-plane nodes.
pub(crate) fn control_plane_taint() -> Taint {
    Taint { key: CONTROL_PLANE_LABEL.into(), effect: "NoSchedule".into(), ..Taint::default() }
}

/// A taint as `kubectl taint` takes it.
pub(crate) fn taint_text(taint: &Taint) -> String {
    match &taint.value {
        Some(value) if !value.is_empty() => format!("{}={value}:{}", taint.key, taint.effect),
        _ => format!("{}:{}", taint.key, taint.effect),
    }
}

#[cfg(test)]
mod tests {
    use crate::preflight::fake::settings;

    #[test]
    fn brackets_round_a_name_are_no_part_of_the_endpoint() {
        for (given, endpoint) in [
            ("[api.example.com]:443", "api.example.com:443"),
            ("[fd00::9]:443", "[fd00::9]:443"),
            ("api.example.com", "api.example.com:6443"),
        ] {
            let settings = settings(&format!("controlPlaneEndpoint: '{given}'\n"));
            assert_eq!(settings.control_plane_endpoint(), endpoint);
        }
    }
}
