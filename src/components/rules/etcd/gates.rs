//! etcd's feature gates. Source: etcd 3.6, `server/features/etcd_features.go`.

use super::super::super::kind::boolean;
use super::super::super::rule::{Judge, unknown_word};

const GATES: &[&str] = &[
    "AllAlpha",
    "AllBeta",
    "CompactHashCheck",
    "InitialCorruptCheck",
    "LeaseCheckpoint",
    "LeaseCheckpointPersist",
    "SetMemberLocalAddr",
    "StopGRPCServiceOnDefrag",
    "TxnModeWriteWithSharedBuffer",
];

pub(super) fn rules(judge: &mut Judge<'_>) {
    let command = judge.command;
    for (item, given) in command.items("feature-gates").filter(|(item, _)| !item.trim().is_empty()) {
        let Some((name, on)) = item.split_once('=') else {
            judge.refuse("flag-type", given, format!("{item:?} is not a pair: write `{}=true`", item.trim()));
            continue;
        };
        if let Err(why) = boolean(on.trim()) {
            judge.refuse("flag-type", given, format!("{item:?}: {why}"));
        } else if !GATES.contains(&name.trim()) {
            let why = unknown_word(name.trim(), GATES);
            judge.refuse("flag-value", given, why);
        }
    }
}
