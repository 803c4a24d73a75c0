//! One container of a static Pod: its image, mounts, environment, ports, probes and resources.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, EnvVar, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Found, NO_REFERENCES_SINCE, label};
use crate::quantity;

impl Found {
    pub(super) fn container(
        &mut self,
        path: &str,
        container: &Container,
        volumes: &BTreeSet<&str>,
        host_network: bool,
    ) {
        if let Err(why) = label(&container.name) {
            self.say(format!("{path}.name"), why);
        }
        let image = container.image.as_deref().unwrap_or_default();
        if image.is_empty() {
            self.say(format!("{path}.image"), "is missing");
        } else if image.trim() != image {
            self.say(format!("{path}.image"), format!("{image:?} must not begin or end with blanks"));
        }
        let policy = container.image_pull_policy.as_deref().unwrap_or("IfNotPresent");
        if !["Always", "IfNotPresent", "Never"].contains(&policy) {
            self.say(
                format!("{path}.imagePullPolicy"),
                format!("{policy:?} must be Always, IfNotPresent or Never"),
            );
        }
        let mut mounted = BTreeSet::new();
        for (i, mount) in container.volume_mounts.iter().flatten().enumerate() {
            let path = format!("{path}.volumeMounts.{i}");
            if !volumes.contains(mount.name.as_str()) {
                self.say(format!("{path}.name"), format!("there is no volume {:?}", mount.name));
            }
            if mount.mount_path.is_empty() {
                self.say(format!("{path}.mountPath"), "is missing");
            } else if !mounted.insert(mount.mount_path.as_str()) {
                self.say(
                    format!("{path}.mountPath"),
                    format!("two volumes are mounted at {}: a container takes one", mount.mount_path),
                );
            }
            if let Some(sub) = &mount.sub_path
                && (sub.starts_with('/') || sub.split('/').any(|step| step == ".."))
            {
                self.say(format!("{path}.subPath"), format!("{sub:?} must be relative and without `..`"));
            }
        }
        for (i, env) in container.env.iter().flatten().enumerate() {
            self.env(&format!("{path}.env.{i}"), env);
        }
        for (i, port) in container.ports.iter().flatten().enumerate() {
            let path = format!("{path}.ports.{i}");
            if !(1..=65535).contains(&port.container_port) {
                self.say(
                    format!("{path}.containerPort"),
                    format!("{} is not a port: 1 to 65535", port.container_port),
                );
            }
            if port.host_port.is_some_and(|host| !(1..=65535).contains(&host) && host != 0) {
                self.say(format!("{path}.hostPort"), "is not a port: 1 to 65535");
            } else if host_network
                && port.host_port.is_some_and(|host| host != 0 && host != port.container_port)
            {
                self.say(
                    format!("{path}.hostPort"),
                    "must be `containerPort`, since the Pod is on the host's network",
                );
            }
            if let Some(protocol) = &port.protocol
                && !["TCP", "UDP", "SCTP"].contains(&protocol.as_str())
            {
                self.say(format!("{path}.protocol"), format!("{protocol:?} must be TCP, UDP or SCTP"));
            }
            if port.name.as_ref().is_some_and(|name| !service_name(name)) {
                self.say(
                    format!("{path}.name"),
                    "must be at most 15 lower-case letters, digits and `-`, with a letter among them",
                );
            }
        }
        for (name, probe) in [
            ("livenessProbe", &container.liveness_probe),
            ("readinessProbe", &container.readiness_probe),
            ("startupProbe", &container.startup_probe),
        ] {
            if let Some(probe) = probe {
                self.probe(&format!("{path}.{name}"), name, probe, container);
            }
        }
        self.resources(path, container);
    }

    fn env(&mut self, path: &str, env: &EnvVar) {
        if env.name.is_empty()
            || env.name.contains('=')
            || !env.name.bytes().all(|b| (b' '..=b'~').contains(&b))
        {
            self.say(
                format!("{path}.name"),
                format!("{:?} is not a valid name of an environment variable", env.name),
            );
        }
        let Some(from) = &env.value_from else { return };
        if env.value.as_deref().is_some_and(|value| !value.is_empty()) {
            self.say(path, "`value` and `valueFrom` exclude each other");
        }
        let sources = [
            from.field_ref.is_some(),
            from.resource_field_ref.is_some(),
            from.config_map_key_ref.is_some(),
            from.secret_key_ref.is_some(),
        ];
        if sources.into_iter().filter(|there| *there).count() > 1 {
            self.say(format!("{path}.valueFrom"), "must have one source");
        }
        if self.minor >= NO_REFERENCES_SINCE
            && (from.config_map_key_ref.is_some() || from.secret_key_ref.is_some())
        {
            self.say(
                format!("{path}.valueFrom"),
                "a static Pod can't use objects of the API (Secret, ConfigMap): use `value`",
            );
        }
    }

    fn probe(&mut self, path: &str, name: &str, probe: &Probe, container: &Container) {
        for (field, value, least) in [
            ("initialDelaySeconds", probe.initial_delay_seconds, 0),
            ("timeoutSeconds", probe.timeout_seconds, 0),
            ("periodSeconds", probe.period_seconds, 0),
            ("successThreshold", probe.success_threshold, 0),
            ("failureThreshold", probe.failure_threshold, 0),
        ] {
            if value.is_some_and(|value| value < least) {
                self.say(format!("{path}.{field}"), "must not be negative");
            }
        }
        if name != "readinessProbe" && probe.success_threshold.is_some_and(|n| n > 1) {
            self.say(format!("{path}.successThreshold"), "must be 1");
        }
        let handlers = [
            probe.exec.is_some(),
            probe.grpc.is_some(),
            probe.http_get.is_some(),
            probe.tcp_socket.is_some(),
        ];
        match handlers.into_iter().filter(|there| *there).count() {
            0 => self.say(path, "must have a handler, such as `httpGet`"),
            1 => {}
            _ => self.say(path, "must have one handler"),
        }
        let named =
            |wanted: &str| container.ports.iter().flatten().any(|port| port.name.as_deref() == Some(wanted));
        if let Some(get) = &probe.http_get {
            match &get.port {
                IntOrString::Int(port) if !(1..=65535).contains(port) => {
                    self.say(format!("{path}.httpGet.port"), format!("{port} is not a port: 1 to 65535"));
                }
                IntOrString::String(port) if !named(port) => {
                    self.say(
                        format!("{path}.httpGet.port"),
                        format!("the container has no port named {port:?}"),
                    );
                }
                _ => {}
            }
            let scheme = get.scheme.as_deref().unwrap_or("HTTP");
            if !["HTTP", "HTTPS"].contains(&scheme) {
                self.say(format!("{path}.httpGet.scheme"), format!("{scheme:?} must be HTTP or HTTPS"));
            }
        }
    }

    fn resources(&mut self, path: &str, container: &Container) {
        let Some(resources) = &container.resources else { return };
        for (field, list) in [("requests", &resources.requests), ("limits", &resources.limits)] {
            for (name, amount) in list.iter().flatten() {
                let path = format!("{path}.resources.{field}.{name}");
                match quantity::canonical(&amount.0) {
                    Err(why) => self.say(path, why.to_string()),
                    Ok(canonical) if canonical.starts_with('-') => self.say(path, "must not be negative"),
                    Ok(_) => {}
                }
            }
        }
    }
}

/// A name of a port, as IANA has them.
fn service_name(name: &str) -> bool {
    (1..=15).contains(&name.len())
        && label(name).is_ok()
        && name.bytes().any(|b| b.is_ascii_lowercase())
        && !name.contains("--")
}
