//! From what `join` was told to what it needs to know about this node. The cluster's part comes from the cluster itself,
//! after the discovery.

use std::net::{IpAddr, Ipv4Addr};

use super::{Overrides, node};
use crate::config::defaults;
use crate::config::facts::HostFacts;
use crate::config::load::{LoadedJoin, Warning};
use crate::config::problem::ConfigError;
use crate::config::settings::{
    ClusterSettings, NodeSettings, Paths, Settings, Timeouts, control_plane_taint,
};
use crate::config::v1beta4::{JoinConfiguration, Patches};
use crate::config::validate::Validator;

const JOIN: &str = "JoinConfiguration";

/// A JoinConfiguration with defaults, checked.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedJoin {
    /// The configuration: its discovery, `controlPlane`, `caCertPath` and `skipPhases` are `join`'s alone.
    pub(crate) join: JoinConfiguration,
    /// The address of this node's API server; on a worker, which has none, the address of its default route.
    pub(crate) advertise_address: IpAddr,
    /// How long to wait for what.
    pub(crate) timeouts: Timeouts,
    /// What the machine reported about itself.
    pub(crate) facts: HostFacts,
    /// What is odd, but no error.
    pub(crate) warnings: Vec<Warning>,
}

impl ResolvedJoin {
    /// Applies kubeadm's defaults to what was loaded, and checks it.
    ///
    /// # Errors
    /// With every problem found; with `strict` the warnings too.
    pub(crate) fn new(
        loaded: LoadedJoin,
        facts: HostFacts,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let LoadedJoin { mut join, locator, mut warnings } = loaded;
        let mut validator = Validator::new(&locator);
        node::registration(&mut join.node_registration, JOIN, &facts, overrides, &mut validator);
        if let Some(directory) = &overrides.patches {
            join.patches = Some(Patches { directory: directory.clone() });
        }
        if let Some(phases) = &overrides.skip_phases {
            join.skip_phases.clone_from(phases);
        }
        join.dry_run |= overrides.dry_run;
        // kubeadm's default is one image after the other; where nobody asks for it, we pull them at once.
        let serial = join.node_registration.image_pull_serial;
        defaults::join(&mut join);
        join.node_registration.image_pull_serial = serial;
        let advertise_address = match &mut join.control_plane {
            Some(control_plane) => node::advertise_address(
                &mut control_plane.local_api_endpoint,
                (JOIN, "controlPlane.localAPIEndpoint.advertiseAddress"),
                &facts,
                overrides,
                &mut validator,
            ),
            None => facts.default_addresses.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        };
        validator.join(&join);
        let Validator { mut problems, warnings: odd, .. } = validator;
        let odd = odd.into_iter().map(|problem| Warning { problem, strict: false, deprecation: false });
        warnings.extend(odd);
        if overrides.strict {
            problems.extend(warnings.iter().filter(|w| w.strict).map(|w| w.problem.clone()));
        }
        if !problems.is_empty() {
            return Err(ConfigError { problems });
        }
        let timeouts = Timeouts::of(join.timeouts.as_ref());
        Ok(Self { join, advertise_address, timeouts, facts, warnings })
    }

    /// The settings of this node in `cluster`.
    pub(crate) fn settings(&self, cluster: ClusterSettings) -> Settings {
        let registration = self.join.node_registration.clone();
        let endpoint = self.join.control_plane.as_ref().map(|c| &c.local_api_endpoint);
        let default_taints = || endpoint.iter().map(|_| control_plane_taint()).collect();
        let node = NodeSettings {
            advertise_address: self.advertise_address,
            bind_port: endpoint.and_then(|e| u16::try_from(e.bind_port).ok()).unwrap_or(6443),
            taints: registration.taints.clone().unwrap_or_else(default_taints),
            registration,
            patches: self
                .join
                .patches
                .as_ref()
                .map(|p| p.directory.as_str())
                .filter(|d| !d.is_empty())
                .map(Into::into),
            paths: Paths::new(&cluster.config.certificates_dir, None),
            timeouts: self.timeouts,
            facts: self.facts.clone(),
        };
        Settings { cluster, node }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{JoinFlags, load_join, sample};

    const HASH: &str = "sha256:22f0f3fd551fd880254689467771eed6ec776c9b7148a80a20dfdb684767d264";
    const TOKEN: &str = "abcdef.0123456789abcdef";

    fn from_file(join: &str, overrides: &Overrides) -> Result<ResolvedJoin, ConfigError> {
        let text = format!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ndiscovery: {{bootstrapToken: {{token: {TOKEN}, apiServerEndpoint: '10.0.0.1:6443', caCertHashes: ['{HASH}']}}}}\n{join}"
        );
        ResolvedJoin::new(load_join("join.yaml", &text).unwrap(), HostFacts::placeholder(), overrides)
    }

    fn from_flags(flags: &JoinFlags) -> Result<ResolvedJoin, ConfigError> {
        let loaded = flags.load(|_| Err("no file is read".into()))?;
        ResolvedJoin::new(loaded, HostFacts::placeholder(), &flags.overrides())
    }

    fn flags() -> JoinFlags {
        JoinFlags {
            endpoint: Some("10.0.0.1:6443".into()),
            token: Some(TOKEN.into()),
            discovery_token_ca_cert_hash: vec![HASH.into()],
            ..JoinFlags::default()
        }
    }

    #[test]
    fn a_worker_has_no_taints_and_a_control_plane_node_has_its_own() {
        let cluster = || sample::init().unwrap().settings.cluster;
        let worker = from_file("", &Overrides::default()).unwrap();
        let node = worker.settings(cluster()).node;
        assert!(node.taints.is_empty() && node.registration.name == "node");
        assert_eq!(node.timeouts.discovery.as_secs(), 300);
        assert_eq!(worker.join.ca_cert_path, "/etc/kubernetes/pki/ca.crt");
        let control_plane = from_file("controlPlane: {}\n", &Overrides::default()).unwrap();
        let node = control_plane.settings(cluster()).node;
        assert_eq!(node.taints, [control_plane_taint()]);
        assert_eq!((node.bind_port, node.advertise_address.to_string().as_str()), (6443, "1.2.3.4"));
        let bare = from_file("controlPlane: {}\nnodeRegistration: {taints: []}\n", &Overrides::default());
        assert!(bare.unwrap().settings(cluster()).node.taints.is_empty());
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let overrides = Overrides {
            node_name: Some("From.Flag".into()),
            patches: Some("/flag".into()),
            skip_phases: Some(vec!["preflight".into()]),
            ignore_preflight_errors: vec!["all".into()],
            dry_run: true,
            ..Overrides::default()
        };
        let text = "nodeRegistration: {name: from-file, ignorePreflightErrors: [Swap]}\nskipPhases: [kubelet-start]\npatches: {directory: /file}\n";
        let join = from_file(text, &overrides).unwrap().join;
        assert_eq!(join.node_registration.name, "from.flag");
        assert_eq!(
            join.node_registration.ignore_preflight_errors,
            ["all"],
            "which kubeadm refuses beside Swap"
        );
        assert_eq!(
            (join.skip_phases, join.patches.unwrap().directory),
            (vec!["preflight".to_owned()], "/flag".into())
        );
        assert!(join.dry_run);
    }

    #[test]
    fn a_taint_that_no_kubelet_knows_is_a_warning_with_its_place() {
        let resolved =
            from_file("nodeRegistration:\n  taints:\n  - {key: a, effect: Never}\n", &Overrides::default());
        let warnings = resolved.unwrap().warnings;
        let told: Vec<String> = warnings.iter().map(|w| w.problem.to_string()).collect();
        assert!(
            told[0].starts_with("join.yaml:6:22: nodeRegistration.taints.0.effect: \"Never\""),
            "{told:?}"
        );
    }

    #[test]
    fn every_mistake_of_a_file_is_told_with_its_place() {
        let told = from_file(
            "caCertPath: relative/ca.crt\ncontrolPlane: {localAPIEndpoint: {bindPort: 70000}, certificateKey: xy}\nnodeRegistration: {name: under_score}\n",
            &Overrides::default(),
        )
        .unwrap_err();
        let told: Vec<String> = told.problems.iter().map(ToString::to_string).collect();
        for want in [
            "join.yaml:4:13: caCertPath: \"relative/ca.crt\" is not an absolute path",
            "controlPlane.localAPIEndpoint.bindPort: 70000 is no port",
            "controlPlane.certificateKey: must be 32 bytes",
            "nodeRegistration.name: \"under_score\"",
        ] {
            assert!(told.iter().any(|t| t.contains(want)), "{want} / {told:#?}");
        }
        assert_eq!(told.len(), 4, "{told:#?}");
    }

    #[test]
    fn a_mistake_in_a_flag_is_told_once_with_the_flag() {
        let told = |flags: JoinFlags| from_flags(&flags).unwrap_err().to_string();
        assert!(from_flags(&flags()).is_ok());
        for (flags, want) in [
            (
                JoinFlags { token: Some("nonsense".into()), ..flags() },
                "--token: discovery.bootstrapToken.token: must be",
            ),
            (JoinFlags { token: None, ..flags() }, "discovery.bootstrapToken.token: is missing"),
            (JoinFlags { endpoint: None, ..flags() }, "apiServerEndpoint: is needed"),
            (
                JoinFlags { endpoint: Some("https://10.0.0.1:6443".into()), ..flags() },
                "[api-server-endpoint]: discovery.bootstrapToken.apiServerEndpoint: \"https://10.0.0.1:6443\": write `host:port` without a scheme",
            ),
            (
                JoinFlags { discovery_file: Some("/a".into()), ..flags() },
                "`bootstrapToken` and `file` exclude each other",
            ),
            (JoinFlags { discovery_token_ca_cert_hash: vec![], ..flags() }, "caCertHashes: is needed"),
            (
                JoinFlags { discovery_token_ca_cert_hash: vec!["sha1:abc".into()], ..flags() },
                "--discovery-token-ca-cert-hash: discovery.bootstrapToken.caCertHashes.0: \"sha1:abc\"",
            ),
            (JoinFlags::default(), "discovery: one of `bootstrapToken` and `file` is needed"),
        ] {
            let told = told(flags);
            assert!(told.contains(want) && told.lines().count() == 1, "{told} / {want}");
        }
    }
}
