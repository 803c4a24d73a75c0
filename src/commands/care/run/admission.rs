//! Whether this node may be touched now: its turn among the cluster's nodes.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::super::AREA;
use super::super::cluster::{Turn, TurnError};
use super::request::Request;
use crate::care::due::{self, Plan};
use crate::certs::survey;
use crate::commands::certs::source::Source;
use crate::commands::this_node::take_up;
use crate::error::Error;
use crate::host::{Lock, RealHost};
use crate::output::Printer;

/// The name of `care run`, for those that it keeps out.
pub(super) const COMMAND: &str = "care run";
/// How long until the turn is asked for again.
const PAUSE: Duration = Duration::from_secs(3);

/// Takes the lock of this machine and, where something is due, this node's turn. While another node has its turn, others
/// may work on this machine.
pub(super) fn wait_for_turn(
    request: &Request,
    source: &Source,
    host: &RealHost,
    turn: Option<&Turn<'_>>,
    out: &Printer,
) -> Result<(Lock, Plan, Admission), Error> {
    let begin = Instant::now();
    let mut told = false;
    loop {
        let lock = source.lock(COMMAND)?;
        take_up(host, AREA, out)?;
        let plan = due::plan(&survey(&source.pki, host)?, source.validity, OffsetDateTime::now_utc());
        let admission = if plan.is_due() {
            admission(turn.map(Turn::take), plan.expired, out)
        } else {
            Admission::Granted
        };
        match &admission {
            Admission::Postponed(why) if begin.elapsed() < request.turn_timeout => {
                drop(lock);
                if !told {
                    out.log(AREA, format!("Waiting for this node's turn: {why}"));
                }
                told = true;
                std::thread::sleep(PAUSE);
            }
            _ => return Ok((lock, plan, admission)),
        }
    }
}

/// Whether this node may be touched now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may.
    Granted,
    /// Another node has its turn, and what is due has time.
    Postponed(String),
    /// It may not, which is a failure.
    Refused(String),
}

/// Whether this node may be touched now. Without the cluster nobody knows whose turn it is: then only what has expired is
/// reason enough, as the cluster may be down for it.
pub(super) fn admission(turn: Option<Result<(), TurnError>>, expired: bool, out: &Printer) -> Admission {
    match turn {
        Some(Ok(())) => Admission::Granted,
        None => {
            out.warn(
                AREA,
                "going on without asking for a turn: there is no kubeconfig to ask the cluster with",
            );
            Admission::Granted
        }
        Some(Err(error @ TurnError::Cluster(_))) if expired => {
            out.warn(AREA, format!("going on without a turn, as a certificate has expired: {error}"));
            Admission::Granted
        }
        Some(Err(error @ TurnError::Cluster(_))) => Admission::Refused(error.to_string()),
        Some(Err(error)) => Admission::Postponed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_cluster_only_what_has_expired_is_renewed() {
        let out = Printer::new(crate::output::Format::Text);
        let silent = || Some(Err(TurnError::Cluster(kube::Error::LinesCodecMaxLineLengthExceeded)));
        assert!(matches!(admission(silent(), false, &out), Admission::Refused(_)));
        assert_eq!(admission(silent(), true, &out), Admission::Granted);
        assert!(matches!(admission(Some(Err(TurnError::Raced)), true, &out), Admission::Postponed(_)));
        assert_eq!(admission(None, false, &out), Admission::Granted);
    }
}
