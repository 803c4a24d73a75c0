//! A static Pod as kubelet judges it: by the API server's rules for Pods, and its own for static ones. A manifest that
//! breaks one is left aside with a line in kubelet's log, and the component never starts.
//!
//! Source: `pkg/apis/core/validation`, `pkg/kubelet/config/common.go`, `pkg/api/pod` (`HasAPIObjectReference`).

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, EnvVar, Pod, PodSpec, Probe, Volume};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::quantity;

/// The first minor whose kubelet refuses static Pods that refer to objects of the API
/// (feature gate PreventStaticPodAPIReferences).
const NO_REFERENCES_SINCE: u64 = 34;

/// What kubelet of `minor` objects to in a static Pod: the path in the Pod, and why.
pub(super) fn judge(pod: &Pod, minor: u64) -> Vec<(String, String)> {
    let mut found = Found { minor, problems: vec![] };
    found.metadata(pod);
    match &pod.spec {
        Some(spec) => found.spec(spec),
        None => found.say("spec", "is missing"),
    }
    found.problems
}

struct Found {
    minor: u64,
    problems: Vec<(String, String)>,
}

impl Found {
    fn say(&mut self, path: impl Into<String>, why: impl Into<String>) {
        self.problems.push((path.into(), why.into()));
    }

    fn metadata(&mut self, pod: &Pod) {
        for (path, name) in
            [("metadata.name", &pod.metadata.name), ("metadata.namespace", &pod.metadata.namespace)]
        {
            if let Some(name) = name
                && let Err(why) = crate::config::names::dns_subdomain(name)
            {
                self.say(path, why);
            }
        }
        if pod.metadata.name.as_deref().unwrap_or_default().is_empty() {
            self.say("metadata.name", "is missing");
        }
        for (key, value) in pod.metadata.labels.iter().flatten() {
            if !super::rules::kubelet::qualified(key)
                || !(value.is_empty() || super::rules::kubelet::name(value))
            {
                self.say(format!("metadata.labels.{key}"), format!("`{key}={value}` is not a label"));
            }
        }
    }

    fn spec(&mut self, spec: &PodSpec) {
        let volumes = self.volumes(spec.volumes.as_deref().unwrap_or_default());
        let mut names = BTreeSet::new();
        if spec.containers.is_empty() {
            self.say("spec.containers", "there is none");
        }
        let init = spec.init_containers.as_deref().unwrap_or_default();
        for (list, containers) in [("initContainers", init), ("containers", spec.containers.as_slice())] {
            for (i, container) in containers.iter().enumerate() {
                let path = format!("spec.{list}.{i}");
                if !names.insert(container.name.as_str()) {
                    self.say(format!("{path}.name"), format!("{:?} is given twice", container.name));
                }
                self.container(&path, container, &volumes, spec.host_network == Some(true));
            }
        }
        let restart = spec.restart_policy.as_deref().unwrap_or("Always");
        if !["Always", "OnFailure", "Never"].contains(&restart) {
            self.say("spec.restartPolicy", format!("{restart:?} must be Always, OnFailure or Never"));
        }
        let dns = spec.dns_policy.as_deref().unwrap_or("ClusterFirst");
        if !["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"].contains(&dns) {
            self.say("spec.dnsPolicy", format!("{dns:?} is not known"));
        }
        for (path, negative) in [
            ("terminationGracePeriodSeconds", spec.termination_grace_period_seconds.is_some_and(|s| s < 0)),
            ("activeDeadlineSeconds", spec.active_deadline_seconds.is_some_and(|s| s < 1)),
        ] {
            if negative {
                self.say(format!("spec.{path}"), "is too small");
            }
        }
        if self.minor >= NO_REFERENCES_SINCE
            && spec.service_account_name.as_deref().is_some_and(|n| !n.is_empty())
        {
            self.say("spec.serviceAccountName", "a static Pod can't have a service account");
        }
    }

    /// The names of the volumes.
    fn volumes<'a>(&mut self, volumes: &'a [Volume]) -> BTreeSet<&'a str> {
        let mut names = BTreeSet::new();
        for (i, volume) in volumes.iter().enumerate() {
            let path = format!("spec.volumes.{i}");
            if let Err(why) = label(&volume.name) {
                self.say(format!("{path}.name"), why);
            }
            if !names.insert(volume.name.as_str()) {
                self.say(format!("{path}.name"), format!("{:?} is given twice", volume.name));
            }
            if let Some(host) = &volume.host_path {
                if host.path.is_empty() {
                    self.say(format!("{path}.hostPath.path"), "is missing");
                } else if host.path.split('/').any(|step| step == "..") {
                    self.say(
                        format!("{path}.hostPath.path"),
                        format!("{:?} must not contain `..`", host.path),
                    );
                }
                if let Some(kind) = &host.type_
                    && !PATH_TYPES.contains(&kind.as_str())
                {
                    let known = PATH_TYPES.iter().filter(|t| !t.is_empty()).copied().collect::<Vec<_>>();
                    self.say(format!("{path}.hostPath.type"), super::rule::unknown_word(kind, &known));
                }
            }
            let references = volume.secret.is_some()
                || volume.config_map.is_some()
                || volume.persistent_volume_claim.is_some();
            if references && self.minor >= NO_REFERENCES_SINCE {
                let why = "a static Pod can't use objects of the API (Secret, ConfigMap, PersistentVolumeClaim): use hostPath";
                self.say(path, why);
            }
        }
        names
    }

    fn container(&mut self, path: &str, container: &Container, volumes: &BTreeSet<&str>, host_network: bool) {
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

/// Types of paths of the host; none is checked nothing about.
const PATH_TYPES: &[&str] =
    &["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"];

/// A DNS label: at most 63 lower-case letters, digits and `-`, no `-` at its ends.
fn label(name: &str) -> Result<(), String> {
    let good = (1..=63).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if good {
        Ok(())
    } else {
        Err(format!(
            "{name:?} must be at most 63 lower-case letters, digits and `-`, and begin and end with a letter or digit"
        ))
    }
}

/// A name of a port, as IANA has them.
fn service_name(name: &str) -> bool {
    (1..=15).contains(&name.len())
        && label(name).is_ok()
        && name.bytes().any(|b| b.is_ascii_lowercase())
        && !name.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(yaml: &str, minor: u64) -> Vec<String> {
        let pod: Pod = crate::yaml::from_template(yaml).unwrap();
        judge(&pod, minor).into_iter().map(|(path, _)| path).collect()
    }

    fn spec(spec: &str) -> String {
        format!(
            "metadata: {{name: p, namespace: kube-system}}\nspec: {{containers: [{{name: c, image: i{spec}}}]"
        )
    }

    #[test]
    fn what_kubelet_refuses_is_told() {
        for (pod, path) in [
            (
                format!("{}}}", spec(", volumeMounts: [{name: v, mountPath: /x}]")),
                "spec.containers.0.volumeMounts.0.name",
            ),
            (
                format!(
                    "{}, volumes: [{{name: v}}]}}",
                    spec(", volumeMounts: [{name: v, mountPath: /x}, {name: v, mountPath: /x}]")
                ),
                "spec.containers.0.volumeMounts.1.mountPath",
            ),
            (
                format!("{}, volumes: [{{name: v, hostPath: {{path: /a, type: Dir}}}}]}}", spec("")),
                "spec.volumes.0.hostPath.type",
            ),
            (
                format!("{}, volumes: [{{name: v, hostPath: {{path: /a/../b}}}}]}}", spec("")),
                "spec.volumes.0.hostPath.path",
            ),
            (format!("{}, volumes: [{{name: V_1}}]}}", spec("")), "spec.volumes.0.name"),
            (format!("{}, volumes: [{{name: v, secret: {{secretName: s}}}}]}}", spec("")), "spec.volumes.0"),
            (format!("{}}}", spec(", env: [{name: 'A=B', value: x}]")), "spec.containers.0.env.0.name"),
            (
                format!("{}}}", spec(", env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]")),
                "spec.containers.0.env.0.valueFrom",
            ),
            (
                format!("{}}}", spec(", ports: [{containerPort: 0}]")),
                "spec.containers.0.ports.0.containerPort",
            ),
            (
                format!("{}}}", spec(", ports: [{containerPort: 1, name: a-name-that-is-too-long}]")),
                "spec.containers.0.ports.0.name",
            ),
            (
                format!("{}}}", spec(", livenessProbe: {httpGet: {port: probe}}")),
                "spec.containers.0.livenessProbe.httpGet.port",
            ),
            (format!("{}}}", spec(", livenessProbe: {}")), "spec.containers.0.livenessProbe"),
            (
                format!("{}}}", spec(", resources: {requests: {cpu: '-1'}}")),
                "spec.containers.0.resources.requests.cpu",
            ),
            (format!("{}, restartPolicy: Sometimes}}", spec("")), "spec.restartPolicy"),
        ] {
            assert_eq!(judged(&pod, 36), [path], "{pod}");
        }
        let reference = format!("{}, volumes: [{{name: v, secret: {{secretName: s}}}}]}}", spec(""));
        assert!(judged(&reference, 33).is_empty(), "1.33 only leaves out the mirror Pod");
    }

    #[test]
    fn our_own_pods_are_valid() {
        use crate::manifest::{Component, PkiFacts, render};
        for version in ["v1.33.9", "v1.34.5", "v1.35.2", "v1.36.2", "v1.37.0"] {
            let settings = crate::preflight::test_settings(&format!("kubernetesVersion: {version}\n"));
            for component in Component::ALL {
                let pod = render(component, &settings, PkiFacts::default()).unwrap();
                assert_eq!(judge(&pod, settings.cluster.version.minor()), [], "{version} {component:?}");
            }
        }
    }
}
