//! Evidence from this machine.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::evidence::{ComponentEvidence, Evidence, KubeletEvidence};
use crate::health::{ComponentState, Snapshot};
use crate::host::Host;
use crate::host::cri::log;

/// How many of a container's last lines to read: a usage text may stand before them, or after.
const LAST_LINES: usize = 400;

/// Evidence for what `snapshot` shows, with what kubelet logged since `since` and what containers said last.
pub fn gather(snapshot: &Snapshot, host: &dyn Host, since: SystemTime) -> Evidence {
    let init = host.init_system();
    let kubelet = KubeletEvidence {
        health: snapshot.kubelet.clone(),
        active: init.map(|init| init.state("kubelet").active),
        log: init.map(|init| init.recent_log("kubelet", since)).unwrap_or_default(),
    };
    let components: BTreeMap<_, _> =
        snapshot.components.iter().map(|(component, state)| (*component, of(state))).collect();
    Evidence { kubelet, runtime: snapshot.runtime.clone(), components }
}

fn age(created_at_ns: i64) -> u64 {
    let created = Duration::from_nanos(u64::try_from(created_at_ns).unwrap_or_default());
    (SystemTime::UNIX_EPOCH + created).elapsed().map_or(0, |age| age.as_secs())
}

fn of(state: &ComponentState) -> ComponentEvidence {
    let told = state.ended.as_ref().or(state.container.as_ref());
    let path = told.and_then(|c| c.log.as_ref());
    let log = path.and_then(|path| log::tail(path, LAST_LINES).ok()).unwrap_or_default();
    ComponentEvidence {
        stage: state.stage,
        health: state.health.clone(),
        starts: state.container.as_ref().map_or(0, |c| c.attempt + 1),
        age: state.container.as_ref().map_or(0, |c| age(c.created_at_ns)),
        exit_code: state.ended.as_ref().and_then(|c| c.exit_code),
        reason: told.map(|c| c.reason.clone()).unwrap_or_default(),
        log: log.into_iter().map(|line| line.text).collect(),
    }
}
