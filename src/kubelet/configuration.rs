//! kubelet's configuration: kubeadm's defaults where the user says nothing.

use serde_json::{Value, json};

use crate::config::Settings;
use crate::config::kubelet::KubeletConfiguration;

/// Where kubelet reports its health, on this machine only.
const HEALTHZ_PORT: i32 = 10248;
/// Pods' resolv.conf where systemd-resolved runs: the host's own names a resolver that Pods can't reach.
const SYSTEMD_RESOLVED: &str = "/run/systemd/resolve/resolv.conf";

/// The configuration as every kubelet of the cluster shall have it (the `kubelet-config` ConfigMap).
pub(crate) fn cluster_configuration(settings: &Settings) -> KubeletConfiguration {
    let mut c = settings.cluster.kubelet.clone().unwrap_or_default();
    let text = |field: &mut String, default: &str| {
        if field.is_empty() {
            default.clone_into(field);
        }
    };
    text(&mut c.static_pod_path, &settings.node.paths.manifests.to_string_lossy());
    text(&mut c.cluster_domain, &settings.cluster.config.networking.dns_domain);
    text(&mut c.authentication.x509.client_ca_file, &settings.certificate_path("ca.crt"));
    text(&mut c.authorization.mode, "Webhook");
    text(&mut c.healthz_bind_address, "127.0.0.1");
    text(&mut c.cgroup_driver, "systemd");
    c.cluster_dns.get_or_insert_with(|| vec![settings.service_address(10).to_string()]);
    c.authentication.anonymous.enabled.get_or_insert(false);
    c.authentication.webhook.enabled.get_or_insert(true);
    c.healthz_port.get_or_insert(HEALTHZ_PORT);
    // kubeadm forces this one: client certificates end after a year.
    c.rotate_certificates = true;
    c
}

/// The configuration of this node, before patches: with what depends on this machine.
pub(crate) fn node_configuration(settings: &Settings) -> KubeletConfiguration {
    let mut c = cluster_configuration(settings);
    if settings.node.facts.systemd_resolved && c.resolv_conf.is_none() {
        c.resolv_conf = Some(SYSTEMD_RESOLVED.into());
    }
    c
}

/// `instance-config.yaml`, this machine's part; none where the version has it in the flags.
pub(crate) fn instance_configuration(settings: &Settings) -> Option<Value> {
    settings
        .instance_config()
        .then(|| json!({ "containerRuntimeEndpoint": settings.node.registration.cri_socket }))
}

/// `configuration` with the instance's part over it, the way kubeadm applies it: as the last patch.
pub(crate) fn with_instance(mut configuration: Value, instance: Option<&Value>) -> Value {
    if let (Value::Object(fields), Some(Value::Object(instance))) = (&mut configuration, instance) {
        fields.extend(instance.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    configuration
}
