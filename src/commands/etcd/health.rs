//! `etcd health`.

use serde_json::{Value, json};

use super::members::object;
use super::{Target, size, unanswered};
use crate::error::Error;
use crate::etcd::{ClusterHealth, Etcd, MemberHealth, State};
use crate::exit_status::ExitStatus;
use crate::output::Printer;
use crate::output::table::columns;

/// Shows how each member stands, and whether the cluster serves.
///
/// # Errors
/// When etcd is not known, or no member answers.
pub(crate) fn run(target: &Target, out: &Printer) -> Result<ExitStatus, Error> {
    let mut etcd = target.connect()?.etcd;
    let health =
        ClusterHealth::look(&mut etcd).map_err(|e| unanswered(e).with_status(ExitStatus::Unhealthy))?;
    // Members that answer prove nothing: a majority has to agree on something.
    let serves = etcd.check_quorum();
    let quorum = health.check_quorum();
    let is_healthy = serves.is_ok()
        && quorum.is_ok()
        && health.alarms.is_empty()
        && health.members.iter().all(|m| m.state == State::Healthy);
    let mut text = table(&health);
    let mut line = |line: String| text.push_str(&(line + "\n"));
    match (&quorum, &serves) {
        (Err(lost), _) => line(format!("\n{lost}")),
        (Ok(()), Err(error)) => line(format!("\netcd does not serve: {error}")),
        (Ok(()), Ok(())) => match health.may_fail() {
            0 => line("\netcd has a quorum; it is lost when one more voting member fails".into()),
            1 => line("\netcd has a quorum; 1 voting member may fail".into()),
            count => line(format!("\netcd has a quorum; {count} voting members may fail")),
        },
    }
    for alarm in &health.alarms {
        line(format!("member {:x} has raised the alarm {}", alarm.member, alarm.kind));
    }
    for member in health.members.iter().filter(|m| m.state != State::Healthy) {
        line(format!("{} {}", member.member.display_name(), member.state));
    }
    let data = json!({
        "ok": is_healthy,
        "quorum": quorum.is_ok() && serves.is_ok(),
        "mayFail": health.may_fail(),
        "members": health.members.iter().map(|m| of_member(&health, m)).collect::<Vec<_>>(),
        "alarms": health
            .alarms
            .iter()
            .map(|a| json!({ "member": format!("{:x}", a.member), "alarm": a.kind.to_string() }))
            .collect::<Vec<_>>(),
    });
    out.result(data, &text);
    Ok(if is_healthy { ExitStatus::Done } else { ExitStatus::Unhealthy })
}

fn of_member(health: &ClusterHealth, member: &MemberHealth) -> Value {
    let mut value = object(&member.member);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("healthy".into(), json!(member.state == State::Healthy));
        fields.insert("state".into(), json!(member.state.to_string()));
        fields.insert("leader".into(), json!(health.leader() == Some(member.member.id)));
        if let Some(status) = &member.status {
            fields.insert("version".into(), json!(status.version));
            fields.insert("dbSize".into(), json!(status.db_size));
            fields.insert("dbSizeInUse".into(), json!(status.db_size_in_use));
            fields.insert("raftIndex".into(), json!(status.raft_index));
            fields.insert("raftAppliedIndex".into(), json!(status.raft_applied_index));
        }
    }
    value
}

fn table(health: &ClusterHealth) -> String {
    let head = ["NAME", "ID", "HEALTHY", "ROLE", "VERSION", "DB SIZE", "IN USE", "RAFT INDEX"];
    let mut rows = vec![head.map(str::to_owned)];
    for member in &health.members {
        let of =
            |show: fn(&crate::etcd::Status) -> String| member.status.as_ref().map(show).unwrap_or_default();
        let role = match () {
            () if member.member.is_learner => "learner",
            () if health.leader() == Some(member.member.id) => "leader",
            () => "follower",
        };
        rows.push([
            member.member.name.clone(),
            format!("{:x}", member.member.id),
            if member.state == State::Healthy { "yes" } else { "no" }.into(),
            role.into(),
            of(|s| s.version.clone()),
            of(|s| size(s.db_size)),
            of(|s| size(s.db_size_in_use)),
            of(|s| s.raft_index.to_string()),
        ]);
    }
    columns(&rows)
}
