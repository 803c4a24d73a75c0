//! etcd's rules. Source: etcd 3.6, `server/embed/config.go` (`Validate`), `server/embed/etcd.go`, `client/pkg/tlsutil`.

use super::super::kind;
use super::super::program::Program::Etcd;
use super::super::rule::{Judge, Range, Words, numeric, range};
use super::common::CIPHERS;
use crate::config::duration::GoDuration;

const fn one_of(flag: &'static str, words: &'static [&'static str]) -> Words {
    Words { program: Etcd, flag, words, list: false }
}

pub(in crate::components) const WORDS: &[Words] = &[
    one_of("auto-compaction-mode", &["periodic", "revision"]),
    one_of("initial-cluster-state", &["new", "existing"]),
    one_of(
        "log-level",
        &[
            "debug", "info", "warn", "error", "dpanic", "panic", "fatal", "DEBUG", "INFO", "WARN", "ERROR",
            "DPANIC", "PANIC", "FATAL",
        ],
    ),
    one_of("log-format", &["json", "console"]),
    one_of("logger", &["zap"]),
    one_of("tls-min-version", &["TLS1.2", "TLS1.3"]),
    one_of("tls-max-version", &["TLS1.2", "TLS1.3"]),
    Words { program: Etcd, flag: "cipher-suites", words: CIPHERS, list: true },
];

pub(in crate::components) const RANGES: &[Range] =
    &[range(Etcd, "heartbeat-interval", 1.0, f64::INFINITY), range(Etcd, "election-timeout", 1.0, 50000.0)];

/// Flags that became feature gates: etcd takes one of the two.
const GATES: &[(&str, &str)] = &[
    ("experimental-initial-corrupt-check", "InitialCorruptCheck"),
    ("experimental-compact-hash-check-enabled", "CompactHashCheck"),
    ("experimental-enable-lease-checkpoint", "LeaseCheckpoint"),
    ("experimental-enable-lease-checkpoint-persist", "LeaseCheckpointPersist"),
    ("experimental-stop-grpc-service-on-defrag", "StopGRPCServiceOnDefrag"),
    ("experimental-txn-mode-write-with-shared-buffer", "TxnModeWriteWithSharedBuffer"),
];

/// A larger quota is not recommended: etcd warns of it.
const MAX_QUOTA: f64 = 8.0 * 1024.0 * 1024.0 * 1024.0;

pub(in crate::components) fn rules(judge: &mut Judge<'_>, data_dir: &str) {
    let command = judge.command;
    let number = |name: &str, default: f64| command.value(name).map_or(Some(default), numeric);
    if let (Some(beat), Some(election)) =
        (number("heartbeat-interval", 100.0), number("election-timeout", 1000.0))
        && 5.0 * beat > election
        && let Some(given) = command.last("election-timeout").or(command.last("heartbeat-interval"))
    {
        let why = format!(
            "the election timeout of {election} ms must be at least 5 times the heartbeat interval of {beat} ms"
        );
        judge.refuse("flag-pair", given, why);
    }
    if let Some(given) = command.last("auto-compaction-retention").filter(|given| !given.value.is_empty()) {
        let whole = given.value.parse::<u64>().is_ok();
        if !whole && given.value.parse::<GoDuration>().is_err() {
            let why = format!(
                "{:?} is neither a number (hours, or revisions) nor a duration such as `30m`",
                given.value
            );
            judge.refuse("flag-type", given, why);
        }
    }
    if let Some(given) = command.last("quota-backend-bytes")
        && kind::number(&given.value).is_some_and(|bytes| bytes as f64 > MAX_QUOTA)
    {
        judge.doubt("flag-range", given, "etcd recommends 8 GiB (8589934592) at the most");
    }
    if let Some(given) = command.last("compact-hash-check-time")
        && numeric(&given.value).is_some_and(|seconds| seconds <= 0.0)
    {
        judge.refuse("flag-range", given, "must be longer than zero");
    }
    if let Some(given) = command.last("auth-token").filter(|given| !given.value.is_empty())
        && given.value != "simple"
        && !(given.value.starts_with("jwt,") && given.value.contains("sign-method="))
    {
        let why =
            format!("{:?} is neither `simple` nor `jwt,sign-method=…,priv-key=…,pub-key=…`", given.value);
        judge.refuse("flag-value", given, why);
    }
    if let Some(given) = command.last("initial-cluster-state").filter(|given| given.value == "existing") {
        judge.doubt(
            "contradiction",
            given,
            "etcd looks for the other members of an existing cluster, and ends where there are none: leave it out for a new cluster",
        );
    }
    addresses(judge);
    pairs(judge);
    if let Some(given) = command.last("data-dir")
        && command.is_users(given)
        && !std::path::Path::new(&given.value).starts_with(data_dir)
    {
        let why = format!(
            "{:?} is not in the directory that is mounted into etcd's Pod, {data_dir}: the data would be lost when the container ends; set `etcd.local.dataDir` instead",
            given.value
        );
        judge.doubt("contradiction", given, why);
    }
    let (name, cluster) = (command.value("name").unwrap_or("default"), command.value("initial-cluster"));
    if let Some(cluster) = cluster
        && !cluster
            .split(',')
            .any(|member| member.split('=').next().is_some_and(|member| member.trim() == name))
        && let Some(given) = ["initial-cluster", "name"]
            .iter()
            .find_map(|flag| command.last(flag).filter(|given| command.is_users(given)))
    {
        judge.refuse(
            "flag-pair",
            given,
            format!("`--initial-cluster` must name this member, {name:?} (`--name`)"),
        );
    }
}

/// Flags that etcd 3.7 has no more.
pub(in crate::components) fn experimental_is_gone(judge: &mut Judge<'_>) {
    for given in judge.command.flags.iter().filter(|given| given.name.starts_with("experimental-")) {
        judge.refuse("flag-unknown", given, "etcd 3.6 was the last that has it");
    }
}

fn addresses(judge: &mut Judge<'_>) {
    let command = judge.command;
    for flag in ["listen-peer-urls", "listen-client-urls", "listen-client-http-urls", "listen-metrics-urls"] {
        for (item, given) in command.items(flag) {
            if let Some((host, None)) = kind::url_host(item)
                && host != "localhost"
            {
                judge.refuse(
                    "flag-value",
                    given,
                    format!("{item:?}: the host to listen on must be an IP address"),
                );
            }
        }
    }
    for flag in ["initial-advertise-peer-urls", "advertise-client-urls"] {
        for (item, given) in command.items(flag) {
            if let Some(("", _)) = kind::url_host(item) {
                judge.refuse("flag-value", given, format!("{item:?} has no host"));
            }
        }
    }
}

/// An experimental flag beside the one that took its place.
fn pairs(judge: &mut Judge<'_>) {
    let command = judge.command;
    for given in command.flags.iter().filter(|given| given.name.starts_with("experimental-")) {
        let name = given.name.trim_start_matches("experimental-");
        if command.last(name).is_some() {
            judge.refuse(
                "flag-pair",
                given,
                format!("excludes `--{name}`, which took its place: use that one"),
            );
        }
    }
    for (flag, gate) in GATES {
        let gated = command.items("feature-gates").any(|(item, _)| item.split('=').next() == Some(*gate));
        if gated && let Some(given) = command.last(flag) {
            judge.refuse(
                "flag-pair",
                given,
                format!("excludes the feature gate {gate}, which is set in `--feature-gates`"),
            );
        }
    }
    let present: Vec<&str> = ["discovery", "initial-cluster", "discovery-srv", "discovery-endpoints"]
        .into_iter()
        .filter(|flag| command.has(flag))
        .collect();
    if let [first, .., last] = present.as_slice() {
        judge.exclude("flag-pair", last, format!("excludes `--{first}`"));
    }
}
