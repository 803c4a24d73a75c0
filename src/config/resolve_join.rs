//! From what `join` was told to the settings of a joining node, in two steps: the node's own before the cluster is
//! known, the cluster's once its stored configuration was read.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use super::defaults;
use super::facts::HostFacts;
use super::load::{LoadedJoin, Warning};
use super::problem::ConfigError;
use super::resolve::{Overrides, advertise_address, default_registration};
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
        defaults::join(&mut join);
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
        let registration = join.node_registration.clone();
        let default_taints = || match join.control_plane {
            Some(_) => vec![control_plane_taint()],
            None => vec![],
        };
        let node = NodeSettings {
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
            facts,
        };
        Ok(ResolvedJoin { join, node, warnings })
    }
}
