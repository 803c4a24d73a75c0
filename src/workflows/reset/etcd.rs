//! `remove-etcd-member`.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Reset, removal};
use crate::etcd::{self, Credentials, Etcd, EtcdClient, Member, Refused};
use crate::manifest::Component;
use crate::node::{StaticPod, etcd_endpoints};
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// Removes this node's member from the cluster, and its data: now, or where this run stops etcd, once it has.
pub(super) fn remove(reset: &mut Reset) -> PhaseResult {
    let run = &mut reset.run;
    let data = data_folder(run);
    let removed = remove_member(run)?;
    match data {
        Ok(Some(folder)) if reset.options.stops_etcd => reset.etcd_data = Some(folder),
        Ok(Some(folder)) => {
            let mut left = vec![];
            removal::empty(run, &folder, &mut left);
            return removal::all_removed(&left);
        }
        Ok(None) => {
            let usual = Path::new("/var/lib/etcd");
            if run.host.exists(&usual.join("member")) {
                run.warn(format!(
                    "keeping {}: it holds etcd data, and no manifest on this machine uses it",
                    usual.display()
                ));
            }
        }
        Err(why) => run.warn(format!("keeping etcd's data: {why}")),
    }
    Ok(removed)
}

/// Where a local etcd keeps its data, by its manifest; none where there is no manifest.
pub(super) fn data_folder(run: &Run) -> Result<Option<PathBuf>, String> {
    let pod = StaticPod::read(&run.settings.node.paths.manifests, Component::Etcd, &*run.host);
    let Some(pod) = pod.map_err(|e| e.to_string())? else { return Ok(None) };
    let folder = pod.host_path("etcd-data");
    folder.map(Some).ok_or_else(|| "etcd's manifest has no volume \"etcd-data\" with a hostPath".into())
}

/// Removes this node's member from an etcd cluster of several: the others would count it as failed for ever. What can't
/// be done from here is told with the command that does it elsewhere.
fn remove_member(run: &mut Run) -> PhaseResult {
    let manifests = &run.settings.node.paths.manifests;
    let pod = match StaticPod::read(manifests, Component::Etcd, &*run.host) {
        Ok(Some(pod)) => pod,
        Ok(None) => {
            return Ok(Outcome::Skipped(
                "Skipping the removal of the etcd member: there is no etcd manifest".into(),
            ));
        }
        Err(error) => {
            run.warn(format!("could not look for an etcd member to remove: {error}"));
            return Ok(Outcome::Done);
        }
    };
    let flag = |name: &str| pod.flag(name).unwrap_or_default();
    let (name, peer) = (flag("name"), flag("initial-advertise-peer-urls"));
    // A member that has always been alone has nobody to tell.
    let joined = flag("initial-cluster-state") == "existing";
    if !run.watch.waits() {
        if joined {
            run.act(Verb::Remove, format!("etcd member {name} ({peer}) from the cluster"));
        }
        return Ok(Outcome::Done);
    }
    let result = credentials(run, &pod).and_then(|credentials| {
        remove_from_cluster(&etcd_endpoints(&pod), &credentials, &peer).map_err(|e| e.to_string())
    });
    match result {
        Ok(Some(member)) => run.log(format!("Removed etcd member {} from the cluster", member.display_name())),
        Ok(None) => run.log(format!("Keeping etcd member {name}: it is the only one")),
        Err(why) if joined => run.warn(format!(
            "could not remove etcd member {name} ({peer}) from the cluster: {why}\n    fix: if the cluster is still in use, remove it from another control-plane node: `etcdctl member list`, then `etcdctl member remove ID`"
        )),
        // One that never joined others may still have been joined by others, which only a running one can tell.
        Err(why) => run.log(format!("Could not ask etcd for other members: {why}")),
    }
    Ok(Outcome::Done)
}

/// Removes the member that its peers reach at `peer`; none if it is the only one.
fn remove_from_cluster(
    endpoints: &[String],
    credentials: &Credentials,
    peer: &str,
) -> Result<Option<Member>, Refused> {
    let members = EtcdClient::new(endpoints.to_vec(), credentials)?.members()?;
    let is_own = |m: &Member| m.peer_urls.iter().any(|url| url == peer);
    let Some(own) = members.iter().find(|m| is_own(m)) else { return Ok(None) };
    // The others are asked: this one may be unhealthy, and is stopped soon.
    let others: Vec<String> =
        members.iter().filter(|m| !is_own(m)).flat_map(|m| m.client_urls.clone()).collect();
    if others.is_empty() {
        return Ok(None);
    }
    let removed = etcd::remove(&mut EtcdClient::new(others, credentials)?, peer)?;
    Ok(removed.then(|| own.clone()))
}

/// The credentials of etcd's own manifest: its server certificate is one for clients too.
fn credentials(run: &Run, pod: &StaticPod) -> Result<Credentials, String> {
    let read = |flag: &str| {
        let path = pod.flag(flag).ok_or_else(|| format!("etcd's manifest has no --{flag}"))?;
        let content = run.host.read(Path::new(&path)).map_err(|e| e.to_string())?;
        content.ok_or_else(|| format!("{path} does not exist"))
    };
    Ok(Credentials {
        ca: read("trusted-ca-file")?,
        certificate: read("peer-cert-file")?,
        key: Zeroizing::new(read("peer-key-file")?),
    })
}
