//! Why kubelet does not run: what it, or systemd about it, logged.

use super::rule;
use crate::diagnose::look::Look;
use crate::diagnose::rule::{Rule, Source};

const FLAGS_FROM: &str = "kubelet's flags come from nodeRegistration.kubeletExtraArgs (in {kubelet}/kubeadm-flags.env), KUBELET_EXTRA_ARGS (in /etc/default/kubelet or /etc/sysconfig/kubelet) and its unit (`systemctl cat kubelet`)";
const CONFIG_FROM: &str = "{kubelet}/config.yaml is made of the KubeletConfiguration given to init, and of patches named kubeletconfiguration";
const MEND_CONFIG: &str = "fix the KubeletConfiguration (or the patch), then run again";

/// That kubelet may not request its client certificate.
pub(crate) const NOT_REQUESTED: &str = "CertificateNotRequested";

pub(super) const RULES: &[Rule] = &[
    rule(
        "KubeletMissing",
        Source::Kubelet,
        r"(?:Failed (?:at step EXEC spawning|to locate executable|to execute)\s*(?<path>\S*kubelet)|status=203/EXEC)",
        [
            "the kubelet service can't start its program",
            "the file that the unit's ExecStart names is not there, can't be executed, or is for another processor",
            "`systemctl cat kubelet` shows which it is; install kubelet there (`apt-get install kubelet`), then run again",
        ],
    ),
    rule(
        "KubeletFlag",
        Source::Kubelet,
        r"unknown (?:shorthand )?flag: (?<flag>[^\s\x22]+)",
        [
            "kubelet does not know its flag {flag}, and exits",
            FLAGS_FROM,
            "take {flag} away or correct it (`kubelet --help` lists the flags), then run again",
        ],
    ),
    rule(
        "KubeletFlag",
        Source::Kubelet,
        r"failed to (?:parse kubelet flag|validate kubelet flags): (?<why>.*?)\x22?$",
        ["kubelet refuses its flags: {why}", FLAGS_FROM, "correct it, then run again"],
    ),
    rule(
        "KubeletFeatureGate",
        Source::Kubelet,
        r"unrecognized feature gate: (?<gate>[\w-]+)|cannot set feature gate (?<locked>\w+)",
        [
            "kubelet refuses a feature gate: {gate}{locked}",
            "featureGates of the KubeletConfiguration, or --feature-gates in kubelet's flags, names one that this version does not have or has locked",
            "take it out, then run again",
        ],
    ),
    rule(
        "SwapOn",
        Source::Kubelet,
        r"running with swap on is not supported",
        [
            "kubelet refuses to run with swap on",
            "swap is in use, and the KubeletConfiguration does not allow it",
            "`swapoff -a`, and take the swap lines out of /etc/fstab; or set `failSwapOn: false` in a KubeletConfiguration",
        ],
    ),
    rule(
        "CgroupV1",
        Source::Kubelet,
        r"kubelet is configured to not run on a host using cgroup v1",
        [
            "kubelet refuses to run on a machine with cgroup v1",
            "since Kubernetes 1.35 kubelet wants cgroup v2, unless it is told otherwise",
            "boot with cgroup v2 (`systemd.unified_cgroup_hierarchy=1`), or set `failCgroupV1: false` in a KubeletConfiguration",
        ],
    ),
    rule(
        "KubeletConfigMissing",
        Source::Kubelet,
        r"failed to load (?:k|K)ubelet config file.*no such file or directory",
        [
            "kubelet does not find its configuration",
            "{kubelet}/config.yaml is not there: kubelet-start has not run, or something removed it",
            "run again: `kubestrap init phase kubelet-start` writes it",
        ],
    )
    .persisting(),
    rule(
        "KubeletConfig",
        Source::Kubelet,
        r"failed to load (?:k|K)ubelet (?:config|dropin) file.*?error: (?<why>.*?)\x22?$",
        ["kubelet can't read its configuration: {why}", CONFIG_FROM, MEND_CONFIG],
    ),
    rule(
        "KubeletConfig",
        Source::Kubelet,
        r"failed to validate kubelet configuration, error: (?<why>.*?)(?:, path: .*)?$",
        ["kubelet refuses its configuration: {why}", CONFIG_FROM, MEND_CONFIG],
    ),
    rule(
        "KubeletCredentials",
        Source::Kubelet,
        r"bootstrap client certificate in (?<file>\S+) is expired|unable to (?:load|read) (?:bootstrap|client).*?(?<path>/etc/\S+\.(?:conf|pem|crt))",
        [
            "kubelet can't use its kubeconfig or client certificate",
            "kubelet.conf, or the certificate it names, is missing, damaged or expired",
            "move /etc/kubernetes/kubelet.conf and /var/lib/kubelet/pki away, then run again: they are generated again",
        ],
    ),
    rule(
        "CgroupDriver",
        Source::Node,
        r#"expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups|kubelet cgroup driver: .*is different from|invalid slice name"#,
        [
            "kubelet and the container runtime disagree on the cgroup driver",
            "one manages cgroups through systemd, the other itself (cgroupfs)",
            "set {systemd_cgroups} in {runtime_config} and restart {runtime}; or set `cgroupDriver: cgroupfs` in a KubeletConfiguration",
        ],
    )
    .persisting(),
    rule(
        "PortInUse",
        Source::Kubelet,
        r"listen tcp4?6? (?<address>\S*:(?<port>\d+)): bind: address already in use",
        [
            "kubelet can't listen on {address}: the port is in use",
            "another process holds port {port}",
            "stop that process (`ss -ltnp 'sport = :{port}'` shows it), then run again",
        ],
    )
    .look(Look::Port),
    rule(
        "AddressNotHere",
        Source::Kubelet,
        r"listen tcp4?6? (?<address>\S+): bind: cannot assign requested address",
        [
            "kubelet can't listen on {address}: this machine has no such address",
            "`address` or `healthzBindAddress` of the KubeletConfiguration is not of this machine",
            MEND_CONFIG,
        ],
    )
    .look(Look::Addresses),
    rule(
        "NodeIp",
        Source::Kubelet,
        r#"bad --node-ip (?<why>[^\n]*?)\x22?$"#,
        ["kubelet refuses its --node-ip: {why}", FLAGS_FROM, "correct it, then run again"],
    ),
    rule(
        "KubeletState",
        Source::Kubelet,
        r#"(?:checkpoint|state|policy).*?(?<file>/\S*/(?:cpu|memory)_manager_state)"#,
        [
            "kubelet can't use the state file of its resource managers: {file}",
            "the file was written under another cpuManagerPolicy or memoryManagerPolicy, or is damaged",
            "`rm {file}`: kubelet creates it again; then run again",
        ],
    ),
    rule(
        "KernelDefaults",
        Source::Kubelet,
        r"invalid kernel flag: (?<flag>[\w/.]+), expected value: (?<want>\d+), actual value: (?<is>\d+)",
        [
            "kubelet wants the kernel setting {flag} to be {want}, and it is {is}",
            "protectKernelDefaults is true, so that kubelet exits instead of changing it",
            "set it with `sysctl` (and in /etc/sysctl.d), with all others that its log names; or `protectKernelDefaults: false`",
        ],
    ),
    rule(
        "CpuManager",
        Source::Kubelet,
        r#"\[cpumanager\] (?<why>unable to determine reserved CPU[^"]*)"#,
        [
            "kubelet's CPU manager can't work: {why}",
            "cpuManagerPolicy is static, and no CPU is reserved for the system",
            "set `reservedSystemCPUs` (or kubeReserved's cpu) in the KubeletConfiguration, then run again",
        ],
    ),
    rule(
        "NodeLabels",
        Source::Kubelet,
        r"unknown 'kubernetes.io' or 'k8s.io' labels specified with --node-labels: \[(?<labels>[^\]]*)\]",
        [
            "kubelet refuses to give its Node the labels {labels}",
            "kubelet may set only a few labels of kubernetes.io and k8s.io",
            "take them out of `node-labels` in nodeRegistration.kubeletExtraArgs, then run again; label the Node with kubectl instead",
        ],
    ),
    rule(
        "ContainerManager",
        Source::Kubelet,
        r#"Failed to start ContainerManager" err="(?<why>.*?)"?$"#,
        [
            "kubelet can't manage containers on this machine: {why}",
            "the kernel or its cgroups lack what kubelet needs (kernel settings, cgroup controllers, write access to /sys/fs/cgroup)",
            "fix what it names, then run again; `protectKernelDefaults: false` lets kubelet set kernel settings itself",
        ],
    ),
    rule(
        "KubeletStopped",
        Source::Kubelet,
        r"failed to run Kubelet: .*(?:code = Canceled|context canceled)",
        [
            "kubelet does not run: it was stopped while it started",
            "somebody, or the init system, stopped the kubelet service",
            "`systemctl start kubelet`, then run again",
        ],
    )
    .persisting(),
    rule(
        "KubeletFails",
        Source::Kubelet,
        r#"(?:"command failed" err="|^Error: |failed to run Kubelet: )(?<why>.*?)"?$"#,
        [
            "kubelet exits: {why}",
            "it says so itself each time it is started",
            "fix what it names; `journalctl -xeu kubelet` shows more",
        ],
    )
    .persisting(),
    rule(
        "NodeName",
        Source::Node,
        r"(?i)node '(?<own>[^']+)' (?:cannot read|is not allowed to modify node) '(?<other>[^']+)'",
        [
            "kubelet registers as {other}, and its certificate is for {own}",
            "a flag of kubelet (--hostname-override) or another machine name overrides the name that init was given",
            "take --hostname-override out of kubelet's flags (/etc/default/kubelet, `systemctl cat kubelet`), or init with `--node-name {other}`; then run again",
        ],
    )
    .possible(),
    rule(
        NOT_REQUESTED,
        Source::Server,
        r#"Failed while requesting a signed certificate.*err="cannot create certificate signing request: (?<why>.*?(?:is forbidden: .*?|Unauthorized))"? logger"#,
        [
            "kubelet may not request its client certificate: {why}",
            "the ClusterRoleBinding kubeadm:kubelet-bootstrap is gone, or the bootstrap token is not of its group system:bootstrappers:kubeadm:default-node-token",
            "restore the binding with `kubestrap init phase bootstrap-token` on a control-plane node, or join with a new token (`kubestrap token create --print-join-command`)",
        ],
    )
    .possible(),
    rule(
        "NodeNotRegistered",
        Source::Server,
        r#"Unable to register node with API server.*lookup (?<host>\S+).*(?:no such host|server misbehaving|i/o timeout)"#,
        [
            "kubelet can't register this node: the name {host} of the control-plane endpoint does not resolve",
            "kubelet.conf names controlPlaneEndpoint as its server, and this machine can't resolve it",
            "add {host} to DNS, or to /etc/hosts with this machine's or the load balancer's address; then run again",
        ],
    )
    .possible(),
    rule(
        "NodeNotRegistered",
        Source::Server,
        r#"Unable to register node with API server.*err="(?:Post \S+ )?(?<why>.*?)"? node="#,
        [
            "kubelet can't register this node: {why}",
            "it asks the server that /etc/kubernetes/kubelet.conf names, which is controlPlaneEndpoint where there is one",
            "see that this address leads to this API server (a load balancer must have it as a backend), then run again",
        ],
    )
    .possible(),
];
