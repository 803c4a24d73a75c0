//! Flags and values that a component does not take.

use super::fault::{Fault, fault};
use super::scene::{Scene, own};

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "apiserver-flag-unknown",
        "kube-apiserver gets a flag that it does not know; the check of flags is ignored",
        |s| {
            s.ignored.push("ExtraArgs");
            s.extra_arg("apiServer", "audit-log-maxsiz", "1");
            Ok(())
        },
        &["kube-apiserver", "unknown flag", "audit-log-maxsiz"],
        &["apiServer.extraArgs"],
    ),
    fault(
        "apiserver-flag-gone",
        "kube-apiserver gets a flag that older versions had",
        |s| {
            s.extra_arg("apiServer", "insecure-port", "0");
            Ok(())
        },
        &["kube-apiserver", "insecure-port"],
        &["apiServer.extraArgs"],
    ),
    fault(
        "controller-manager-flag-unknown",
        "kube-controller-manager gets a flag that it does not know; the check is ignored",
        |s| {
            s.ignored.push("ExtraArgs");
            s.extra_arg("controllerManager", "nope", "1");
            Ok(())
        },
        &["kube-controller-manager", "unknown flag", "nope"],
        &["controllerManager.extraArgs"],
    ),
    fault(
        "scheduler-flag-unknown",
        "kube-scheduler gets a flag that it does not know; the check is ignored",
        |s| {
            s.ignored.push("ExtraArgs");
            s.extra_arg("scheduler", "nope", "1");
            Ok(())
        },
        &["kube-scheduler", "unknown flag", "nope"],
        &["scheduler.extraArgs"],
    ),
    fault(
        "etcd-flag-unknown",
        "etcd gets a flag that it does not know; the check is ignored",
        |s| {
            s.ignored.push("ExtraArgs");
            s.extra_arg("etcd.local", "nope", "1");
            Ok(())
        },
        &["etcd", "flag", "nope"],
        &["etcd.local.extraArgs"],
    ),
    fault(
        "apiserver-feature-gate",
        "kube-apiserver gets a feature gate that there is not",
        |s| {
            s.extra_arg("apiServer", "feature-gates", "SidecarContainerz=true");
            Ok(())
        },
        &["kube-apiserver", "feature gate", "SidecarContainerz"],
        &["feature-gates", "apiServer.extraArgs"],
    )
    // Kubernetes' own ends then; a fork may only warn.
    .ends(&[0, 3, 4]),
    fault(
        "apiserver-admission-plugin",
        "kube-apiserver is to load an admission plugin that there is not",
        |s| {
            s.ignored.push("ExtraArgs");
            s.extra_arg("apiServer", "enable-admission-plugins", "NodeRestriction,PodSecurityPolicy");
            Ok(())
        },
        &["kube-apiserver", "PodSecurityPolicy"],
        &["enable-admission-plugins", "apiServer.extraArgs"],
    ),
    fault(
        "apiserver-authorization-mode",
        "kube-apiserver gets an authorization mode that there is not",
        |s| {
            s.ignored.push("ExtraArgs");
            s.extra_arg("apiServer", "authorization-mode", "Node,RBAC,Abac");
            Ok(())
        },
        &["kube-apiserver", "Abac"],
        &["authorization-mode", "apiServer.extraArgs"],
    ),
    fault(
        "apiserver-service-range",
        "kube-apiserver's range of Services is not a network",
        |s| {
            s.ignored.push("ExtraArgs");
            s.extra_arg("apiServer", "service-cluster-ip-range", "10.96.0.0/120");
            Ok(())
        },
        &["kube-apiserver", "service-cluster-ip-range"],
        &["apiServer.extraArgs|networking.serviceSubnet"],
    ),
    fault(
        "apiserver-cipher",
        "kube-apiserver gets a cipher suite that there is not",
        |s| {
            s.ignored.push("ExtraArgs");
            s.extra_arg("apiServer", "tls-cipher-suites", "TLS_MADE_UP");
            Ok(())
        },
        &["kube-apiserver", "TLS_MADE_UP"],
        &["tls-cipher-suites", "apiServer.extraArgs"],
    ),
    fault(
        "apiserver-port-value",
        "kube-apiserver gets a number that is none",
        |s| {
            s.ignored.push("ExtraArgs");
            s.extra_arg("apiServer", "max-requests-inflight", "lots");
            Ok(())
        },
        &["kube-apiserver", "max-requests-inflight", "lots"],
        &["apiServer.extraArgs"],
    ),
    fault(
        "apiserver-bind-address",
        "kube-apiserver is to listen on an address that this machine has not",
        |s| {
            s.extra_arg("apiServer", "bind-address", "10.99.99.99");
            Ok(())
        },
        &["kube-apiserver", "10.99.99.99"],
        &["bind-address", "apiServer.extraArgs"],
    ),
    fault(
        "apiserver-etcd-elsewhere",
        "kube-apiserver looks for etcd on another port",
        |s| {
            s.extra_arg("apiServer", "etcd-servers", "https://127.0.0.1:2999");
            Ok(())
        },
        &["kube-apiserver", "127.0.0.1:2999", "etcd"],
        &["etcd-servers"],
    ),
    fault(
        "apiserver-anonymous-auth",
        "kube-apiserver takes no anonymous requests, and kubelet's probes are such",
        |s| {
            s.extra_arg("apiServer", "anonymous-auth", "false");
            Ok(())
        },
        &["anonymous-auth", "probe"],
        &["anonymous-auth|patch"],
    ),
    fault(
        "apiserver-encryption-config",
        "the configuration of encryption at rest has a key that is not base64",
        |s| {
            let file = own(
                "encryption.yaml",
                "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  - aescbc: {keys: [{name: a, secret: 'not base64!'}]}\n",
            )?;
            file_arg(s, "encryption-provider-config", &file);
            Ok(())
        },
        &["kube-apiserver", "encryption", "/etc/fault/encryption.yaml|encryption-provider-config"],
        &["fix the file|/etc/fault/encryption.yaml"],
    ),
    fault(
        "apiserver-audit-policy-invalid",
        "the audit policy has a level that there is not",
        |s| {
            let file = own(
                "audit.yaml",
                "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Everything\n",
            )?;
            file_arg(s, "audit-policy-file", &file);
            Ok(())
        },
        &["kube-apiserver", "audit", "level|policy"],
        &["/etc/fault/audit.yaml"],
    ),
    fault(
        "apiserver-admission-config-invalid",
        "the admission configuration is not YAML",
        |s| {
            let file = own("admission.yaml", "apiVersion: [\n")?;
            file_arg(s, "admission-control-config-file", &file);
            Ok(())
        },
        &["kube-apiserver", "admission"],
        &["admission-control-config-file|/etc/fault/admission.yaml|fix that file"],
    ),
    fault(
        "controller-manager-cidr",
        "kube-controller-manager's range of Pods is not a network",
        |s| {
            s.cluster("networking: {podSubnet: 10.244.0.0/16}");
            s.extra_arg("controllerManager", "cluster-cidr", "10.244.0.0/160");
            Ok(())
        },
        &["kube-controller-manager", "10.244.0.0/160"],
        &["controllerManager.extraArgs|networking.podSubnet"],
    ),
    fault(
        "controller-manager-unknown-controller",
        "kube-controller-manager is to run a controller that there is not",
        |s| {
            s.ignored.push("ExtraArgs");
            s.extra_arg("controllerManager", "controllers", "*,bootstrapsignerz");
            Ok(())
        },
        &["kube-controller-manager", "bootstrapsignerz"],
        &["controllers", "controllerManager.extraArgs"],
    ),
    fault(
        "scheduler-config-invalid",
        "kube-scheduler's configuration file has a field that there is not",
        |s| {
            let file = own(
                "scheduler.yaml",
                "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofilez: []\n",
            )?;
            s.cluster(&format!(
                "scheduler:\n  extraArgs: [{{name: config, value: {file}}}]\n  \
                 extraVolumes: [{{name: own, hostPath: {file}, mountPath: {file}, pathType: File, readOnly: true}}]"
            ));
            Ok(())
        },
        &["kube-scheduler", "profilez|strict decoding"],
        &["scheduler.extraArgs|/etc/fault/scheduler.yaml"],
    ),
    fault(
        "etcd-listens-elsewhere",
        "etcd is to listen on an address that this machine has not",
        |s| {
            s.extra_arg("etcd.local", "listen-client-urls", "https://10.99.99.99:2379");
            Ok(())
        },
        &["etcd", "10.99.99.99"],
        &["listen-client-urls|etcd.local.extraArgs"],
    ),
    fault(
        "etcd-election-timeout",
        "etcd's election timeout is shorter than its heartbeat allows",
        |s| {
            s.ignored.push("ExtraArgs");
            s.extra_arg("etcd.local", "election-timeout", "100");
            Ok(())
        },
        &["etcd", "election-timeout"],
        &["etcd.local.extraArgs"],
    ),
    fault(
        "etcd-quota-tiny",
        "etcd's quota is smaller than what a cluster writes while it starts",
        |s| {
            s.extra_arg("etcd.local", "quota-backend-bytes", "65536");
            Ok(())
        },
        &["etcd", "space exceeded|quota|NOSPACE"],
        &["quota-backend-bytes"],
    ),
    fault(
        "etcd-name-not-in-cluster",
        "etcd's name is not in its list of members",
        |s| {
            s.ignored.push("ExtraArgs");
            s.extra_arg("etcd.local", "initial-cluster", "other=https://10.88.0.2:2380");
            Ok(())
        },
        &["etcd", "initial-cluster|initial cluster"],
        &["initial-cluster", "etcd.local.extraArgs"],
    ),
];

/// Gives kube-apiserver a flag that names a file, and the volume with it.
fn file_arg(s: &mut Scene, flag: &str, file: &str) {
    s.cluster(&format!(
        "apiServer:\n  extraArgs: [{{name: {flag}, value: {file}}}]\n  \
         extraVolumes: [{{name: own, hostPath: {file}, mountPath: {file}, pathType: File, readOnly: true}}]"
    ));
}
