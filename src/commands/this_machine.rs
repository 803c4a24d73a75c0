//! The settings of a machine on which a control plane stands, from its own files: for work that must not need an API
//! server.

use super::configuration;
use crate::config::settings::DEFAULT_CRI_SOCKET;
use crate::config::{Loaded, Overrides, Paths, Settings};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{self, Host};
use crate::node::identity;
use crate::output::Printer;

/// Settings with this node's name, address and container runtime. What belongs to the cluster is kubeadm's default.
///
/// # Errors
/// When a file of the node can't be used.
pub(super) fn settings(host: &dyn Host, out: &Printer) -> Result<Settings, Error> {
    let paths = Paths::new("/etc/kubernetes/pki", None);
    let facts = host::gather();
    let mut loaded = Loaded::default();
    let name = identity::node_name(&paths, host)?.unwrap_or_else(|| facts.hostname.trim().to_lowercase());
    let socket = identity::cri_socket(&paths, host)?.or_else(|| facts.cri_sockets.first().cloned());
    loaded.init.node_registration.name = name;
    loaded.init.node_registration.cri_socket = socket.unwrap_or_else(|| DEFAULT_CRI_SOCKET.into());
    if let Some(endpoint) = identity::api_server_endpoint(&paths.manifests, host)? {
        loaded.init.local_api_endpoint.advertise_address = endpoint.ip().to_string();
        loaded.init.local_api_endpoint.bind_port = endpoint.port().into();
    }
    let registration = &loaded.init.node_registration;
    tracing::info!("this node: name {}, CRI socket {}", registration.name, registration.cri_socket);
    // A machine whose address is not known may still be worked on.
    let overrides = Overrides { dry_run: true, ..Overrides::default() };
    Ok(configuration::resolve(loaded, facts, &overrides, &out.quiet())?.settings)
}

/// Refuses who may not change the machine.
///
/// # Errors
/// When this is not root.
pub(super) fn require_root(host: &dyn Host) -> Result<(), Error> {
    if host.is_privileged() {
        return Ok(());
    }
    Err(Error::new(
        ExitStatus::Preflight,
        "[ERROR IsPrivilegedUser]: user is not running as root\n  fix: run it with `sudo`",
    ))
}
