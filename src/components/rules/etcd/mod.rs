//! etcd's rules. Source: etcd 3.6, `server/embed/config.go` (`Validate`), `server/embed/etcd.go`, `server/etcdmain`,
//! `client/pkg/tlsutil`, `server/auth/options.go`.

mod gates;
mod log;
mod members;
mod tls;

use super::super::kind;
use super::super::program::Program::Etcd;
use super::super::rule::{Judge, NO_LIMIT, Range, Words, numeric, range, unknown_word};
use super::common::CIPHERS;
use crate::config::duration::GoDuration;
use crate::config::etcd_version;
use crate::config::release::RELEASES;

const fn one_of(flag: &'static str, words: &'static [&'static str]) -> Words {
    Words { program: Etcd, flag, words, list: false }
}

pub(in crate::components) const WORDS: &[Words] = &[
    one_of("auto-compaction-mode", &["periodic", "revision"]),
    one_of("initial-cluster-state", &["new", "existing"]),
    one_of("log-format", &["json", "console"]),
    one_of("logger", &["zap"]),
    one_of("tls-min-version", &["TLS1.2", "TLS1.3"]),
    one_of("tls-max-version", &["TLS1.2", "TLS1.3"]),
    Words { program: Etcd, flag: "cipher-suites", words: CIPHERS, list: true },
];

pub(in crate::components) const WORDS_SINCE_3_6: &[Words] = &[
    one_of("discovery-fallback", &["exit"]),
    one_of("v2-deprecation", &["write-only", "write-only-drop-data", "gone"]),
];

pub(in crate::components) const WORDS_OF_3_5: &[Words] = &[
    one_of("discovery-fallback", &["exit", "proxy"]),
    one_of("proxy", &["off", "readonly", "on"]),
    one_of("v2-deprecation", &["not-yet", "write-only", "write-only-drop-data", "gone"]),
];

/// The minor of etcd 3 by the tag of its image, else what a minor of Kubernetes comes with; none where the tag does not
/// tell it.
pub(in crate::components) fn minor(tag: &str, kubernetes: u64) -> Option<u64> {
    let of_release = || RELEASES.iter().find(|release| release.minor == kubernetes)?.etcd.last();
    let tag = if tag.is_empty() { of_release()?.1 } else { tag };
    etcd_version(tag).filter(|(major, ..)| *major == 3).map(|(_, minor, _)| minor)
}

pub(in crate::components) const RANGES: &[Range] = &[
    range(Etcd, "heartbeat-interval", 1.0, NO_LIMIT),
    range(Etcd, "election-timeout", 1.0, 50000.0),
    range(Etcd, "max-learners", 0.0, NO_LIMIT),
];

/// Flags whose empty value is not their default.
const NOT_EMPTY: &[&str] =
    &["auto-compaction-mode", "initial-cluster-state", "cipher-suites", "log-outputs", "initial-cluster"];

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

/// `tag` is that of its image. `made_up`: the node's name or address is only a stand-in for a machine's.
pub(in crate::components) fn rules(judge: &mut Judge<'_>, tag: &str, data_dir: &str, made_up: bool) {
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
        let negative = |value: &str| value.parse::<GoDuration>().is_ok_and(|duration| duration.0 < 0);
        // Hours are nanoseconds in 63 bits.
        let periodic = command.value("auto-compaction-mode").is_none_or(|mode| mode == "periodic");
        if periodic && given.value.parse::<u64>().is_ok_and(|hours| hours > 2_562_047) {
            judge.refuse("flag-range", given, "is out of range: 0 to 2562047 hours");
        } else if !whole && negative(&given.value) {
            judge.refuse("flag-range", given, "must not be negative");
        } else if !whole && given.value.parse::<GoDuration>().is_err() {
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
    auth_token(judge);
    tracing(judge);
    if let Some(given) = command.last("initial-cluster-state").filter(|given| given.value == "existing") {
        judge.doubt(
            "contradiction",
            given,
            "etcd looks for the other members of an existing cluster, and exits if there are none: leave it out for a new cluster",
        );
    }
    let old = minor(tag, command.minor) == Some(5);
    let not_empty = NOT_EMPTY.iter().filter(|flag| !(old && **flag == "auto-compaction-mode"));
    for given in not_empty.filter_map(|flag| command.last(flag)).filter(|g| g.value.is_empty()) {
        judge.refuse("flag-value", given, "must not be empty");
    }
    addresses(judge);
    pairs(judge);
    gates::rules(judge);
    log::rules(judge, tag);
    tls::rules(judge);
    members::rules(judge, made_up);
    if let Some(given) = command.last("data-dir")
        && command.is_users(given)
        && !std::path::Path::new(&given.value).starts_with(data_dir)
    {
        let why = format!(
            "{:?} is not in the directory that is mounted into etcd's Pod, {data_dir}: the data would be lost when the container exits; set `etcd.local.dataDir` instead",
            given.value
        );
        judge.doubt("contradiction", given, why);
    }
}

/// Flags that etcd 3.7 has no more.
pub(in crate::components) fn experimental_is_gone(judge: &mut Judge<'_>) {
    for given in judge.command.flags.iter().filter(|given| given.name.starts_with("experimental-")) {
        judge.refuse("flag-unknown", given, "etcd 3.6 was the last that had it");
    }
}

fn addresses(judge: &mut Judge<'_>) {
    let command = judge.command;
    for flag in ["listen-peer-urls", "listen-client-urls", "listen-client-http-urls", "listen-metrics-urls"] {
        for (item, given) in command.items(flag) {
            let Some((host, address, port)) = kind::url_host(item) else { continue };
            if address.is_none() && host != "localhost" {
                let why = format!("{item:?}: the host to listen on must be an IP address");
                judge.refuse("flag-value", given, why);
            } else if port.parse::<u16>().is_err() {
                judge.refuse("flag-value", given, format!("{item:?}: the port must be 0 to 65535"));
            }
        }
    }
    for flag in ["initial-advertise-peer-urls", "advertise-client-urls"] {
        for (item, given) in command.items(flag) {
            if let Some((host, ..)) = kind::url_host(item)
                && host.is_empty()
            {
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
    for (flag, other) in
        [("discovery-token", "discovery-endpoints"), ("discovery-endpoints", "discovery-token")]
    {
        if !command.has(other) {
            judge.exclude("flag-pair", flag, format!("needs `--{other}`"));
        }
    }
}

/// How a token may be signed (`golang-jwt`).
const SIGN_METHODS: &[&str] = &[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256",
    "HS384", "HS512",
];

fn auth_token(judge: &mut Judge<'_>) {
    let Some(given) = judge.command.last("auth-token") else { return };
    let (kind, options) = given.value.split_once(',').unwrap_or((&given.value, ""));
    if given.value.is_empty() || given.value == "simple" {
        return;
    }
    let option = |name: &str| {
        options
            .split(',')
            .filter_map(|option| option.split_once('='))
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v)
    };
    let method = option("sign-method");
    let why = match method {
        Some(method) if kind == "jwt" && !SIGN_METHODS.contains(&method) => {
            format!("sign-method {}", unknown_word(method, SIGN_METHODS))
        }
        Some(_) if kind == "jwt" && option("pub-key").or(option("priv-key")).is_some() => return,
        _ => format!("{:?} is neither `simple` nor `jwt,sign-method=…,priv-key=…,pub-key=…`", given.value),
    };
    judge.refuse("flag-value", given, why);
}

/// Spans of a million requests.
fn tracing(judge: &mut Judge<'_>) {
    let command = judge.command;
    let enabled = ["enable-distributed-tracing", "experimental-enable-distributed-tracing"];
    if !enabled.iter().any(|flag| command.is_true(flag)) {
        return;
    }
    for flag in ["distributed-tracing-sampling-rate", "experimental-distributed-tracing-sampling-rate"] {
        if let Some(given) = command.last(flag)
            && kind::number(&given.value).is_some_and(|rate| !(0..=1_000_000).contains(&rate))
        {
            judge.refuse("flag-range", given, format!("{} is out of range: 0 to 1000000", given.value));
        }
    }
}
