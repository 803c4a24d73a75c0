//! From a loaded configuration to the settings of a run: kubeadm's defaults applied, checked, parsed into types.

use std::path::PathBuf;

use super::choices::{advertise_address, default_registration, fallback, version};
use super::defaults;
use super::facts::HostFacts;
use super::kube_proxy::KubeProxyConfiguration;
use super::kubelet::KubeletConfiguration;
use super::loaded::{Loaded, Warning};
use super::names;
use super::overrides::Overrides;
use super::problem::{ConfigError, Problem};
use super::release::Release;
use super::settings::{
    ClusterSettings, Generated, NodeSettings, Paths, Settings, Timeouts, control_plane_taint,
};
use super::token;
use super::v1beta4::{self, BootstrapToken, ClusterConfiguration, InitConfiguration};
use super::validate::Validator;
use super::version::KubernetesVersion;
use crate::pki::KeyAlgorithm;

/// The kind of `init`'s document.
const INIT: &str = "InitConfiguration";
/// Where that has the address to advertise.
const INIT_ENDPOINT: (&str, &str) = (INIT, "localAPIEndpoint.advertiseAddress");

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
