//! A static Pod as kubelet judges it: by the API server's rules for Pods, and its own for static ones. A manifest that
//! breaks one is left aside with a line in kubelet's log, and the component never starts.
//!
//! Source: `pkg/apis/core/validation`, `pkg/kubelet/config/common.go`, `pkg/api/pod` (`HasAPIObjectReference`).

mod container;

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Pod, PodSpec, Volume};

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

#[cfg(test)]
mod tests;
