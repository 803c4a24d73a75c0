//! Profiles: what `--profile NAME` adds to a configuration. A profile is data, in `templates/profiles/NAME`: documents that
//! are merged under the user's, files that they name, and a table of what is met and what is left.
//!
//! What a profile adds becomes part of the ClusterConfiguration and KubeletConfiguration, and is stored with them in the
//! cluster: joining nodes and upgrades know no profiles. The files are made by `init` alone, where they are missing; a
//! control plane that joins needs copies, since the encryption key must be the same.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::args::last_value;
use super::kubelet::KubeletConfiguration;
use super::v1beta4::{Arg, ClusterConfiguration, HostPathMount};
use crate::yaml;

const CLUSTER: &str = include_str!("../../../templates/profiles/cis/cluster.yaml");
const KUBELET: &str = include_str!("../../../templates/profiles/cis/kubelet.yaml");
const TABLE: &str = include_str!("../../../templates/profiles/cis/benchmark.md");
/// What stands for the encryption key in its template.
const KEY: &str = "<32 random bytes, in base64>";

/// A set of settings with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// What the CIS Kubernetes Benchmark asks and kubeadm leaves out.
    Cis,
}

/// A file that a flag of the profile names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProfileFile {
    /// The flag of kube-apiserver.
    pub(crate) flag: &'static str,
    /// Where it lies.
    pub(crate) path: &'static str,
    /// Its content, with a placeholder for its key if it has one.
    pub(crate) template: &'static str,
}

/// The files of [`Profile::Cis`].
const FILES: &[ProfileFile] = &[
    ProfileFile {
        flag: "audit-policy-file",
        path: "/etc/kubernetes/cis/audit-policy.yaml",
        template: include_str!("../../../templates/profiles/cis/audit-policy.yaml"),
    },
    ProfileFile {
        flag: "admission-control-config-file",
        path: "/etc/kubernetes/cis/admission.yaml",
        template: include_str!("../../../templates/profiles/cis/admission.yaml"),
    },
    ProfileFile {
        flag: "encryption-provider-config",
        path: "/etc/kubernetes/cis/encryption.yaml",
        template: include_str!("../../../templates/profiles/cis/encryption.yaml"),
    },
];

impl Profile {
    /// Where its files lie.
    pub(crate) const DIR: &str = "/etc/kubernetes/cis";

    /// Adds to a configuration what it does not say itself.
    ///
    /// # Errors
    /// When the profile's documents can't be read, which would be a fault of ours.
    pub(crate) fn apply(
        self,
        cluster: &mut ClusterConfiguration,
        kubelet: &mut Option<KubeletConfiguration>,
    ) -> Result<(), String> {
        let profile: ClusterConfiguration = yaml::from_template(CLUSTER).map_err(|e| e.to_string())?;
        let disabled = last_value(&cluster.api_server.extra_args, "disable-admission-plugins")
            .unwrap_or_default()
            .to_owned();
        for (own, added) in [
            (&mut cluster.api_server.extra_args, profile.api_server.extra_args),
            (&mut cluster.controller_manager.extra_args, profile.controller_manager.extra_args),
            (&mut cluster.scheduler.extra_args, profile.scheduler.extra_args),
        ] {
            add_args(own, added, &disabled);
        }
        let args = &cluster.api_server.extra_args;
        let used = |volume: &HostPathMount| args.iter().any(|arg| arg.value.starts_with(&volume.mount_path));
        let added: Vec<HostPathMount> = profile.api_server.extra_volumes.into_iter().filter(used).collect();
        let own = &mut cluster.api_server.extra_volumes;
        for volume in added {
            if !own.iter().any(|known| known.name == volume.name || known.mount_path == volume.mount_path) {
                own.push(volume);
            }
        }
        let merged = under(kubelet.take().unwrap_or_default()).map_err(|e| e.to_string())?;
        *kubelet = Some(merged);
        Ok(())
    }

    /// The files that a configuration names.
    pub(crate) fn files(self, cluster: &ClusterConfiguration) -> Vec<&'static ProfileFile> {
        let args = &cluster.api_server.extra_args;
        FILES.iter().filter(|file| last_value(args, file.flag) == Some(file.path)).collect()
    }

    /// All of it, as documents for people: what is merged, and the files as comments.
    pub(crate) fn documents(self) -> String {
        let files = FILES.iter().map(|file| {
            let text: String = file.template.lines().map(|line| format!("#   {line}\n")).collect();
            format!("# {} (0600):\n{text}", file.path)
        });
        let files: String = files.collect();
        format!(
            "# Files that `init --profile cis` makes where they are missing:\n{files}---\n{CLUSTER}---\n{KUBELET}"
        )
    }

    /// What is met, and what is left and why: a table in Markdown.
    pub(crate) fn table(self) -> &'static str {
        TABLE
    }
}

impl ProfileFile {
    /// Whether it holds a secret.
    pub(crate) fn is_secret(&self) -> bool {
        self.template.contains(KEY)
    }

    /// Its content, with a new key if it has one.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(crate) fn make(&self) -> Result<Zeroizing<String>, aws_lc_rs::error::Unspecified> {
        let mut key = Zeroizing::new([0_u8; 32]);
        aws_lc_rs::rand::fill(key.as_mut())?;
        let key = Zeroizing::new(BASE64_STANDARD.encode(*key));
        Ok(Zeroizing::new(self.template.replace(KEY, &key)))
    }
}

/// Adds the flags that are not given.
fn add_args(own: &mut Vec<Arg>, added: Vec<Arg>, disabled: &str) {
    let given: Vec<String> = own.iter().map(|arg| arg.name.replace('_', "-")).collect();
    for mut arg in added {
        if given.contains(&arg.name) {
            continue;
        }
        if arg.name == "enable-admission-plugins" {
            let off: Vec<&str> = disabled.split(',').collect();
            arg.value =
                arg.value.split(',').filter(|plugin| !off.contains(plugin)).collect::<Vec<_>>().join(",");
        }
        own.push(arg);
    }
}

/// The user's configuration of kubelet with the profile's where it has no value of its own.
fn under(own: KubeletConfiguration) -> Result<KubeletConfiguration, Box<dyn std::error::Error>> {
    let (mut merged, unset) = (own.to_value()?, KubeletConfiguration::default().to_value()?);
    let profile: Value = yaml::from_template(KUBELET)?;
    for (field, value) in profile.as_object().into_iter().flatten() {
        if merged.get(field) == unset.get(field)
            && let Some(fields) = merged.as_object_mut()
        {
            fields.insert(field.clone(), value.clone());
        }
    }
    Ok(KubeletConfiguration::from_value(merged)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(
        cluster: ClusterConfiguration,
        kubelet: Option<KubeletConfiguration>,
    ) -> (ClusterConfiguration, KubeletConfiguration) {
        let (mut cluster, mut kubelet) = (cluster, kubelet);
        Profile::Cis.apply(&mut cluster, &mut kubelet).unwrap();
        (cluster, kubelet.unwrap())
    }

    #[test]
    fn users_values_win() {
        let mut cluster = ClusterConfiguration::default();
        for (name, value) in [("audit_log_maxage", "7"), ("disable-admission-plugins", "EventRateLimit")] {
            cluster.api_server.extra_args.push(Arg { name: name.into(), value: value.into() });
        }
        let kubelet = KubeletConfiguration { pod_pids_limit: Some(99), ..KubeletConfiguration::default() };
        let (cluster, kubelet) = applied(cluster, Some(kubelet));
        let args = &cluster.api_server.extra_args;
        assert_eq!(last_value(args, "audit-log-maxage"), None);
        assert_eq!(last_value(args, "audit-log-maxsize"), Some("100"));
        assert_eq!(
            last_value(args, "enable-admission-plugins"),
            Some("NodeRestriction,DenyServiceExternalIPs")
        );
        assert_eq!(args[0].name, "audit_log_maxage", "the user's flags keep their places");
        assert_eq!((kubelet.pod_pids_limit, kubelet.seccomp_default), (Some(99), Some(true)));
    }

    #[test]
    fn files_and_volumes_are_those_that_flags_name() {
        let (cluster, _) = applied(ClusterConfiguration::default(), None);
        assert_eq!(Profile::Cis.files(&cluster).len(), 3);
        let names = |cluster: &ClusterConfiguration| {
            cluster.api_server.extra_volumes.iter().map(|v| v.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&cluster), ["cis-profile", "audit-log"]);
        let mut own = ClusterConfiguration::default();
        for flag in ["encryption-provider-config", "audit-policy-file", "admission-control-config-file"] {
            own.api_server
                .extra_args
                .push(Arg { name: flag.into(), value: "/etc/kubernetes/pki/mine.yaml".into() });
        }
        let (own, _) = applied(own, None);
        assert_eq!(Profile::Cis.files(&own).len(), 0);
        assert_eq!(names(&own), ["audit-log"]);
    }

    #[test]
    fn applying_it_twice_changes_nothing() {
        let once = applied(ClusterConfiguration::default(), None);
        assert_eq!(applied(once.0.clone(), Some(once.1.clone())), once);
    }

    #[test]
    fn each_encryption_key_is_new_and_is_in_no_print() {
        let file = FILES.iter().find(|file| file.is_secret()).unwrap();
        let (one, other) = (file.make().unwrap(), file.make().unwrap());
        assert_ne!(one, other);
        assert!(!one.contains(KEY) && Profile::Cis.documents().contains(KEY));
        assert_eq!(FILES.iter().filter(|file| file.is_secret()).count(), 1);
    }

    #[test]
    fn documents_are_a_configuration_that_can_be_given_to_init() {
        let loaded = crate::config::load("profile", &Profile::Cis.documents()).unwrap();
        assert_eq!(loaded.cluster.scheduler.extra_args.len(), 1);
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    }

    /// Every item of the sections, as the benchmark counts them.
    #[test]
    fn table_has_every_item_once() {
        let last = [
            ("1.1", 21),
            ("1.2", 30),
            ("1.3", 7),
            ("1.4", 2),
            ("2", 7),
            ("3.1", 3),
            ("3.2", 2),
            ("4.1", 10),
            ("4.2", 14),
            ("4.3", 1),
        ];
        let mut wanted: Vec<String> =
            last.iter().flat_map(|(section, n)| (1..=*n).map(move |i| format!("{section}.{i}"))).collect();
        let mut told: Vec<String> = TABLE
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
            .filter(|items| items.starts_with(|c: char| c.is_ascii_digit()))
            .flat_map(|items| items.split(", "))
            .flat_map(|range| {
                let (first, end) = range.split_once('–').unwrap_or((range, range));
                let number = |item: &str| item.rsplit_once('.').unwrap().1.parse::<usize>().unwrap();
                let section = first.rsplit_once('.').unwrap().0;
                (number(first)..=number(end)).map(move |i| format!("{section}.{i}"))
            })
            .collect();
        told.sort();
        wanted.sort();
        assert_eq!(told, wanted);
    }
}
