//! All of kubeadm's validation rules, every violation found in one go.

mod join;
mod network;
mod node;
pub(super) mod upkeep;

use std::fmt::Display;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::names;
use super::problem::{Locator, Problem};
use super::release::Release;
use super::v1beta4::{Arg, ClusterConfiguration, InitConfiguration};
use crate::quantity;

const INIT: &str = "InitConfiguration";
const CLUSTER: &str = "ClusterConfiguration";

/// Collects problems with the place of each.
pub(super) struct Validator<'a> {
    pub(super) locator: &'a Locator,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

impl<'a> Validator<'a> {
    pub(super) fn new(locator: &'a Locator) -> Self {
        Self { locator, problems: vec![], warnings: vec![] }
    }

    pub(super) fn init_error(&mut self, path: &str, message: impl Display) {
        self.error(INIT, path, message);
    }

    pub(super) fn cluster_error(&mut self, path: &str, message: impl Display) {
        self.error(CLUSTER, path, message);
    }

    fn cluster_check(&mut self, path: &str, result: Result<(), String>) {
        self.check(CLUSTER, path, result);
    }

    pub(in crate::config) fn error(&mut self, kind: &str, path: &str, message: impl Display) {
        self.problems.push(self.locator.problem(kind, path, message));
    }

    fn check(&mut self, kind: &str, path: &str, result: Result<(), String>) {
        if let Err(why) = result {
            self.error(kind, path, why);
        }
    }

    /// This node and this run, defaults applied.
    pub(super) fn init(&mut self, c: &InitConfiguration) {
        self.node_registration(INIT, &c.node_registration);
        self.bind_port(INIT, "localAPIEndpoint.bindPort", c.local_api_endpoint.bind_port);
        self.certificate_key(INIT, "certificateKey", &c.certificate_key);
        for (i, bootstrap) in c.bootstrap_tokens.iter().enumerate() {
            let path = format!("bootstrapTokens.{i}");
            self.bootstrap_token(INIT, &format!("{path}.token"), &bootstrap.token);
            for usage in
                bootstrap.usages.iter().filter(|u| !["signing", "authentication"].contains(&u.as_str()))
            {
                self.init_error(
                    &format!("{path}.usages"),
                    format!("{usage:?} is neither signing nor authentication"),
                );
            }
            if !bootstrap.groups.is_empty() && !bootstrap.usages.iter().any(|u| u == "authentication") {
                self.init_error(&format!("{path}.groups"), "groups need the usage `authentication`");
            }
            for group in bootstrap.groups.iter().filter(|g| !bootstrap_group(g)) {
                self.init_error(&format!("{path}.groups"), format!("{group:?} must begin with `system:bootstrappers:`, with lower-case letters, digits, `:` or `-` after it, a letter or digit last"));
            }
            if bootstrap.ttl.is_some() && bootstrap.expires.is_some() {
                self.init_error(&path, "`ttl` and `expires` exclude each other");
            }
            if let Some(expires) =
                bootstrap.expires.as_ref().filter(|e| OffsetDateTime::parse(e, &Rfc3339).is_err())
            {
                self.init_error(
                    &format!("{path}.expires"),
                    format!("{expires:?} is not a time: write it as `2027-01-02T15:04:05Z`, or a life time as `ttl: 24h`"),
                );
            }
        }
    }

    /// The cluster, defaults applied, for a Kubernetes of `release`. What a cluster has `stored` may hold gates that an
    /// older release knew.
    pub(super) fn cluster(&mut self, c: &ClusterConfiguration, release: &Release, stored: bool) {
        self.images(c);
        self.networking(c);
        for (i, san) in c.api_server.cert_sans.iter().enumerate() {
            if let Err(why) = names::subject_alternative_name(san) {
                let place = self.locator.place(CLUSTER, &format!("apiServer.certSANs.{i}"));
                let message = format!("apiServer.certSANs: Invalid value: {why}");
                self.problems.push(Problem::new("kubeadm", place, message));
            }
        }
        self.args(CLUSTER, "apiServer.extraArgs", &c.api_server.extra_args);
        self.args(CLUSTER, "controllerManager.extraArgs", &c.controller_manager.extra_args);
        self.args(CLUSTER, "scheduler.extraArgs", &c.scheduler.extra_args);
        self.envs(c);
        self.cluster_check("certificatesDir", names::absolute_path(&c.certificates_dir));
        for gate in c.feature_gates.keys() {
            let path = format!("featureGates.{gate}");
            if gate == "RootlessControlPlane" && c.feature_gates.get(gate) == Some(&true) {
                self.cluster_error(
                    &path,
                    "a rootless control plane is not something kubestrap can set up: leave the gate out",
                );
            } else if !release.feature_gates.contains(&gate.as_str()) {
                let message = format!(
                    "{gate:?} is not a feature gate of kubeadm 1.{} (known: {}); those of Kubernetes' components go into their extraArgs",
                    release.minor,
                    release.feature_gates.join(", ")
                );
                if stored {
                    self.warnings.push(self.locator.problem(CLUSTER, &path, message));
                } else {
                    self.cluster_error(&path, message);
                }
            }
        }
        if !c.control_plane_endpoint.is_empty() {
            self.cluster_check(
                "controlPlaneEndpoint",
                names::host_port(&c.control_plane_endpoint).map(|_| ()),
            );
        }
        self.etcd(c);
        if let Err(why) = c.encryption_algorithm.parse::<crate::pki::KeyAlgorithm>() {
            self.cluster_error("encryptionAlgorithm", why);
        }
        self.validity(c);
    }

    fn images(&mut self, c: &ClusterConfiguration) {
        self.cluster_check("imageRepository", names::image_repository(&c.image_repository));
        if !c.dns.image_repository.is_empty() {
            self.cluster_check("dns.imageRepository", names::image_repository(&c.dns.image_repository));
        }
        if let Some(local) = c.etcd.local.as_ref().filter(|l| !l.image_repository.is_empty()) {
            self.cluster_check(
                "etcd.local.imageRepository",
                names::image_repository(&local.image_repository),
            );
        }
    }

    fn etcd(&mut self, c: &ClusterConfiguration) {
        match (&c.etcd.local, &c.etcd.external) {
            (Some(_), Some(_)) => {
                self.cluster_error("etcd", "`local` and `external` exclude each other: keep one")
            }
            (None, None) => self.cluster_error("etcd", "one of `local` and `external` is needed"),
            (Some(local), None) => {
                self.cluster_check("etcd.local.dataDir", names::absolute_path(&local.data_dir));
                for (field, sans) in
                    [("serverCertSANs", &local.server_cert_sans), ("peerCertSANs", &local.peer_cert_sans)]
                {
                    for (i, san) in sans.iter().enumerate() {
                        self.cluster_check(
                            &format!("etcd.local.{field}.{i}"),
                            names::subject_alternative_name(san),
                        );
                    }
                }
                self.args(CLUSTER, "etcd.local.extraArgs", &local.extra_args);
            }
            (None, Some(external)) => {
                let files = [
                    ("caFile", &external.ca_file),
                    ("certFile", &external.cert_file),
                    ("keyFile", &external.key_file),
                ];
                let https = files.iter().any(|(_, f)| !f.is_empty());
                if external.cert_file.is_empty() != external.key_file.is_empty() {
                    self.cluster_error(
                        "etcd.external",
                        "`certFile` and `keyFile` belong together: give both or none",
                    );
                } else if !external.cert_file.is_empty() && external.ca_file.is_empty() {
                    self.cluster_error("etcd.external", "`certFile` and `keyFile` need `caFile` too");
                }
                if external.endpoints.is_empty() {
                    self.cluster_error(
                        "etcd.external.endpoints",
                        "at least one endpoint is needed, such as `https://10.0.0.11:2379`",
                    );
                }
                for (i, endpoint) in external.endpoints.iter().enumerate() {
                    self.cluster_check(&format!("etcd.external.endpoints.{i}"), names::url(endpoint, https));
                }
                for (i, endpoint) in external.http_endpoints.iter().enumerate() {
                    self.cluster_check(
                        &format!("etcd.external.httpEndpoints.{i}"),
                        names::url(endpoint, false),
                    );
                }
                for (field, file) in files.iter().filter(|(_, f)| !f.is_empty()) {
                    self.cluster_check(&format!("etcd.external.{field}"), names::absolute_path(file));
                }
            }
        }
    }

    /// That what divides the resources shown in environment variables are quantities.
    fn envs(&mut self, c: &ClusterConfiguration) {
        let etcd = c.etcd.local.as_ref().map_or(&[][..], |l| &l.extra_envs);
        for (path, envs) in [
            ("apiServer.extraEnvs", c.api_server.extra_envs.as_slice()),
            ("controllerManager.extraEnvs", &c.controller_manager.extra_envs),
            ("scheduler.extraEnvs", &c.scheduler.extra_envs),
            ("etcd.local.extraEnvs", etcd),
        ] {
            for (i, env) in envs.iter().enumerate() {
                let resource = env.value_from.as_ref().and_then(|v| v.resource_field_ref.as_ref());
                if let Some(Err(why)) =
                    resource.and_then(|r| r.divisor.as_ref()).map(|d| quantity::canonical(&d.0))
                {
                    self.cluster_error(&format!("{path}.{i}.valueFrom.resourceFieldRef.divisor"), why);
                }
            }
        }
    }

    fn args(&mut self, kind: &str, path: &str, args: &[Arg]) {
        for (i, arg) in args.iter().enumerate() {
            if arg.name.is_empty() {
                self.problems.push(self.locator.problem(
                    kind,
                    &format!("{path}.{i}"),
                    "a flag without a name",
                ));
            } else if arg.name.starts_with('-') {
                let message = format!(
                    "{:?}: flags are named without dashes; as written it becomes `--{}`",
                    arg.name, arg.name
                );
                let warning = self.locator.problem(kind, &format!("{path}.{i}"), message);
                self.warnings.push(warning);
            }
        }
    }

    fn validity(&mut self, c: &ClusterConfiguration) {
        let (Some(leaf), Some(ca)) = (c.certificate_validity_period, c.ca_certificate_validity_period) else {
            return;
        };
        let mut warn =
            |path: &str, message: String| self.warnings.push(self.locator.problem(CLUSTER, path, message));
        if leaf > super::settings::CERTIFICATE_VALIDITY {
            warn(
                "certificateValidityPeriod",
                format!("{leaf} is longer than the usual {}", super::settings::CERTIFICATE_VALIDITY),
            );
        }
        if ca > super::settings::CA_CERTIFICATE_VALIDITY {
            warn(
                "caCertificateValidityPeriod",
                format!("{ca} is longer than the usual {}", super::settings::CA_CERTIFICATE_VALIDITY),
            );
        }
        if leaf > ca {
            warn("certificateValidityPeriod", format!("{leaf}: certificates would outlive their CA ({ca})"));
        }
    }
}

/// `\Asystem:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]\z`.
fn bootstrap_group(group: &str) -> bool {
    group.strip_prefix("system:bootstrappers:").is_some_and(|rest| {
        (1..=256).contains(&rest.len())
            && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b':' || b == b'-')
            && !rest.ends_with([':', '-'])
    })
}
