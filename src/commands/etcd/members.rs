//! `etcd members`.

use serde_json::{Value, json};

use super::{Target, unanswered};
use crate::error::Error;
use crate::etcd::{Etcd, Member};
use crate::exit_status::ExitStatus;
use crate::output::Printer;
use crate::output::table::columns;

/// Lists the members.
///
/// # Errors
/// When etcd is not known, does not answer, or has no quorum.
pub(crate) fn run(target: &Target, out: &Printer) -> Result<ExitStatus, Error> {
    let members = target.connect()?.etcd.members().map_err(unanswered)?;
    let json: Vec<Value> = members.iter().map(object).collect();
    out.result(json!({ "ok": true, "members": json }), &text(&members));
    Ok(ExitStatus::Done)
}

/// A member for machines; ids as etcd's tools print them.
pub(super) fn object(member: &Member) -> Value {
    json!({
        "name": member.name,
        "id": format!("{:x}", member.id),
        "peerURLs": member.peer_urls,
        "clientURLs": member.client_urls,
        "learner": member.is_learner,
        "started": member.has_started(),
    })
}

fn text(members: &[Member]) -> String {
    let mut rows = vec![["NAME", "ID", "ROLE", "PEER URLS", "CLIENT URLS"].map(str::to_owned)];
    for member in members {
        let role = match (member.has_started(), member.is_learner) {
            (false, _) => "not started",
            (true, true) => "learner",
            (true, false) => "voting",
        };
        rows.push([
            member.name.clone(),
            format!("{:x}", member.id),
            role.into(),
            member.peer_urls.join(","),
            member.client_urls.join(","),
        ]);
    }
    columns(&rows)
}
