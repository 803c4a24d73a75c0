//! `remove-etcd-member`.

use std::path::Path;

use zeroize::Zeroizing;

use super::Reset;
use crate::etcd::{self, Credentials, Etcd, EtcdClient, Member, Refused};
use crate::manifest::Component;
use crate::node::{StaticPod, etcd_endpoints};
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// Removes this node's member from an etcd cluster of several: the others would count it as failed for ever. What can't
/// be done from here is told with the command that does it elsewhere.
pub(super) fn remove_member(reset: &mut Reset) -> PhaseResult {
    let run = &mut reset.run;
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
        remove(&etcd_endpoints(&pod), &credentials, &peer).map_err(|e| e.to_string())
    });
    match result {
        Ok(Some(member)) => run.log(format!("Removed etcd member {} from the cluster", member.display_name())),
        Ok(None) => run.log(format!("Keeping etcd member {name}: it is the only one")),
        Err(why) if joined => run.warn(format!(
            "could not remove etcd member {name} ({peer}) from the cluster: {why}\n    fix: if the cluster lives on, remove it from another control-plane node: `etcdctl member list`, then `etcdctl member remove ID`"
        )),
        // One that never joined others may still have been joined by others, which only a running one can tell.
        Err(why) => run.log(format!("Could not ask etcd for other members: {why}")),
    }
    Ok(Outcome::Done)
}

/// Removes the member that its peers reach at `peer`; none if it is the only one.
fn remove(endpoints: &[String], credentials: &Credentials, peer: &str) -> Result<Option<Member>, Refused> {
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
