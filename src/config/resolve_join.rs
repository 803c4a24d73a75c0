//! From what `join` was told to the settings of a joining node, in two steps: the node's own before the cluster is
//! known, the cluster's once its stored configuration was read.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use super::choices::{advertise_address, default_registration};
use super::defaults;
use super::facts::HostFacts;
use super::loaded::{LoadedJoin, Warning};
use super::overrides::Overrides;
use super::problem::ConfigError;
use super::settings::{NodeSettings, Paths, Timeouts, control_plane_taint};
use super::v1beta4::{JoinConfiguration, Patches};
use super::validate::Validator;

/// The kind of `join`'s document.
const JOIN: &str = "JoinConfiguration";
/// Where that has the address to advertise.
const ENDPOINT: (&str, &str) = (JOIN, "controlPlane.localAPIEndpoint.advertiseAddress");
/// The certificates' folder until the cluster's is known.
const CERTIFICATES: &str = "/etc/kubernetes/pki";

/// What `join` was told, with defaults, checked.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedJoin {
    /// The configuration.
    pub(crate) join: JoinConfiguration,
    /// This node's settings; the certificates' folder is kubeadm's default until the cluster's is known.
    pub(crate) node: NodeSettings,
    /// What is odd, but no error.
    pub(crate) warnings: Vec<Warning>,
}

impl LoadedJoin {
    /// Applies kubeadm's defaults, checks and parses what `join` was told.
    ///
    /// # Errors
    /// With every problem found; with `strict` the warnings too.
    pub(crate) fn resolve(
        self,
        facts: HostFacts,
        overrides: &Overrides,
    ) -> Result<ResolvedJoin, ConfigError> {
        let Self { mut join, locator, mut warnings } = self;
        let mut validator = Validator::new(&locator);
        // kubeadm's default is one image after the other; where nobody asks for it, we pull them at once.
        let serial = join.node_registration.image_pull_serial;
        default_registration(JOIN, &mut join.node_registration, &facts, overrides, &mut validator);
        if let Some(directory) = &overrides.patches {
            join.patches = Some(Patches { directory: directory.clone() });
        }
        if let Some(phases) = &overrides.skip_phases {
            join.skip_phases.clone_from(phases);
        }
        let given_socket = join.node_registration.cri_socket.clone();
        defaults::join(&mut join);
        // kubeadm makes a name in a file lower case, but not one that a flag gives.
        let flag = overrides.node_name.as_deref().map(|name| name.trim().to_owned());
        let given_name = flag.unwrap_or_else(|| join.node_registration.name.clone());
        join.node_registration.image_pull_serial = serial;
        let mut advertised = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut bind_port = 6443;
        if let Some(control_plane) = &mut join.control_plane {
            let endpoint = &mut control_plane.local_api_endpoint;
            advertised = advertise_address(ENDPOINT, endpoint, &facts, overrides, &mut validator);
            bind_port = u16::try_from(endpoint.bind_port).unwrap_or(bind_port);
        }
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
        // kubeadm completes a socket in a file, but not one that a flag gives.
        if locator.flags.iter().any(|(field, _)| *field == "nodeRegistration.criSocket") {
            join.node_registration.cri_socket = given_socket;
        }
        let registration = join.node_registration.clone();
        let default_taints = || match join.control_plane {
            Some(_) => vec![control_plane_taint()],
            None => vec![],
        };
        let node = NodeSettings {
            given_name,
            advertise_address: advertised,
            bind_port,
            taints: registration.taints.clone().unwrap_or_else(default_taints),
            kubelet_registers_taints: join.control_plane.is_none(),
            registration,
            patches: join
                .patches
                .as_ref()
                .map(|p| PathBuf::from(&p.directory))
                .filter(|p| !p.as_os_str().is_empty()),
            paths: Paths::new(CERTIFICATES, overrides.kubeconfig_dir.as_deref()),
            timeouts: Timeouts::of(join.timeouts.as_ref()),
            profile: None,
            facts,
        };
        Ok(ResolvedJoin { join, node, warnings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::JoinFlags;
    use crate::config::load::load_join;

    const HASH: &str = "sha256:22f0f3fd551fd880254689467771eed6ec776c9b7148a80a20dfdb684767d264";
    const TOKEN: &str = "abcdef.0123456789abcdef";

    fn from_file(join: &str, overrides: &Overrides) -> Result<ResolvedJoin, ConfigError> {
        let text = format!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\ndiscovery: {{bootstrapToken: {{token: {TOKEN}, apiServerEndpoint: '10.0.0.1:6443', caCertHashes: ['{HASH}']}}}}\n{join}"
        );
        load_join("join.yaml", &text).unwrap().resolve(HostFacts::placeholder(), overrides)
    }

    fn from_flags(flags: &JoinFlags) -> Result<ResolvedJoin, ConfigError> {
        let loaded = flags.load(|_| Err("no file is read".into()))?;
        loaded.resolve(HostFacts::placeholder(), &flags.overrides())
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
        let worker = from_file("", &Overrides::default()).unwrap();
        let node = &worker.node;
        assert!(node.taints.is_empty() && node.registration.name == "node");
        assert_eq!(node.timeouts.discovery.as_secs(), 300);
        assert_eq!(worker.join.ca_cert_path, "/etc/kubernetes/pki/ca.crt");
        let control_plane = from_file("controlPlane: {}\n", &Overrides::default()).unwrap();
        let node = control_plane.node;
        assert_eq!(node.taints, [control_plane_taint()]);
        assert_eq!((node.bind_port, node.advertise_address.to_string().as_str()), (6443, "1.2.3.4"));
        let bare = from_file("controlPlane: {}\nnodeRegistration: {taints: []}\n", &Overrides::default());
        assert!(bare.unwrap().node.taints.is_empty());
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let overrides = Overrides {
            node_name: Some("From.Flag".into()),
            patches: Some("/flag".into()),
            skip_phases: Some(vec!["preflight".into()]),
            ignore_preflight_errors: vec!["all".into()],
            ..Overrides::default()
        };
        let text = "nodeRegistration: {name: from-file, ignorePreflightErrors: [Swap]}\nskipPhases: [kubelet-start]\npatches: {directory: /file}\n";
        let resolved = from_file(text, &overrides).unwrap();
        assert_eq!(resolved.node.given_name, "From.Flag", "as kubeadm gives it to kubelet");
        let join = resolved.join;
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
    }

    #[test]
    fn a_name_in_a_file_is_made_lower_case() {
        let node = from_file("nodeRegistration: {name: ' CP-9 '}\n", &Overrides::default()).unwrap().node;
        assert_eq!((node.given_name.as_str(), node.registration.name.as_str()), ("cp-9", "cp-9"));
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
            "controlPlane.localAPIEndpoint.bindPort: 70000 is not a port",
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
