//! From a loaded configuration to the settings of a run: kubeadm's defaults applied, checked, parsed into types.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use super::defaults;
use super::facts::HostFacts;
use super::kube_proxy::KubeProxyConfiguration;
use super::kubelet::KubeletConfiguration;
use super::loaded::{Loaded, Warning};
use super::names;
use super::problem::{ConfigError, Problem};
use super::profile::Profile;
use super::release::{self, Release, default_version};
use super::settings::{
    ClusterSettings, DEFAULT_CRI_SOCKET, Generated, NodeSettings, Paths, Settings, Timeouts,
    control_plane_taint,
};
use super::token;
use super::v1beta4::{
    self, ApiEndpoint, BootstrapToken, ClusterConfiguration, InitConfiguration, NodeRegistrationOptions,
};
use super::validate::Validator;
use super::version::{CI, KubernetesVersion, is_label, prefixed};
use crate::pki::KeyAlgorithm;

/// The kind of `init`'s document.
const INIT: &str = "InitConfiguration";
/// Where that has the address to advertise.
const INIT_ENDPOINT: (&str, &str) = (INIT, "localAPIEndpoint.advertiseAddress");

/// What of the command line goes beyond the configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// `--node-name` wins over the configuration.
    pub node_name: Option<String>,
    /// `--patches` wins over the configuration.
    pub patches: Option<String>,
    /// `--ignore-preflight-errors` adds to the configuration's.
    pub ignore_preflight_errors: Vec<String>,
    /// `--skip-phases` wins over the configuration.
    pub skip_phases: Option<Vec<String>>,
    /// `--kubeconfig-dir`.
    pub kubeconfig_dir: Option<PathBuf>,
    /// A dry run: what the machine lacks is made up, with a warning, since nothing will use it.
    pub dry_run: bool,
    /// Warnings about the configuration are errors.
    pub strict: bool,
    /// `--profile`: settings that are merged under the configuration.
    pub(crate) profile: Option<Profile>,
}

/// A configuration with defaults, checked.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// What is rendered and checked against.
    pub settings: Settings,
    /// The InitConfiguration with defaults: what of it only `init` needs, the workflow takes from here.
    pub init: InitConfiguration,
    /// Which of its bootstrap tokens were generated here: a later run may use those of an earlier one instead.
    pub generated_tokens: Vec<usize>,
    /// What is odd, but no error.
    pub warnings: Vec<Warning>,
}

impl Settings {
    /// Applies kubeadm's defaults to a loaded configuration, checks it and parses it.
    ///
    /// # Errors
    /// With every problem found; with `strict` the warnings too.
    pub(crate) fn resolve(
        loaded: Loaded,
        facts: HostFacts,
        overrides: &Overrides,
    ) -> Result<Resolved, ConfigError> {
        let Loaded { mut init, mut cluster, mut kubelet, kube_proxy, stored, locator, mut warnings } = loaded;
        let mut validator = Validator::new(&locator);
        let given = init.bootstrap_tokens.iter().map(|t| !t.token.is_empty()).chain([false]);
        let generated_tokens = given.enumerate().filter(|(_, given)| !given).map(|(i, _)| i).collect();
        // kubeadm's default is one image after the other; where nobody asks for it, we pull them at once.
        let serial = init.node_registration.image_pull_serial;
        default_init(&mut init, &facts, overrides, &mut validator);
        if let Some(profile) = overrides.profile {
            let applied = profile.apply(&mut cluster, &mut kubelet);
            applied.map_err(|why| ConfigError::from(Problem::new("profile", "--profile", why)))?;
        }
        init.node_registration.image_pull_serial = serial;
        let advertise_address =
            advertise_address(INIT_ENDPOINT, &mut init.local_api_endpoint, &facts, overrides, &mut validator);
        let (version, release) = version(&mut cluster, &mut validator);
        for (field, since) in kubelet.iter_mut().flat_map(|k| k.take_newer_than(release.minor)) {
            let message = format!("left out: kubelet knows it from 1.{since} on, this one is {version}");
            validator.warnings.push(locator.problem("KubeletConfiguration", field, message));
        }
        defaults::cluster(&mut cluster, release, init.local_api_endpoint.bind_port);
        validator.init(&init);
        validator.cluster(&cluster, release, stored);
        let Validator { mut problems, warnings: odd, .. } = validator;
        warnings.extend(odd.into_iter().map(|problem| Warning {
            problem,
            strict: false,
            deprecation: false,
        }));
        if overrides.strict {
            problems.extend(warnings.iter().filter(|w| w.strict).map(|w| w.problem.clone()));
        }
        if !problems.is_empty() {
            return Err(ConfigError { problems });
        }
        let registration = init.node_registration.clone();
        let node = NodeSettings {
            given_name: registration.name.clone(),
            advertise_address,
            bind_port: u16::try_from(init.local_api_endpoint.bind_port).unwrap_or(6443),
            taints: registration.taints.clone().unwrap_or_else(|| vec![control_plane_taint()]),
            kubelet_registers_taints: false,
            registration,
            patches: init
                .patches
                .as_ref()
                .map(|p| PathBuf::from(&p.directory))
                .filter(|p| !p.as_os_str().is_empty()),
            paths: Paths::new(&cluster.certificates_dir, overrides.kubeconfig_dir.as_deref()),
            timeouts: Timeouts::of(init.timeouts.as_ref()),
            profile: overrides.profile,
            facts,
        };
        let cluster = ClusterSettings::new(cluster, version, release, kubelet, kube_proxy);
        Ok(Resolved { settings: Self { cluster, node }, init, generated_tokens, warnings })
    }
}

impl ClusterSettings {
    /// kubeadm's defaults, for the time in which the cluster to join is not known yet.
    pub(crate) fn unknown() -> Self {
        let (version, release) = fallback();
        let mut config =
            ClusterConfiguration { kubernetes_version: version.to_string(), ..Default::default() };
        defaults::cluster(&mut config, release, 0);
        Self::new(config, version, release, None, None)
    }

    /// The settings of a cluster that stores its configuration; `generated` tells which parts of it nobody changed.
    ///
    /// # Errors
    /// With every problem found, such as a version that is not known.
    pub(crate) fn of_stored(loaded: Loaded, generated: Generated) -> Result<Self, ConfigError> {
        let resolved = Settings::resolve(loaded, HostFacts::placeholder(), &Overrides::default())?;
        Ok(Self { generated, ..resolved.settings.cluster })
    }

    /// Parses what a ClusterConfiguration with defaults holds as text. It was checked before: what can't be parsed is
    /// left out.
    pub(crate) fn new(
        config: ClusterConfiguration,
        version: KubernetesVersion,
        release: &'static Release,
        kubelet: Option<KubeletConfiguration>,
        kube_proxy: Option<KubeProxyConfiguration>,
    ) -> Self {
        let subnets = |text: &str| text.split(',').filter_map(names::cidr).collect();
        let algorithm = match config.feature_gates.get("PublicKeysECDSA") {
            Some(true) => KeyAlgorithm::EcdsaP256,
            Some(false) => KeyAlgorithm::Rsa2048,
            None => config.encryption_algorithm.parse().unwrap_or_default(),
        };
        Self {
            service_subnets: subnets(&config.networking.service_subnet),
            pod_subnets: subnets(&config.networking.pod_subnet),
            algorithm,
            generated: Generated::default(),
            config,
            kubelet,
            kube_proxy,
            version,
            release,
        }
    }
}

fn default_init(
    init: &mut InitConfiguration,
    facts: &HostFacts,
    overrides: &Overrides,
    v: &mut Validator<'_>,
) {
    default_registration(INIT, &mut init.node_registration, facts, overrides, v);
    if let Some(directory) = &overrides.patches {
        init.patches = Some(v1beta4::Patches { directory: directory.clone() });
    }
    if let Some(phases) = &overrides.skip_phases {
        init.skip_phases.clone_from(phases);
    }
    if init.bootstrap_tokens.is_empty() {
        init.bootstrap_tokens.push(BootstrapToken::default());
    }
    for (i, bootstrap) in init.bootstrap_tokens.iter_mut().enumerate() {
        if bootstrap.token.is_empty() {
            match token::generate() {
                Ok(token) => bootstrap.token = token,
                Err(error) => v.error(INIT, &format!("bootstrapTokens.{i}.token"), error),
            }
        }
    }
    defaults::init(init);
}

/// What a node's registration takes from the command line and the machine. `kind` is the document that it is in.
pub(super) fn default_registration(
    kind: &str,
    node: &mut NodeRegistrationOptions,
    facts: &HostFacts,
    overrides: &Overrides,
    v: &mut Validator<'_>,
) {
    if let Some(name) = &overrides.node_name {
        node.name.clone_from(name);
    }
    defaults::text(&mut node.name, &facts.hostname);
    node.ignore_preflight_errors =
        ignored_checks(kind, &node.ignore_preflight_errors, &overrides.ignore_preflight_errors, v);
    if node.cri_socket.is_empty() {
        match facts.cri_sockets.as_slice() {
            [] => node.cri_socket = DEFAULT_CRI_SOCKET.into(),
            [one] => node.cri_socket.clone_from(one),
            several if overrides.dry_run => node.cri_socket = several.first().cloned().unwrap_or_default(),
            several => v.error(
                kind,
                "nodeRegistration.criSocket",
                format!(
                    "found several container runtimes: name the one to use (`--cri-socket`): {}",
                    several.join(", ")
                ),
            ),
        }
    }
}

/// The checks that the configuration and the command line have ignored: `all` of either covers the other's.
fn ignored_checks(kind: &str, configured: &[String], flags: &[String], v: &mut Validator<'_>) -> Vec<String> {
    let lower = |list: &[String]| -> Vec<String> { list.iter().map(|e| e.trim().to_lowercase()).collect() };
    let lists = [lower(configured), lower(flags)];
    let covers_all = |list: &Vec<String>| list.iter().any(|check| check == "all");
    if lists.iter().any(|list| covers_all(list) && list.iter().any(|check| check != "all")) {
        v.error(
            kind,
            "nodeRegistration.ignorePreflightErrors",
            "`all` covers every check: name no others beside it",
        );
    }
    if lists.iter().any(covers_all) {
        return vec!["all".into()];
    }
    let mut checks = lists.concat();
    checks.sort();
    checks.dedup();
    checks
}

/// kubeadm's rule: the address given, else that of the default route's interface; a loopback stands for an address of
/// the loopback interface. It must be one that others can reach.
pub(super) fn advertise_address(
    (kind, path): (&str, &str),
    endpoint: &mut ApiEndpoint,
    facts: &HostFacts,
    overrides: &Overrides,
    v: &mut Validator<'_>,
) -> IpAddr {
    let given = endpoint.advertise_address.clone();
    let parsed = if given.is_empty() { Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)) } else { names::ip(&given) };
    let placeholder = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let address = match parsed {
        None => {
            v.error(
                kind,
                path,
                format!("{given:?} is not an IP address: write one such as `192.0.2.10` or `2001:db8::10`"),
            );
            return placeholder;
        }
        Some(ip) if ip.is_loopback() => match facts.loopback_addresses.first() {
            // kubeadm's way to name the address that a machine without others has on its loopback interface.
            Some(found) => *found,
            None => {
                v.error(kind, path, format!("other machines can't reach {ip}, and the loopback interface has no other address: set one of this machine's with `--apiserver-advertise-address` or `localAPIEndpoint.advertiseAddress`"));
                placeholder
            }
        },
        Some(ip) if ip.is_unspecified() => {
            let wanted =
                facts.default_addresses.iter().find(|a| given.is_empty() || a.is_ipv6() == ip.is_ipv6());
            match wanted.or(facts.default_addresses.first()) {
                Some(found) => *found,
                None if overrides.dry_run => {
                    let warning = v.locator.problem(kind, path, format!("this machine has no default route, so there is no address to advertise: this dry run uses {placeholder}; a real run needs `--apiserver-advertise-address`"));
                    v.warnings.push(warning);
                    placeholder
                }
                None => {
                    v.error(kind, path, "this machine has no default route, so there is no address to advertise: set one with `--apiserver-advertise-address` or `localAPIEndpoint.advertiseAddress`");
                    placeholder
                }
            }
        }
        Some(ip) => ip,
    };
    let link_local = match address {
        IpAddr::V4(a) => a.is_link_local() || a.is_broadcast(),
        IpAddr::V6(a) => a.is_unicast_link_local(),
    };
    if address.is_multicast() || link_local {
        v.error(kind, path, format!("{address} can't be advertised: it must be an address that other machines can reach (not link-local, not multicast)"));
    }
    endpoint.advertise_address = address.to_string();
    address
}

/// The newest version and release.
fn fallback() -> (KubernetesVersion, &'static Release) {
    let release = release::newest();
    (release.newest_known(), release)
}

fn version(
    cluster: &mut ClusterConfiguration,
    v: &mut Validator<'_>,
) -> (KubernetesVersion, &'static Release) {
    defaults::text(&mut cluster.kubernetes_version, &default_version(None).to_string());
    let path = "kubernetesVersion";
    if is_label(&cluster.kubernetes_version) {
        v.cluster_error(
            path,
            format!("the label {:?} was not resolved to a version", cluster.kubernetes_version),
        );
        return fallback();
    }
    match prefixed(&cluster.kubernetes_version) {
        Err(error) => {
            v.cluster_error(path, format!("{error}, nor a label such as `stable-1.36`"));
            fallback()
        }
        Ok((ci, version)) => match Release::of(&version) {
            Ok(release) => {
                cluster.kubernetes_version = format!("{}{version}", if ci { CI } else { "" });
                (version, release)
            }
            Err(error) => {
                v.cluster_error(path, error);
                fallback()
            }
        },
    }
}
