//! kube-apiserver's own rules. Source: `Validate` in `cmd/kube-apiserver/app/options`,
//! `pkg/controlplane/apiserver/options`, `pkg/kubeapiserver/options` and `apiserver/pkg/server/options`.

mod access;
mod audit;
mod services;
mod storage;

use super::super::gates;
use super::super::kind::boolean;
use super::super::program::Program::ApiServer;
use super::super::rule::{Judge, NO_LIMIT, Range, Words, numeric, range, unknown_word};
use super::common::set_gates;
pub(in crate::components) use access::MODES;
use access::{authorization, service_accounts};
use audit::audit;
use services::ports;
use storage::{encryption, storage};

const fn one_of(flag: &'static str, words: &'static [&'static str]) -> Words {
    Words { program: ApiServer, flag, words, list: false }
}

pub(in crate::components) const WORDS: &[Words] = &[
    one_of("endpoint-reconciler-type", &["master-count", "lease", "none"]),
    one_of("storage-backend", &["etcd3"]),
];

const fn with(flag: &'static str, least: f64, with: &'static str) -> Range {
    Range { program: ApiServer, flag, least, most: NO_LIMIT, with: Some(with) }
}

pub(in crate::components) const RANGES: &[Range] = &[
    range(ApiServer, "goaway-chance", 0.0, 0.02),
    range(ApiServer, "livez-grace-period", 0.0, NO_LIMIT),
    range(ApiServer, "max-requests-inflight", 0.0, NO_LIMIT),
    range(ApiServer, "max-mutating-requests-inflight", 0.0, NO_LIMIT),
    range(ApiServer, "request-timeout", 0.0, NO_LIMIT),
    range(ApiServer, "min-request-timeout", 0.0, NO_LIMIT),
    range(ApiServer, "storage-initialization-timeout", 0.0, NO_LIMIT),
    range(ApiServer, "shutdown-delay-duration", 0.0, NO_LIMIT),
    range(ApiServer, "shutdown-watch-termination-grace-period", 0.0, NO_LIMIT),
    range(ApiServer, "kubernetes-service-node-port", 0.0, 65535.0),
    range(ApiServer, "apiserver-count", 1.0, NO_LIMIT),
    with("audit-log-maxage", 0.0, "audit-log-path"),
    with("audit-log-maxbackup", 0.0, "audit-log-path"),
    with("audit-log-maxsize", 0.0, "audit-log-path"),
];

pub(in crate::components) fn rules(judge: &mut Judge<'_>, made_up_address: bool) {
    authorization(judge);
    audit(judge);
    encryption(judge);
    inflight(judge);
    service_accounts(judge);
    ports(judge, made_up_address);
    peers(judge);
    leadership(judge);
    headers(judge);
    storage(judge);
    kubelets(judge);
}

/// Priority and fairness shares out the sum of the two limits.
fn inflight(judge: &mut Judge<'_>) {
    let command = judge.command;
    let (reads, writes) = ("max-requests-inflight", "max-mutating-requests-inflight");
    let off = |flag: &str| command.value(flag).and_then(numeric) == Some(0.0);
    let fair = command.value("enable-priority-and-fairness").is_none_or(|value| boolean(value) != Ok(false));
    if fair && off(reads) && off(writes) {
        judge.exclude("flag-pair", writes, format!("must not be 0 together with `--{reads}`"));
    }
}

fn peers(judge: &mut Judge<'_>) {
    let command = judge.command;
    let set = set_gates(judge);
    let gate = "UnknownVersionInteroperabilityProxy";
    if command.minor <= 36 && !gates::enabled(&set, gate, command.minor) {
        for flag in ["peer-ca-file", "peer-advertise-ip", "peer-advertise-port"] {
            judge.exclude("flag-pair", flag, format!("needs the feature gate {gate}"));
        }
    }
}

fn leadership(judge: &mut Judge<'_>) {
    let command = judge.command;
    let seconds = |name: &str, default: f64| {
        command.value(&format!("coordinated-leadership-{name}")).map_or(Some(default), numeric)
    };
    let (Some(lease), Some(renew), Some(retry)) =
        (seconds("lease-duration", 15.0), seconds("renew-deadline", 10.0), seconds("retry-period", 2.0))
    else {
        return;
    };
    let given = |names: [&str; 2]| {
        names.into_iter().find_map(|name| command.last(&format!("coordinated-leadership-{name}")).cloned())
    };
    if lease <= renew
        && let Some(given) = given(["lease-duration", "renew-deadline"])
    {
        judge.refuse(
            "flag-pair",
            &given,
            format!("the lease of {lease}s must be longer than the renew deadline of {renew}s"),
        );
    }
    if renew <= retry
        && let Some(given) = given(["renew-deadline", "retry-period"])
    {
        judge.refuse(
            "flag-pair",
            &given,
            format!("the renew deadline of {renew}s must be longer than the retry period of {retry}s"),
        );
    }
}

fn headers(judge: &mut Judge<'_>) {
    let command = judge.command;
    for (directive, given) in command.items("strict-transport-security-directives") {
        let age =
            directive.split_once('=').is_some_and(|(name, value)| name == "max-age" && !value.contains('='));
        if !age && !["includeSubDomains", "preload"].contains(&directive) {
            let why =
                format!("{directive:?} is not one of `max-age=SECONDS`, `includeSubDomains`, `preload`");
            judge.refuse("flag-value", given, why);
        }
    }
    for (origin, given) in command.items("cors-allowed-origins") {
        let pinned = (origin.contains('^') || origin.contains("//")) && origin.contains(['$', ':']);
        if !pinned {
            let why = format!(
                "{origin:?} must pin the start and the end of the host: `^https?://example\\.org(:|$)`"
            );
            judge.refuse("flag-value", given, why);
        }
    }
    let upper: Vec<String> =
        command.items("requestheader-uid-headers").map(|(item, _)| item.to_lowercase()).collect();
    if let Some(given) = command.last("requestheader-uid-headers").filter(|given| !given.value.is_empty())
        && !upper.iter().any(|item| item == "x-remote-uid")
    {
        judge.refuse("flag-value", given, "must name X-Remote-Uid");
    }
    if let Some(given) = command.last("anonymous-auth")
        && boolean(&given.value) == Ok(true)
        && command
            .value("authorization-mode")
            .is_some_and(|modes| modes.split(',').any(|m| m == "AlwaysAllow"))
    {
        judge.doubt(
            "flag-pair",
            given,
            "with the authorization mode AlwaysAllow kube-apiserver turns anonymous requests off",
        );
    }
}

/// The addresses of a node, by which kubelets are called for logs and commands.
const ADDRESS_TYPES: &[&str] = &["Hostname", "InternalIP", "ExternalIP", "InternalDNS", "ExternalDNS"];

fn kubelets(judge: &mut Judge<'_>) {
    let command = judge.command;
    for (item, given) in command.items("kubelet-preferred-address-types") {
        if !ADDRESS_TYPES.contains(&item) {
            let why = format!("{}; no node has such an address", unknown_word(item, ADDRESS_TYPES));
            judge.doubt("flag-value", given, why);
        }
    }
}
