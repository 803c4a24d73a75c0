//! `etcd defrag` and `etcd alarm`.

use serde_json::{Value, json};

use super::{Reached, Target, size, unanswered};
use crate::error::Error;
use crate::etcd::{ClusterHealth, Etcd, State};
use crate::exit_status::ExitStatus;
use crate::output::Printer;

/// Which members to defragment.
#[derive(Clone, Debug)]
pub(crate) struct Defrag {
    /// Where etcd is.
    pub(crate) target: Target,
    /// All members, one after the other, the leader last; otherwise the first endpoint's alone.
    pub(crate) all: bool,
}

/// Defragments.
///
/// # Errors
/// When a member can't be spared or reached, or fails.
pub(crate) fn defrag(request: &Defrag, out: &Printer) -> Result<ExitStatus, Error> {
    let Reached { mut etcd, endpoints } = request.target.connect()?;
    let health = ClusterHealth::look(&mut etcd).map_err(unanswered)?;
    health.check_quorum()?;
    let leader = health.leader();
    let url = |m: &crate::etcd::MemberHealth| m.member.client_urls.first().cloned();
    let chosen: Vec<(String, u64)> = if request.all {
        let mut members: Vec<_> = health.members.iter().filter(|m| m.state == State::Healthy).collect();
        // When the leader is busy another may be elected: once, at the end.
        members.sort_by_key(|m| Some(m.member.id) == leader);
        members.into_iter().filter_map(|m| Some((url(m)?, m.member.id))).collect()
    } else {
        let first = endpoints.first().cloned().unwrap_or_default();
        let id = etcd.status(&first).map_err(unanswered)?.id;
        vec![(first, id)]
    };
    let mut results: Vec<Value> = vec![];
    for (url, id) in chosen {
        let before = etcd.status(&url).map_err(unanswered)?.db_size;
        out.log("etcd", format!("Defragmenting the database of member {id:x} at {url}"));
        etcd.defragment(&url).map_err(unanswered)?;
        let after = etcd.status(&url).map_err(unanswered)?.db_size;
        out.log(
            "etcd",
            format!("Defragmented member {id:x}: {} before, {} after", size(before), size(after)),
        );
        results.push(json!({ "id": format!("{id:x}"), "before": before, "after": after }));
    }
    out.result(json!({ "ok": true, "members": results }), "");
    Ok(ExitStatus::Done)
}

/// Shows the alarms, and ends them where that is asked for.
///
/// # Errors
/// When etcd is not known or refuses.
pub(crate) fn alarm(target: &Target, disarm: bool, out: &Printer) -> Result<ExitStatus, Error> {
    let mut etcd = target.connect()?.etcd;
    let alarms = etcd.alarms().map_err(unanswered)?;
    let mut text = String::new();
    for alarm in &alarms {
        text.push_str(&format!("{:x} {}\n", alarm.member, alarm.kind));
    }
    if disarm {
        for alarm in &alarms {
            etcd.disarm(*alarm).map_err(unanswered)?;
            out.log("etcd", format!("Disarmed {} of member {:x}", alarm.kind, alarm.member));
        }
        text.clear();
    } else if alarms.is_empty() {
        out.log("etcd", "No member has raised an alarm");
    }
    let objects: Vec<Value> = alarms
        .iter()
        .map(|a| json!({ "member": format!("{:x}", a.member), "alarm": a.kind.to_string() }))
        .collect();
    out.result(json!({ "ok": disarm || alarms.is_empty(), "disarmed": disarm, "alarms": objects }), &text);
    Ok(if disarm || alarms.is_empty() { ExitStatus::Done } else { ExitStatus::Unhealthy })
}
