//! Rules that several components share: serving, logging, leader election, feature gates.
//!
//! Source: `apiserver/pkg/server/options` (serving, authentication), `component-base` (cli/flag, logs/api/v1, config),
//! `client-go/tools/leaderelection`.

use super::super::gates;
use super::super::program::Program::{self, ApiServer, ControllerManager, Kubelet, Scheduler};
use super::super::rule::{Judge, Range, Words, numeric, range};

/// Go's cipher suites, with Kubernetes' old names of two.
pub(in crate::components) const CIPHERS: &[&str] = &[
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_RC4_128_SHA",
];

/// The versions of TLS.
pub(in crate::components) const TLS_VERSIONS: &[&str] =
    &["VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13"];

const fn one_of(program: Program, flag: &'static str, words: &'static [&'static str]) -> Words {
    Words { program, flag, words, list: false }
}

const fn some_of(program: Program, flag: &'static str, words: &'static [&'static str]) -> Words {
    Words { program, flag, words, list: true }
}

pub(in crate::components) const WORDS: &[Words] = &[
    some_of(ApiServer, "tls-cipher-suites", CIPHERS),
    some_of(ControllerManager, "tls-cipher-suites", CIPHERS),
    some_of(Scheduler, "tls-cipher-suites", CIPHERS),
    some_of(Kubelet, "tls-cipher-suites", CIPHERS),
    one_of(ApiServer, "tls-min-version", TLS_VERSIONS),
    one_of(ControllerManager, "tls-min-version", TLS_VERSIONS),
    one_of(Scheduler, "tls-min-version", TLS_VERSIONS),
    one_of(Kubelet, "tls-min-version", TLS_VERSIONS),
    one_of(ApiServer, "logging-format", &["text", "json"]),
    one_of(ControllerManager, "logging-format", &["text", "json"]),
    one_of(Scheduler, "logging-format", &["text", "json"]),
    one_of(Kubelet, "logging-format", &["text", "json"]),
    one_of(ControllerManager, "leader-elect-resource-lock", &["leases"]),
    one_of(Scheduler, "leader-elect-resource-lock", &["leases"]),
];

pub(in crate::components) const RANGES: &[Range] = &[
    range(ApiServer, "secure-port", 1.0, 65535.0),
    range(ControllerManager, "secure-port", 0.0, 65535.0),
    range(Scheduler, "secure-port", 0.0, 65535.0),
];

/// Feature gates in a flag.
pub(in crate::components) fn feature_gates(judge: &mut Judge<'_>) {
    let command = judge.command;
    let component = command.program.name();
    if command.program == Program::Etcd || command.has("emulated-version") {
        return;
    }
    for given in command.all("feature-gates") {
        let (set, wrong) = gates::of_flag(&given.value, component);
        for why in wrong {
            judge.refuse("flag-type", given, why);
        }
        for (name, on) in set {
            match gates::check(&name, on, command.minor, component) {
                Some((true, why)) => judge.refuse("feature-gate", given, why),
                Some((false, why)) => judge.doubt("feature-gate", given, why),
                None => {}
            }
        }
    }
    if let Some(given) = command.last("feature-gates") {
        for (_, why) in gates::unmet(&set_gates(judge), command.minor) {
            judge.refuse("feature-gate", given, why);
        }
    }
}

/// The gates that are set by a flag.
pub(in crate::components) fn set_gates(judge: &Judge<'_>) -> Vec<(String, bool)> {
    let command = judge.command;
    let all = command.all("feature-gates").map(|given| given.value.as_str()).collect::<Vec<_>>().join(",");
    gates::of_flag(&all, command.program.name()).0
}

/// How far a leader's three times must lie apart: `LeaseDuration > RenewDeadline > 1.2 × RetryPeriod`.
pub(in crate::components) fn leader_election(judge: &mut Judge<'_>) {
    let command = judge.command;
    let elects =
        command.value("leader-elect").is_none_or(|value| super::super::kind::boolean(value) != Ok(false));
    if !matches!(command.program, ControllerManager | Scheduler) || !elects {
        return;
    }
    let seconds = |name: &str, default: f64| command.value(name).map_or(Some(default), numeric);
    let (Some(lease), Some(renew), Some(retry)) = (
        seconds("leader-elect-lease-duration", 15.0),
        seconds("leader-elect-renew-deadline", 10.0),
        seconds("leader-elect-retry-period", 2.0),
    ) else {
        return;
    };
    for name in ["leader-elect-renew-deadline", "leader-elect-retry-period"] {
        if let Some(given) = command.last(name)
            && numeric(&given.value).is_some_and(|seconds| seconds <= 0.0)
        {
            judge.refuse("flag-range", given, "must be longer than zero");
        }
    }
    if let Some(given) = command.last("leader-elect-resource-lock").filter(|given| given.value.is_empty()) {
        judge.refuse("flag-value", given, "must be leases");
    }
    let given = |names: [&str; 2]| names.into_iter().find_map(|name| command.last(name));
    if lease <= renew
        && let Some(given) = given(["leader-elect-lease-duration", "leader-elect-renew-deadline"])
    {
        judge.refuse(
            "flag-pair",
            given,
            format!("the lease lasts {lease}s, which must be longer than the renew deadline of {renew}s (`leader-elect-renew-deadline`)"),
        );
    }
    if renew <= 1.2 * retry
        && let Some(given) = given(["leader-elect-renew-deadline", "leader-elect-retry-period"])
    {
        judge.refuse(
            "flag-pair",
            given,
            format!("the renew deadline is {renew}s, which must be more than 1.2 times the retry period of {retry}s (`leader-elect-retry-period`)"),
        );
    }
}

/// Lists that must not hold blank items.
pub(in crate::components) fn request_headers(judge: &mut Judge<'_>) {
    let command = judge.command;
    for name in [
        "requestheader-username-headers",
        "requestheader-group-headers",
        "requestheader-extra-headers-prefix",
        "requestheader-allowed-names",
        "requestheader-uid-headers",
    ] {
        for (item, given) in command.items(name) {
            if item.trim().is_empty() {
                judge.refuse("flag-value", given, "an item of the list is blank");
            }
        }
    }
}

/// Hidden metrics are shown for the minor before alone.
pub(in crate::components) fn hidden_metrics(judge: &mut Judge<'_>) {
    let command = judge.command;
    if let Some(given) = command.last("show-hidden-metrics-for-version")
        && let Err(why) = hidden_metrics_version(&given.value, command.minor)
    {
        judge.refuse("flag-value", given, why);
    }
}

/// What may stand for the version whose hidden metrics are shown.
pub(in crate::components) fn hidden_metrics_version(version: &str, minor: u64) -> Result<(), String> {
    let before = format!("1.{}", minor.saturating_sub(1));
    if version.is_empty() || version == before {
        return Ok(());
    }
    Err(format!("{version:?} must be {before}, the minor before"))
}

/// Options of logging that are alpha.
const ALPHA_LOGGING: [&str; 4] = [
    "log-text-split-stream",
    "log-text-info-buffer-size",
    "log-json-split-stream",
    "log-json-info-buffer-size",
];

/// Log formats other than text take no `vmodule`.
pub(in crate::components) fn logging(judge: &mut Judge<'_>) {
    let command = judge.command;
    let set = set_gates(judge);
    if command.minor <= 36 && !gates::enabled(&set, "LoggingAlphaOptions", command.minor) {
        for given in ALPHA_LOGGING.iter().filter_map(|flag| command.last(flag)) {
            let off = given.value == "0" || super::super::kind::boolean(&given.value) == Ok(false);
            if !off {
                judge.refuse("flag-pair", given, "needs the feature gate LoggingAlphaOptions");
            }
        }
    }
    if let Some(given) = command.last("logging-format").filter(|given| given.value.is_empty()) {
        judge.refuse("flag-value", given, "must be text or json");
    }
    if command.value("logging-format").is_some_and(|format| format != "text") {
        judge.exclude("flag-pair", "vmodule", "works with `logging-format` text only");
    }
    if let Some(given) = command.last("log-flush-frequency")
        && numeric(&given.value).is_some_and(|seconds| seconds <= 0.0)
    {
        judge.refuse("flag-range", given, "must be longer than zero");
    }
}

/// The suites that HTTP/2 needs, one of them at least.
const HTTP2: [&str; 2] = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"];

/// What is missing in a list of cipher suites for HTTP/2, which is refused when serving begins
/// (`golang.org/x/net/http2`, `ConfigureServer`).
pub(in crate::components) fn without_http2<'a>(
    suites: impl IntoIterator<Item = &'a str>,
    min_version: &str,
) -> Option<String> {
    let mut suites = suites.into_iter().peekable();
    suites.peek()?;
    let missing = min_version != "VersionTLS13" && !suites.any(|suite| HTTP2.contains(&suite));
    missing.then(|| format!("must have {}, which HTTP/2 needs", HTTP2.join(" or ")))
}

/// The servers of the components speak HTTP/2.
pub(in crate::components) fn http2(judge: &mut Judge<'_>) {
    let command = judge.command;
    if command.is_true("disable-http2-serving") {
        return;
    }
    let suites = command.items("tls-cipher-suites").map(|(suite, _)| suite);
    let why = without_http2(suites, command.value("tls-min-version").unwrap_or_default());
    if let (Some(why), Some(given)) = (why, command.last("tls-cipher-suites")) {
        judge.refuse("flag-value", given, why);
    }
}

/// The versions that this one can stand in for. Source: `component-base/compatibility`.
pub(in crate::components) fn emulation(judge: &mut Judge<'_>) {
    let command = judge.command;
    let own = command.minor;
    // Three minors back, and not before 1.31.
    let least = own.saturating_sub(3).max(31);
    let mut emulated = own;
    for given in command.all("emulated-version") {
        for item in given.value.split(',').filter(|item| !item.is_empty()) {
            let version = item.trim().trim_start_matches("kube=");
            let minor =
                version.trim_start_matches('v').strip_prefix("1.").and_then(|minor| minor.parse().ok());
            match minor {
                Some(minor) if (least..=own).contains(&minor) => emulated = minor,
                Some(_) => {
                    judge.refuse("flag-range", given, format!("{version} must be 1.{least} to 1.{own}"));
                }
                None => {}
            }
        }
    }
    for flag in ["runtime-config-emulation-forward-compatible", "emulation-forward-compatible"] {
        if let Some(given) = command.last(flag).filter(|_| command.is_true(flag) && emulated == own) {
            judge.refuse("flag-pair", given, "needs an earlier `--emulated-version`");
        }
    }
}

/// A client that asks at a rate has a burst.
pub(in crate::components) fn client(judge: &mut Judge<'_>) {
    let command = judge.command;
    let rate = command.value("kube-api-qps").and_then(numeric).unwrap_or(1.0);
    if let Some(given) = command.last("kube-api-burst")
        && rate > 0.0
        && numeric(&given.value).is_some_and(|burst| burst < 0.0)
    {
        judge.refuse("flag-range", given, "must not be negative");
    }
}

/// A certificate and its key are given together.
pub(in crate::components) fn serving_pair(judge: &mut Judge<'_>) {
    let command = judge.command;
    let (cert, key) = ("tls-cert-file", "tls-private-key-file");
    for (flag, other) in [(cert, key), (key, cert)] {
        if !command.has(other) {
            judge.exclude("flag-pair", flag, format!("needs `--{other}`"));
        }
    }
}
