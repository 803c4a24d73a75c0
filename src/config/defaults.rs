//! kubeadm's defaults that depend on nothing but the configuration itself. What is taken from the machine (its name, its
//! address, its runtime's socket) or made up (tokens) is not here: see [`super::Settings::resolve`].

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::duration::GoDuration;
use super::names;
use super::release::Release;
use super::settings::{
    CA_CERTIFICATE_VALIDITY, CERTIFICATE_VALIDITY, IMAGE_REPOSITORY, NODE_BOOTSTRAP_GROUP, join_host_port,
};
use super::v1beta4::{
    self, ApiEndpoint, BootstrapToken, ClusterConfiguration, ExternalEtcd, InitConfiguration,
    JoinConfiguration, LocalEtcd, NodeRegistrationOptions, ResetConfiguration, Timeouts,
    UpgradeConfiguration,
};
use crate::quantity;

/// The addresses of Services.
pub(crate) const SERVICE_SUBNET: &str = "10.96.0.0/12";
/// The domain of Services' names.
pub(crate) const DNS_DOMAIN: &str = "cluster.local";
/// The port of API servers.
const BIND_PORT: i32 = 6443;
/// Where certificates and keys lie.
const CERTIFICATES_DIR: &str = "/etc/kubernetes/pki";
/// When images are pulled.
const IMAGE_PULL_POLICY: &str = "IfNotPresent";

/// Sets a text that is empty.
pub(super) fn text(text: &mut String, default: &str) {
    if text.is_empty() {
        default.clone_into(text);
    }
}

fn header(api_version: &mut String, kind: &mut String, name: &str) {
    text(api_version, v1beta4::API_VERSION);
    text(kind, name);
}

/// Defaults of `init`.
pub(super) fn init(c: &mut InitConfiguration) {
    header(&mut c.api_version, &mut c.kind, "InitConfiguration");
    node_registration(&mut c.node_registration);
    endpoint(&mut c.local_api_endpoint);
    c.bootstrap_tokens.iter_mut().for_each(bootstrap_token);
    timeouts(&mut c.timeouts);
}

/// Defaults of `join`.
pub(super) fn join(c: &mut JoinConfiguration) {
    header(&mut c.api_version, &mut c.kind, "JoinConfiguration");
    node_registration(&mut c.node_registration);
    text(&mut c.ca_cert_path, &format!("{CERTIFICATES_DIR}/ca.crt"));
    if let Some(bootstrap) = &c.discovery.bootstrap_token {
        text(&mut c.discovery.tls_bootstrap_token, &bootstrap.token);
    }
    if let Some(control_plane) = &mut c.control_plane {
        endpoint(&mut control_plane.local_api_endpoint);
    }
    timeouts(&mut c.timeouts);
}

/// Defaults of `reset`.
pub(super) fn reset(c: &mut ResetConfiguration) {
    header(&mut c.api_version, &mut c.kind, "ResetConfiguration");
    text(&mut c.certificates_dir, CERTIFICATES_DIR);
    cri_socket(&mut c.cri_socket);
    timeouts(&mut c.timeouts);
}

/// Defaults of the commands below `upgrade`.
pub(super) fn upgrade(c: &mut UpgradeConfiguration) {
    header(&mut c.api_version, &mut c.kind, "UpgradeConfiguration");
    for switch in [
        &mut c.apply.certificate_renewal,
        &mut c.apply.etcd_upgrade,
        &mut c.apply.image_pull_serial,
        &mut c.node.certificate_renewal,
        &mut c.node.etcd_upgrade,
        &mut c.node.image_pull_serial,
        &mut c.plan.etcd_upgrade,
    ] {
        switch.get_or_insert(true);
    }
    text(&mut c.apply.image_pull_policy, IMAGE_PULL_POLICY);
    text(&mut c.node.image_pull_policy, IMAGE_PULL_POLICY);
    timeouts(&mut c.timeouts);
}

fn node_registration(c: &mut NodeRegistrationOptions) {
    c.name = c.name.trim().to_lowercase();
    cri_socket(&mut c.cri_socket);
    text(&mut c.image_pull_policy, IMAGE_PULL_POLICY);
    c.image_pull_serial.get_or_insert(true);
}

/// A bare path becomes a URL, as kubeadm has it.
fn cri_socket(socket: &mut String) {
    if !socket.is_empty() && !socket.starts_with("unix") {
        *socket = format!("unix://{socket}");
    }
}

fn endpoint(c: &mut ApiEndpoint) {
    if c.bind_port == 0 {
        c.bind_port = BIND_PORT;
    }
}

fn bootstrap_token(c: &mut BootstrapToken) {
    // kubeadm sets a ttl beside `expires` too, and then refuses the two together.
    if c.ttl.is_none() && c.expires.is_none() {
        c.ttl = Some(GoDuration::from_secs(24 * 3600));
    }
    if c.usages.is_empty() {
        c.usages = vec!["signing".into(), "authentication".into()];
    }
    if c.groups.is_empty() {
        c.groups = vec![NODE_BOOTSTRAP_GROUP.into()];
    }
}

fn timeouts(c: &mut Option<Timeouts>) {
    let c = c.get_or_insert_default();
    for (timeout, minutes) in [
        (&mut c.control_plane_component_health_check, 4),
        (&mut c.kubelet_health_check, 4),
        (&mut c.kubernetes_api_call, 1),
        (&mut c.etcd_api_call, 2),
        (&mut c.tls_bootstrap, 5),
        (&mut c.discovery, 5),
        (&mut c.upgrade_manifests, 5),
    ] {
        timeout.get_or_insert(GoDuration::from_secs(60 * minutes));
    }
}

/// The cluster's defaults, and kubeadm's normal form of what is given.
pub(super) fn cluster(c: &mut ClusterConfiguration, release: &Release, bind_port: i32) {
    text(&mut c.api_version, v1beta4::API_VERSION);
    text(&mut c.kind, "ClusterConfiguration");
    text(&mut c.networking.service_subnet, SERVICE_SUBNET);
    text(&mut c.networking.dns_domain, DNS_DOMAIN);
    text(&mut c.certificates_dir, "/etc/kubernetes/pki");
    text(&mut c.image_repository, IMAGE_REPOSITORY);
    text(&mut c.cluster_name, "kubernetes");
    text(&mut c.encryption_algorithm, "RSA-2048");
    c.certificate_validity_period.get_or_insert(CERTIFICATE_VALIDITY);
    c.ca_certificate_validity_period.get_or_insert(CA_CERTIFICATE_VALIDITY);
    if c.etcd.local.is_none() && c.etcd.external.is_none() {
        c.etcd.local = Some(LocalEtcd::default());
    }
    if let Some(local) = &mut c.etcd.local {
        text(&mut local.data_dir, "/var/lib/etcd");
    }
    if let Some(ExternalEtcd { endpoints, http_endpoints, .. }) = &mut c.etcd.external {
        if !release.http_endpoints {
            http_endpoints.clear();
        } else if http_endpoints.is_empty() {
            http_endpoints.clone_from(endpoints);
        }
    }
    for san in &mut c.api_server.cert_sans {
        *san = san.to_lowercase();
    }
    // As kubeadm does at load: an endpoint without a port gets the API server's.
    if let (false, Ok((host, None)), Ok(port)) = (
        c.control_plane_endpoint.is_empty(),
        names::host_port(&c.control_plane_endpoint),
        u16::try_from(bind_port),
    ) {
        c.control_plane_endpoint = join_host_port(&host, port);
    }
    normalize_envs(c);
}

/// What Go's types do to an `EnvVar` on its way through: what is empty is left out, `fieldRef` without an API version
/// gets `v1`, a divisor its canonical form, 0 if there is none.
fn normalize_envs(cluster: &mut ClusterConfiguration) {
    let local = cluster.etcd.local.as_mut().map(|l| &mut l.extra_envs);
    let envs = [
        &mut cluster.api_server.extra_envs,
        &mut cluster.controller_manager.extra_envs,
        &mut cluster.scheduler.extra_envs,
    ];
    for env in envs.into_iter().chain(local).flatten() {
        env.value.take_if(|v| v.is_empty());
        if let Some(field) = env.value_from.as_mut().and_then(|v| v.field_ref.as_mut()) {
            field.api_version.get_or_insert_with(|| "v1".into());
        }
        if let Some(resource) = env.value_from.as_mut().and_then(|v| v.resource_field_ref.as_mut()) {
            resource.container_name.take_if(|name| name.is_empty());
            let divisor = resource.divisor.get_or_insert_with(|| Quantity("0".into()));
            // One that is no quantity is left for validation to refuse.
            if let Ok(canonical) = quantity::canonical(&divisor.0) {
                divisor.0 = canonical;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::preflight::fake::settings;

    #[test]
    fn what_is_empty_in_an_environment_variable_is_left_out() {
        let settings = settings(
            "scheduler:\n  extraEnvs:\n  - {name: A, value: ''}\n  - {name: B, valueFrom: {resourceFieldRef: {containerName: '', resource: limits.cpu}}}\n",
        );
        let [a, b] = settings.cluster.config.scheduler.extra_envs.as_slice() else { unreachable!() };
        assert_eq!(a.value, None);
        let resource = b.value_from.as_ref().and_then(|from| from.resource_field_ref.as_ref()).unwrap();
        assert_eq!((&resource.container_name, resource.divisor.as_ref().unwrap().0.as_str()), (&None, "0"));
    }
}
