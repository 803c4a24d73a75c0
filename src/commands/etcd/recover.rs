//! `etcd recover`: after the quorum is lost for good, a survivor becomes the cluster.

use std::path::{Path, PathBuf};

use serde_json::json;
use time::OffsetDateTime;

use super::Target;
use super::replace::{AREA, Replacement};
use super::restore::{described, local, tell_others};
use crate::commands::confirm::confirm;
use crate::commands::this_machine::require_root;
use crate::error::Error;
use crate::etcd::{ClusterHealth, Etcd, EtcdClient, MemberHealth, State, snapshot};
use crate::exit_status::ExitStatus;
use crate::host::{Host, RealHost};
use crate::node::LocalEtcd;
use crate::output::Printer;
use crate::phases::etcd_data::Source;

/// How to recover.
#[derive(Clone, Debug)]
pub(crate) struct Recover {
    /// Where etcd is.
    pub(crate) target: Target,
    /// The folder for the snapshot of the survivor's data.
    pub(crate) dir: PathBuf,
    /// Go on although another member that answers has newer data.
    pub(crate) force: bool,
    /// Do not ask for confirmation.
    pub(crate) yes: bool,
    /// Change nothing.
    pub(crate) dry_run: bool,
}

/// Makes this node's member the only one of a new cluster, from its own data.
///
/// # Errors
/// When the cluster has a quorum, another member has newer data, or the control plane does not become healthy.
pub(crate) fn run(request: &Recover, out: &Printer) -> Result<ExitStatus, Error> {
    let host = RealHost::new();
    let member = local(&request.target, &host)?;
    let mut etcd = request.target.connect()?.etcd;
    let look = look(&mut etcd, &member)?;
    for line in &look.lines {
        out.log(AREA, line);
    }
    match (&look.newer, request.force) {
        (Some(newer), false) => {
            let message = format!(
                "{newer} answers and has newer data than this node\n  fix: run `kubestrap etcd recover` on that node instead; or give --force to go on from this node's data, and lose what only that one has"
            );
            return Err(Error::new(ExitStatus::Failed, message));
        }
        (Some(newer), true) => out.warn(AREA, format!("{newer} has newer data, which are lost")),
        (None, _) => {}
    }
    if !request.dry_run {
        require_root(&host)?;
        if !request.yes {
            let what = format!(
                "{} becomes the only member of a new etcd cluster, from its own data. Every other member must be reset and joined again. What only the lost members had is lost.",
                member.name
            );
            confirm(out, AREA, &what, "--yes")?;
        }
    }
    let source = match &look.own_url {
        Some(url) => snapshot_of_own(&mut etcd, url, &member, request, out)?,
        None => database_of_own(&member, &host, out)?,
    };
    out.log(AREA, format!("Using {}", described(&source)));
    let replacement = Replacement {
        member: &member,
        stop_first: source.unhashed,
        source: &source,
        command: "etcd recover",
        dry_run: request.dry_run,
    };
    let in_place = replacement.run(&host, out)?;
    if !request.dry_run {
        out.log(
            AREA,
            format!("{} is the only member of etcd, and the control plane is healthy", member.name),
        );
        out.log(
            AREA,
            "Remove the Nodes of machines that are gone with `kubectl delete node NAME`; take a backup now",
        );
    }
    tell_others(&member, out);
    let data =
        json!({ "ok": true, "dryRun": request.dry_run, "member": member.name, "before": in_place.before });
    out.result(data, "");
    Ok(ExitStatus::Done)
}

/// What was found before anything is changed.
#[derive(Debug, Default)]
struct Look {
    /// Where this node's member answers; none if it does not.
    own_url: Option<String>,
    /// Another member that answers and has newer data.
    newer: Option<String>,
    /// A line for each member.
    lines: Vec<String>,
}

/// Who answers, and whose data are newest.
fn look(etcd: &mut dyn Etcd, own: &LocalEtcd) -> Result<Look, Error> {
    if etcd.check_quorum().is_ok() {
        return Err(Error::new(
            ExitStatus::Failed,
            "etcd has a quorum and serves: there is nothing to recover\n  fix: remove members that are lost for good with `etcdctl member remove ID` (`kubestrap etcd health` shows them); to go back to a snapshot, use `kubestrap etcd snapshot restore`",
        ));
    }
    // Where not even this node's member answers, its data are all that is known.
    let Ok(health) = ClusterHealth::look(etcd) else {
        let line = "No member of etcd answers; going on from the database on this node".to_owned();
        return Ok(Look { lines: vec![line], ..Look::default() });
    };
    Ok(judge(&health.members, own))
}

fn judge(members: &[MemberHealth], own: &LocalEtcd) -> Look {
    let index = |m: &MemberHealth| m.status.as_ref().map(|status| status.raft_index);
    let is_own = |m: &&MemberHealth| m.member.name == own.name;
    let of_own = members.iter().find(is_own);
    let own_index = of_own.and_then(index);
    let newest = members.iter().filter(|m| !is_own(m) && index(m) > own_index).max_by_key(|m| index(m));
    let line = |m: &MemberHealth| match (index(m), &m.state) {
        (Some(index), State::Healthy | State::NoLeader) => {
            format!("{} answers; its last raft entry is {index}", m.member.display_name())
        }
        (_, state) => format!("{} {state}", m.member.display_name()),
    };
    Look {
        own_url: of_own.filter(|m| m.status.is_some()).and_then(|m| m.member.client_urls.first().cloned()),
        newer: newest.map(|m| m.member.display_name()),
        lines: members.iter().map(line).collect(),
    }
}

/// A snapshot of this node's member, which gives one without a quorum too. It stays, whatever happens afterwards.
fn snapshot_of_own(
    etcd: &mut EtcdClient,
    url: &str,
    member: &LocalEtcd,
    request: &Recover,
    out: &Printer,
) -> Result<Source, Error> {
    let now = OffsetDateTime::now_utc();
    let path = request.dir.join(snapshot::file_name(&member.name, now));
    if request.dry_run {
        out.log(AREA, format!("Would save a snapshot of {} to {}", member.name, path.display()));
        return Ok(Source { path, unhashed: false, size: etcd.status(url)?.db_size });
    }
    let facts = snapshot::save(etcd, url, &member.name, &path, now)?;
    out.log(AREA, format!("Saved a snapshot of {} to {}", member.name, path.display()));
    Ok(Source { path, unhashed: false, size: facts.size })
}

/// The database of this node's member, where it does not answer.
fn database_of_own(member: &LocalEtcd, host: &dyn Host, out: &Printer) -> Result<Source, Error> {
    let path = member.data.join("member").join("snap").join("db");
    if !host.exists(Path::new(&path)) {
        let message = format!(
            "this node has no data of etcd: {} does not exist\n  fix: restore a snapshot with `kubestrap etcd snapshot restore FILE`, or an archive with `kubestrap restore ARCHIVE`",
            path.display()
        );
        return Err(Error::new(ExitStatus::Failed, message));
    }
    let size = snapshot::check_database(&path)?;
    out.warn(
        AREA,
        "etcd on this node does not answer: its database file is used as it is; what was written within the last tenth of a second before it ended may be missing from it",
    );
    Ok(Source { path, unhashed: true, size })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etcd::{EtcdError, Member, Status};

    fn own() -> LocalEtcd {
        LocalEtcd {
            name: "n1".into(),
            peer_urls: String::new(),
            data: "/d".into(),
            image: String::new(),
            others: vec![],
        }
    }

    fn member(name: &str, raft_index: Option<u64>) -> MemberHealth {
        MemberHealth {
            member: Member {
                name: name.into(),
                client_urls: vec![format!("https://{name}")],
                ..Member::default()
            },
            state: match raft_index {
                Some(_) => State::NoLeader,
                None => State::Down(EtcdError::Unreachable { tried: vec![] }),
            },
            status: raft_index.map(|raft_index| Status { raft_index, ..Status::default() }),
        }
    }

    #[test]
    fn survivor_with_newer_data_is_named() {
        let look = |second| judge(&[member("n1", Some(7)), member("n2", second), member("n3", None)], &own());
        assert_eq!(look(Some(7)).newer, None);
        assert_eq!(look(None).newer, None);
        assert_eq!(look(Some(8)).newer.as_deref(), Some("n2 (id 0)"));
        let found = look(Some(8));
        assert_eq!(found.own_url.as_deref(), Some("https://n1"));
        assert!(found.lines[0].contains("its last raft entry is 7"), "{:?}", found.lines);
        assert!(found.lines[2].contains("does not answer"), "{:?}", found.lines);
    }

    #[test]
    fn own_member_that_does_not_answer_has_no_url() {
        let look = judge(&[member("n1", None), member("n2", Some(1))], &own());
        assert_eq!((look.own_url, look.newer.as_deref()), (None, Some("n2 (id 0)")));
    }
}
