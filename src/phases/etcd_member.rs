//! `check-etcd` and `etcd-join`: this node's member of the cluster's etcd.

use std::cell::RefCell;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use super::attention::{Attention, unhealthy};
use super::hold::pods;
use super::static_pods;
use super::watched::watched_etcd;
use crate::config::settings::join_host_port;
use crate::error::Error;
use crate::etcd::{
    self, ClusterHealth, Credentials, Etcd, EtcdClient, Member, Plan, Refused, initial_cluster,
};
use crate::exit_status::ExitStatus;
use crate::health::Stage;
use crate::manifest::Component;
use crate::preflight::{Severity, external_etcd, ignore};
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// The annotation of etcd's static Pods that tells where clients reach them.
const CLIENT_URLS: &str = "/metadata/annotations/kubeadm.kubernetes.io~1etcd.advertise-client-urls";

/// How long a member that was just promoted, by another join, may take to show itself healthy.
const SETTLING: Duration = Duration::from_secs(10);
/// How long kubelet may take to start etcd's container before the next manifests are written.
const STARTING: Duration = Duration::from_secs(3);

/// Checks that all members answer; etcd takes no other one before.
///
/// # Errors
/// When the members can't be found or asked, or one of them is not healthy.
pub(crate) fn check_cluster(run: &mut Run) -> PhaseResult {
    run.set_area("check-etcd");
    if !run.watch.waits() {
        run.log("Would check that the etcd cluster is healthy");
        return Ok(Outcome::Done);
    }
    run.log("Checking that the etcd cluster is healthy");
    let mut etcd = connect(run)?;
    etcd.check_quorum().map_err(|error| unusable(&error))?;
    let begin = Instant::now();
    let reason = loop {
        let Err(reason) = others(run, &mut etcd)?.check_add() else { return Ok(Outcome::Done) };
        if begin.elapsed() >= SETTLING {
            break reason;
        }
        std::thread::sleep(Duration::from_millis(500));
    };
    // One more member raises the quorum: with one down already, the next failure would stop the cluster.
    Err(Error::new(
        ExitStatus::Failed,
        format!(
            "the etcd cluster is not healthy: {reason}\n  fix: bring these members back, or remove those that are lost for good (`etcdctl member remove ID`), then run the same command again"
        ),
    ))
}

/// The members, without one of this node's name or address: it may be what an earlier machine left, and `join` judges
/// it.
fn others(run: &Run, etcd: &mut dyn Etcd) -> Result<ClusterHealth, Error> {
    let mut health = ClusterHealth::look(etcd).map_err(|error| unusable(&error))?;
    let (own, name) = (run.settings.etcd_peer_url(), run.settings.node_name());
    health
        .members
        .retain(|m| m.member.has_started() && m.member.name != name && !m.member.peer_urls.contains(&own));
    Ok(health)
}

/// Checks that an external etcd answers, with the client certificate that was downloaded.
///
/// # Errors
/// When it does not, or is too old.
pub(crate) fn check_external(run: &mut Run) -> PhaseResult {
    run.set_area("check-etcd");
    run.log("Checking that the external etcd answers");
    let mut findings = external_etcd(&run.settings, &*run.machine);
    ignore(&mut findings, &run.settings.node.registration.ignore_preflight_errors);
    run.findings(&findings);
    match findings.iter().find(|finding| finding.severity == Severity::Error) {
        Some(first) => Err(Error::new(ExitStatus::Failed, first.what.clone()).with_findings(findings)),
        None => Ok(Outcome::Done),
    }
}

/// Adds this node to the cluster's etcd as a learner, unless it is a member, writes its manifest, and waits until kubelet
/// has started it.
///
/// # Errors
/// When a stale member is in the way, or the cluster refuses.
pub(crate) fn add(run: &mut Run, replace: bool) -> PhaseResult {
    run.set_area("etcd");
    let peer = run.settings.etcd_peer_url();
    let name = run.settings.node_name().to_owned();
    if !run.watch.waits() {
        run.log(format!("Would add etcd member: {peer}"));
        return static_pods::write_joining_etcd(run, &format!("{name}={peer}"));
    }
    let data = run.settings.cluster.config.etcd.local.clone().unwrap_or_default().data_dir;
    let mut etcd = connect(run)?;
    let plan = Plan {
        name: &name,
        peer_url: &peer,
        has_data: run.host.exists(&Path::new(&data).join("member")),
        replace,
        limit: run.settings.node.timeouts.etcd_api,
    };
    let out = run.out.clone();
    let joined = etcd::join(&mut etcd, &plan, &mut |line| out.log("etcd", line))
        .map_err(|error| Error::new(ExitStatus::Failed, error))?;
    if joined.added {
        run.log(format!("Announced new etcd member joining to the existing etcd cluster: {peer}"));
    } else {
        run.log(format!("Using existing etcd member {}", joined.member.display_name()));
    }
    run.host.make_dir(Path::new(&data), 0o700)?;
    static_pods::write_joining_etcd(run, &initial_cluster(&joined.members, &name, &peer))?;
    run.point_at_new_manifests();
    if joined.member.is_learner {
        await_container(run)?;
    }
    Ok(Outcome::Done)
}

/// Waits until etcd's container was started, or for as long as that should take: what comes next would slow it down.
fn await_container(run: &mut Run) -> Result<(), Error> {
    watch_etcd(run)?;
    let start = Instant::now();
    let started = |run: &mut Run| run.watch.snapshot().components.values().all(|c| c.stage > Stage::Sandbox);
    while start.elapsed() < STARTING && !started(run) {
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn watch_etcd(run: &mut Run) -> Result<(), Error> {
    let watched = watched_etcd(&run.settings, &*run.host)?;
    run.watch.begin(&watched).map_err(|e| Error::new(ExitStatus::Failed, e))
}

/// Gives this node's learner its vote when it has caught up and serves; a member that votes stays as it is.
///
/// # Errors
/// When it does not catch up, or can't start.
pub(crate) fn promote(run: &mut Run) -> PhaseResult {
    run.set_area("etcd");
    if !run.watch.waits() {
        return Ok(Outcome::Done);
    }
    let mut etcd = connect(run)?;
    let peer = run.settings.etcd_peer_url();
    let members = etcd.members().map_err(|error| unusable(&error))?;
    let Some(member) = members.iter().find(|m| m.peer_urls.contains(&peer)) else {
        let message = format!("etcd has no member {peer}: add it with `kubestrap join phase etcd-join`");
        return Err(Error::new(ExitStatus::Failed, message));
    };
    if !member.is_learner {
        return Ok(Outcome::Done);
    }
    run.act(Verb::Wait, "for the new etcd member to catch up with the leader");
    let limit = run.settings.node.timeouts.etcd_api.max(Duration::from_secs(60));
    await_vote(run, &mut etcd, member, limit)?;
    run.log("The new etcd member was promoted to a voting member");
    Ok(Outcome::Done)
}

/// Promotes the new member; ends as soon as it is proven that it can't start.
fn await_vote(run: &mut Run, etcd: &mut dyn Etcd, member: &Member, limit: Duration) -> Result<(), Error> {
    watch_etcd(run)?;
    let run = RefCell::new(run);
    let mut attention = Attention::new(&run.borrow());
    let mut causes = None;
    let mut hopeless = || {
        let run = &mut *run.borrow_mut();
        let snapshot = run.watch.snapshot();
        causes = attention.hopeless(run, &snapshot);
        causes.is_some()
    };
    let mut restart = || restart_deaf(&mut run.borrow_mut());
    let promoted = etcd::await_service(etcd, member.id, limit, &mut restart, &mut hopeless)
        .map_err(Refused::from)
        .and_then(|()| etcd::promote(etcd, member.id, limit, &mut hopeless));
    let what = |error| {
        format!("the new etcd member {} did not become a voting member: {error}", member.display_name())
    };
    match (promoted, causes) {
        (Ok(()), _) => Ok(()),
        (Err(error), Some(causes)) => Err(unhealthy(&run.borrow(), &what(error), causes)),
        (Err(error), None) => Err(Error::new(
            ExitStatus::Failed,
            format!(
                "{}\n  fix: see why it does not start with `crictl logs` of its container or `kubestrap diagnose`, then run the same command again: the member is kept",
                what(error)
            ),
        )),
    }
}

/// Restarts the new member, which waits in vain. Where that fails it waits on, which costs seconds and nothing else.
fn restart_deaf(run: &mut Run) {
    run.log("Restarting etcd: it waits to see itself added, which the leader's snapshot already contains");
    let name = pods(run).name(Component::Etcd);
    match run.runtime.end_containers(&name, Duration::from_secs(1)) {
        // The container that was ended here tells nothing of those that come up from now on.
        Ok(()) => run.kubelet_started = Some(SystemTime::now()),
        Err(error) => run.warn(format!("etcd can't be restarted: {error}")),
    }
}

/// A client of the cluster's etcd: its members are found by their Pods, and asked with this node's healthcheck client
/// certificate.
///
/// # Errors
/// When the Pods or the certificate are missing.
pub(crate) fn connect(run: &mut Run) -> Result<EtcdClient, Error> {
    let pods = run.cluster.list("Pod", "kube-system")?;
    let own = run.settings.node.advertise_address;
    let mut endpoints: Vec<String> = pods
        .iter()
        .filter(|pod| pod.pointer("/metadata/labels/component").is_some_and(|c| c == "etcd"))
        .filter_map(|pod| pod.pointer(CLIENT_URLS).and_then(Value::as_str))
        .flat_map(|urls| urls.split(','))
        .map(|url| url.trim().to_owned())
        // This node's own is a learner at most, which answers few questions.
        .filter(|url| !url.contains(&join_host_port(&own.to_string(), 2379)))
        .collect();
    endpoints.sort();
    endpoints.dedup();
    if endpoints.is_empty() {
        return Err(Error::new(
            ExitStatus::Failed,
            "no etcd member was found: no Pod in kube-system with the label component=etcd has the annotation kubeadm.kubernetes.io/etcd.advertise-client-urls\n  fix: check the static Pod manifest /etc/kubernetes/manifests/etcd.yaml on the other control-plane nodes, and that kubelet runs there",
        ));
    }
    let read = |file: &str| -> Result<Vec<u8>, Error> {
        let path = run.certificate_path(file);
        let content = run.host.read(&path)?;
        content.ok_or_else(|| Error::new(ExitStatus::Failed, format!("{} does not exist", path.display())))
    };
    Ok(EtcdClient::new(endpoints, &Credentials::of_health_checks(read)?)?)
}

fn unusable(error: &etcd::EtcdError) -> Error {
    Error::new(
        ExitStatus::Failed,
        format!(
            "the etcd cluster is not healthy: {error}\n  fix: check etcd on the other control-plane nodes (`kubestrap diagnose` there), and that port 2379 is reachable from this machine"
        ),
    )
}
