//! The components, and how each is asked.

/// A component and its cases.
#[derive(Debug)]
pub(super) struct Component {
    /// Its program, and the name of its static Pod's container.
    pub(super) name: &'static str,
    pub(super) cases: &'static str,
    pub(super) configures: Configures,
    /// Flags for being asked, beside those that kubestrap gives it.
    pub(super) flags: &'static [&'static str],
    /// What it says when all values are judged: one of these is in a line of its log.
    pub(super) goes_on: &'static [&'static str],
    /// Asked beside a cluster that stands: for what is judged once etcd and the API server answer.
    pub(super) live: bool,
}

/// What configures it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Configures {
    /// extraArgs at this path of ClusterConfiguration, from which this phase of init makes a Pod.
    Flags { path: &'static [&'static str], phase: &'static [&'static str] },
    /// A document of this version and kind, with fields that this machine needs.
    Document { version: &'static str, kind: &'static str, needed: &'static [(&'static str, &'static str)] },
    /// kubeletExtraArgs of a node, beside such a document.
    NodeFlags { version: &'static str, kind: &'static str, needed: &'static [(&'static str, &'static str)] },
}

const KUBELET_API: &str = "kubelet.config.k8s.io/v1beta1";
const KUBELET_KIND: &str = "KubeletConfiguration";
const KUBELET_NEEDS: &[(&str, &str)] = &[
    ("failCgroupV1", "false"),
    ("cgroupDriver", "cgroupfs"),
    ("failSwapOn", "false"),
    ("containerRuntimeEndpoint", "unix:///run/containerd/containerd.sock"),
];

const KUBELET: Component = Component {
    name: "kubelet",
    cases: include_str!("cases/kubelet.yaml"),
    configures: Configures::Document { version: KUBELET_API, kind: KUBELET_KIND, needed: KUBELET_NEEDS },
    flags: &["--kubeconfig=/etc/kubernetes/admin.conf"],
    goes_on: &["starting control loop"],
    live: false,
};

const API_SERVER: Component = Component {
    name: "kube-apiserver",
    cases: include_str!("cases/kube-apiserver.txt"),
    configures: Configures::Flags { path: &["apiServer"], phase: &["control-plane", "apiserver"] },
    flags: &[],
    // The last before etcd is awaited.
    goes_on: &["The manifest file is empty"],
    live: false,
};

const SCHEDULER: Component = Component {
    name: "kube-scheduler",
    cases: include_str!("cases/kube-scheduler.txt"),
    configures: Configures::Flags { path: &["scheduler"], phase: &["control-plane", "scheduler"] },
    flags: &[],
    goes_on: &["Serving securely", "Failed to watch"],
    live: false,
};

/// All of them, in the order of asking.
pub(super) const COMPONENTS: &[Component] = &[
    Component {
        name: "etcd",
        cases: include_str!("cases/etcd.txt"),
        configures: Configures::Flags { path: &["etcd", "local"], phase: &["etcd", "local"] },
        flags: &[],
        // "ready to serve client requests" comes before its TLS is judged.
        goes_on: &["serving client traffic"],
        live: false,
    },
    API_SERVER,
    Component {
        name: "kube-controller-manager",
        cases: include_str!("cases/kube-controller-manager.txt"),
        configures: Configures::Flags {
            path: &["controllerManager"],
            phase: &["control-plane", "controller-manager"],
        },
        flags: &[],
        goes_on: &["Attempting to acquire leader lease"],
        live: false,
    },
    SCHEDULER,
    KUBELET,
    Component {
        cases: include_str!("cases/kubelet-flags.txt"),
        configures: Configures::NodeFlags { version: KUBELET_API, kind: KUBELET_KIND, needed: KUBELET_NEEDS },
        ..KUBELET
    },
    Component {
        name: "kube-proxy",
        cases: include_str!("cases/kube-proxy.yaml"),
        configures: Configures::Document {
            version: "kubeproxy.config.k8s.io/v1alpha1",
            kind: "KubeProxyConfiguration",
            needed: &[("clientConnection", "{kubeconfig: /etc/kubernetes/admin.conf}")],
        },
        flags: &[],
        goes_on: &["dial tcp"],
        live: false,
    },
    Component {
        cases: include_str!("cases/kube-apiserver-live.txt"),
        flags: &["--secure-port=6444"],
        goes_on: &["Serving securely"],
        live: true,
        ..API_SERVER
    },
    Component {
        cases: include_str!("cases/kube-scheduler-live.txt"),
        flags: &["--secure-port=10269"],
        goes_on: &["Attempting to acquire leader lease"],
        live: true,
        ..SCHEDULER
    },
];
