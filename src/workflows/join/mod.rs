//! The workflow of `join`: adds this machine to a cluster, as a worker or as another control-plane node.

mod assumed;
mod found;
mod search;

use crate::config::v1beta4::JoinConfiguration;
use crate::error::Error;
use crate::phases::{
    download_certs, etcd_member, join_control_plane, kubelet_start, mark_control_plane, preflight,
    tls_bootstrap, wait_control_plane,
};
use crate::preflight::{Joining, Role, Subject};
use crate::workflow::{Outcome, Phase, PhaseResult, Run, Workflow};

use search::Search;

pub(crate) use found::{Found, KEYS};

/// What join's own phases work on, besides the [`Run`].
pub(crate) struct Join {
    /// What the shared phases work on. Its cluster settings are those of the cluster once that was found.
    pub(crate) run: Run,
    /// What `join` was told.
    pub(crate) config: JoinConfiguration,
    /// Remove a stale etcd member of this node's name or address.
    pub(crate) replace_etcd_member: bool,
    /// kubelet has a new kubeconfig, with which it is restarted once the control plane is healthy.
    restart_kubelet: bool,
    /// The discovery, while it goes on.
    search: Option<Search>,
    /// The cluster, once it was discovered.
    found: Option<Found>,
    /// The cluster is reached as its administrator, not with a bootstrap token.
    is_admin: bool,
}

impl AsMut<Run> for Join {
    fn as_mut(&mut self) -> &mut Run {
        &mut self.run
    }
}

impl Join {
    /// The state at the beginning, before the cluster is known.
    pub(crate) fn new(run: Run, config: JoinConfiguration, replace_etcd_member: bool) -> Self {
        Self {
            run,
            config,
            replace_etcd_member,
            restart_kubelet: false,
            search: None,
            found: None,
            is_admin: false,
        }
    }

    /// Restarts kubelet, if it has a new kubeconfig: from then on it uses this node's own API server.
    pub(crate) fn turn_kubelet(&mut self) {
        if std::mem::take(&mut self.restart_kubelet) {
            self.run.restart_kubelet_in_background();
        }
    }

    /// Whether this machine becomes a control-plane node.
    pub(crate) fn is_control_plane(&self) -> bool {
        self.config.control_plane.is_some()
    }

    /// Whether this node runs a member of the cluster's etcd.
    pub(crate) fn has_etcd_member(&self) -> bool {
        self.is_control_plane() && self.run.settings.cluster.config.etcd.external.is_none()
    }

    /// What preflight checks take this machine for.
    fn role(&self) -> Role {
        if self.is_control_plane() { Role::ControlPlane } else { Role::Worker }
    }

    /// What preflight checks know before the cluster is discovered.
    fn joining(&self) -> Joining {
        let token = self.config.discovery.bootstrap_token.as_ref();
        let key = self.config.control_plane.as_ref().map(|c| &c.certificate_key);
        Joining {
            endpoint: token.map(|t| t.api_server_endpoint.clone()),
            ca_file: self.config.ca_cert_path.clone().into(),
            cluster_ca: None,
            downloads_certificates: key.is_some_and(|key| !key.is_empty()),
        }
    }

    /// The cluster; it is discovered when it is first needed.
    fn found(&mut self) -> Result<Found, Error> {
        if let Some(found) = &self.found {
            return Ok(found.clone());
        }
        let search = self.search.take().unwrap_or_else(|| Search::begin(&self.run, &self.config.discovery));
        let found = found::find(&mut self.run, &self.config, search)?;
        Ok(self.found.insert(found).clone())
    }

    /// Reaches the cluster as its administrator from here on, if this node has that kubeconfig.
    fn reach_as_admin(&mut self) -> PhaseResult {
        if !std::mem::replace(&mut self.is_admin, true) {
            self.run.reach_as_admin()?;
        }
        Ok(Outcome::Done)
    }
}

/// The table. `join`, `join phase …`, `--skip-phases`, the help and the events all come from it.
pub(crate) fn workflow() -> Workflow<Join> {
    let phases = vec![
        Phase::new("preflight", "Run join pre-flight checks", check),
        Phase::group(
            "control-plane-prepare",
            "Prepare the machine for serving a control plane",
            vec![
                control_plane(
                    "download-certs",
                    "Download certificates shared among control-plane nodes from the kubeadm-certs Secret",
                    download,
                ),
                control_plane(
                    "certs",
                    "Generate the certificates for the new control plane components",
                    |join| join_control_plane::certs(&mut join.run),
                ),
                control_plane(
                    "kubeconfig",
                    "Generate the kubeconfig for the new control plane components",
                    |join| {
                        join_control_plane::kubeconfigs(&mut join.run)?;
                        join.reach_as_admin()
                    },
                ),
                control_plane(
                    "control-plane",
                    "Generate the manifests for the new control plane components",
                    |join| join_control_plane::manifests(&mut join.run),
                ),
            ],
        ),
        administrator("check-etcd", "Check that the etcd cluster is healthy", check_etcd).hidden(),
        Phase::new(
            "kubelet-start",
            "Write kubelet settings, certificates and (re)start kubelet",
            start_kubelet,
        ),
        Phase::group(
            "etcd-join",
            "Join etcd for control plane nodes",
            vec![
                administrator("add", "Add this node to etcd as a learner, and start it", add_etcd_member)
                    .hidden(),
                administrator("promote", "Give this node's etcd member its vote", promote_etcd_member)
                    .hidden(),
            ],
        ),
        Phase::new("kubelet-wait-bootstrap", "Wait for the kubelet to bootstrap itself", wait_for_kubelet),
        Phase::group(
            "control-plane-join",
            "Join a machine as a control plane instance",
            vec![administrator("mark-control-plane", "Mark a node as a control plane", |join| {
                mark_control_plane::mark(&mut join.run)
            })],
        ),
        control_plane("wait-control-plane", "Wait for the control plane to start", wait_for_control_plane),
    ];
    Workflow { name: "join", phases, moved: MOVED }
}

/// What runs earlier than kubeadm runs it. kubelet takes a second to come up and another to get its certificate: on a
/// control-plane node it starts as soon as the shared certificates are here, and the others are generated meanwhile. etcd
/// is checked and started as soon as this node has an administrator: the API server waits for it, and starts while the
/// member catches up. The member gets its vote last, when all that this node asks of the cluster is done: from then on,
/// the cluster depends on it.
const MOVED: &[(&str, &str)] = &[
    ("kubelet-start", "control-plane-prepare/download-certs"),
    ("check-etcd", "control-plane-prepare/kubeconfig"),
    ("etcd-join/add", "check-etcd"),
    ("etcd-join/promote", "control-plane-prepare/control-plane"),
    ("kubelet-wait-bootstrap", "control-plane-prepare/control-plane"),
    ("control-plane-join/mark-control-plane", "kubelet-wait-bootstrap"),
];

/// A phase for control-plane nodes alone.
fn control_plane(
    name: &'static str,
    about: &'static str,
    work: impl Fn(&mut Join) -> PhaseResult + 'static,
) -> Phase<Join> {
    Phase::new(name, about, move |join: &mut Join| {
        if !join.is_control_plane() {
            return Ok(Outcome::NotApplicable);
        }
        join.found()?;
        work(join)
    })
}

/// A phase for control-plane nodes alone, which asks of the cluster what a bootstrap token may not.
fn administrator(
    name: &'static str,
    about: &'static str,
    work: impl Fn(&mut Join) -> PhaseResult + 'static,
) -> Phase<Join> {
    control_plane(name, about, move |join: &mut Join| {
        join.reach_as_admin()?;
        work(join)
    })
}

fn check_etcd(join: &mut Join) -> PhaseResult {
    if join.has_etcd_member() {
        return etcd_member::check_cluster(&mut join.run);
    }
    if !join.run.watch.waits() {
        return Ok(Outcome::Skipped("Skipping phase check-etcd: etcd is external".into()));
    }
    etcd_member::check_external(&mut join.run)
}

fn add_etcd_member(join: &mut Join) -> PhaseResult {
    if !join.has_etcd_member() {
        return Ok(Outcome::Skipped("Skipping phase etcd-join: etcd is external".into()));
    }
    etcd_member::add(&mut join.run, join.replace_etcd_member)
}

fn promote_etcd_member(join: &mut Join) -> PhaseResult {
    if !join.has_etcd_member() {
        return Ok(Outcome::NotApplicable);
    }
    etcd_member::promote(&mut join.run)
}

fn check(join: &mut Join) -> PhaseResult {
    let (role, mut joining) = (join.role(), join.joining());
    join.run.log("Running pre-flight checks");
    join.search = Some(Search::begin(&join.run, &join.config.discovery));
    let subject = Subject::join(role, &join.run.settings.node, joining.clone());
    preflight::check(&mut join.run, &subject)?;
    let found = join.found()?;
    found.check_node(&mut join.run)?;
    joining.cluster_ca = Some(found.ca.clone());
    let subject = Subject::discovered(role, &join.run.settings, joining);
    preflight::check(&mut join.run, &subject)?;
    if join.is_control_plane() {
        join.run.log("Running pre-flight checks before initializing the new control plane instance");
        found.check_control_plane(&join.run, &join.config)?;
        return preflight::pull(&mut join.run);
    }
    Ok(Outcome::Done)
}

fn download(join: &mut Join) -> PhaseResult {
    let key = join.config.control_plane.as_ref().map(|c| c.certificate_key.clone()).unwrap_or_default();
    if key.is_empty() {
        return Ok(Outcome::Skipped(
            "Skipping the download: no certificate key was given, so the shared certificates are taken from this machine"
                .into(),
        ));
    }
    let found = join.found()?;
    if found.assumed {
        return Ok(Outcome::Skipped(
            "Skipping the download: without the cluster, this dry run generates the shared certificates itself"
                .into(),
        ));
    }
    download_certs::download(&mut join.run, &key, &found.ca)
}

fn start_kubelet(join: &mut Join) -> PhaseResult {
    let found = join.found()?;
    tls_bootstrap::prepare(&mut join.run, &found.kubeconfig, &found.ca, join.config.ca_cert_path.as_ref())?;
    kubelet_start::write_and_start(&mut join.run)
}

fn wait_for_kubelet(join: &mut Join) -> PhaseResult {
    join.found()?;
    let local = join.is_control_plane().then(|| format!("https://{}", join.run.settings.local_endpoint()));
    join.restart_kubelet = tls_bootstrap::wait(&mut join.run, local.as_deref())?;
    Ok(Outcome::Done)
}

/// Waits for the control plane; then kubelet, which used the cluster's endpoint to come up, turns to this node's own API
/// server.
fn wait_for_control_plane(join: &mut Join) -> PhaseResult {
    wait_control_plane::wait(&mut join.run)?;
    join.turn_kubelet();
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etcd_member_gets_its_vote_when_all_else_but_the_wait_is_done() {
        let order = workflow().leaves();
        let expected = [
            "preflight",
            "control-plane-prepare/download-certs",
            "kubelet-start",
            "control-plane-prepare/certs",
            "control-plane-prepare/kubeconfig",
            "check-etcd",
            "etcd-join/add",
            "control-plane-prepare/control-plane",
            "kubelet-wait-bootstrap",
            "control-plane-join/mark-control-plane",
            "etcd-join/promote",
            "wait-control-plane",
        ];
        assert_eq!(order, expected);
    }
}
