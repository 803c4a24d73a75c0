//! kube-apiserver's own rules. Source: `Validate` in `cmd/kube-apiserver/app/options`,
//! `pkg/controlplane/apiserver/options`, `pkg/kubeapiserver/options` and `apiserver/pkg/server/options`.

use super::super::gates;
use super::super::kind::{self, boolean};
use super::super::program::Program::ApiServer;
use super::super::rule::{Judge, NO_LIMIT, Range, Words, numeric, range, unknown_word};
use super::common::set_gates;
use crate::config::names;

const fn one_of(flag: &'static str, words: &'static [&'static str]) -> Words {
    Words { program: ApiServer, flag, words, list: false }
}

pub(in crate::components) const WORDS: &[Words] = &[
    one_of("endpoint-reconciler-type", &["master-count", "lease", "none"]),
    one_of("storage-backend", &["etcd3"]),
];

/// Words that count only where there is an audit log or webhook.
const AUDIT_WORDS: &[(&str, &str, &[&str])] = &[
    ("audit-log-path", "audit-log-mode", &["batch", "blocking", "blocking-strict"]),
    ("audit-log-path", "audit-log-format", &["legacy", "json"]),
    ("audit-log-path", "audit-log-version", &["audit.k8s.io/v1"]),
    ("audit-webhook-config-file", "audit-webhook-mode", &["batch", "blocking", "blocking-strict"]),
    ("audit-webhook-config-file", "audit-webhook-version", &["audit.k8s.io/v1"]),
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

pub(in crate::components) const MODES: &[&str] =
    &["AlwaysAllow", "AlwaysDeny", "ABAC", "Webhook", "RBAC", "Node"];

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

fn authorization(judge: &mut Judge<'_>) {
    let command = judge.command;
    if command.has("authorization-config") {
        for flag in [
            "authorization-mode",
            "authorization-policy-file",
            "authorization-webhook-config-file",
            "authorization-webhook-version",
            "authorization-webhook-cache-authorized-ttl",
            "authorization-webhook-cache-unauthorized-ttl",
        ] {
            judge.exclude(
                "flag-pair",
                flag,
                "excludes `--authorization-config`: put the authorizers into that file",
            );
        }
        return;
    }
    let mut seen: Vec<&str> = vec![];
    for (mode, given) in command.items("authorization-mode") {
        if !MODES.contains(&mode) {
            let why = if mode.contains(';') {
                format!("{mode:?}: separate the modes with commas")
            } else {
                unknown_word(mode, MODES)
            };
            judge.refuse("authorization-mode", given, why);
        } else if seen.contains(&mode) {
            judge.refuse("authorization-mode", given, format!("{mode} is given twice"));
        }
        for (needs, file) in
            [("ABAC", "authorization-policy-file"), ("Webhook", "authorization-webhook-config-file")]
        {
            if mode == needs && !command.has(file) {
                judge.refuse("authorization-mode", given, format!("{mode} needs `--{file}`"));
            }
        }
        seen.push(mode);
    }
    for (needs, file) in
        [("ABAC", "authorization-policy-file"), ("Webhook", "authorization-webhook-config-file")]
    {
        if !seen.contains(&needs) {
            judge.exclude("authorization-mode", file, format!("needs {needs} in `--authorization-mode`"));
        }
    }
}

fn audit(judge: &mut Judge<'_>) {
    let command = judge.command;
    for (with, flag, words) in AUDIT_WORDS {
        let given = command.last(flag).filter(|_| command.has(with));
        if let Some(given) = given
            && !words.contains(&given.value.as_str())
        {
            let why = unknown_word(&given.value, words);
            judge.refuse("flag-value", given, why);
        }
    }
    for (with, plugin) in [("audit-log-path", "log"), ("audit-webhook-config-file", "webhook")] {
        if !command.has(with) {
            continue;
        }
        let flag = |name: &str| format!("audit-{plugin}-{name}");
        let number = |name: &str| command.value(&flag(name)).and_then(numeric);
        // The log blocks by default, the webhook batches.
        let batches = command.value(&flag("mode")).map_or(plugin == "webhook", |mode| mode == "batch");
        for name in ["batch-buffer-size", "batch-max-size", "batch-throttle-qps", "batch-throttle-burst"] {
            let throttle = name.starts_with("batch-throttle");
            let throttles = command
                .value(&flag("batch-throttle-enable"))
                .map_or(plugin == "webhook", |value| boolean(value) == Ok(true));
            if throttle && !throttles {
                continue;
            }
            if batches
                && number(name).is_some_and(|number| number <= 0.0)
                && let Some(given) = command.last(&flag(name))
            {
                judge.refuse("flag-range", given, "must be greater than zero");
            }
        }
        let (event, batch) = (number("truncate-max-event-size"), number("truncate-max-batch-size"));
        if event.is_some_and(|event| event <= 0.0)
            && let Some(given) = command.last(&flag("truncate-max-event-size"))
        {
            judge.refuse("flag-range", given, "must be greater than zero");
        }
        // Defaults: 100 KiB an event, 10 MiB a batch.
        let given =
            command.last(&flag("truncate-max-batch-size")).or(command.last(&flag("truncate-max-event-size")));
        if batch.unwrap_or(10_485_760.0) < event.unwrap_or(102_400.0)
            && let Some(given) = given
        {
            judge.refuse("flag-pair", given, "a batch must be at least as large as an event");
        }
    }
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

fn encryption(judge: &mut Judge<'_>) {
    let command = judge.command;
    let reload = "encryption-provider-config-automatic-reload";
    if command.is_true(reload)
        && !command.has("encryption-provider-config")
        && let Some(given) = command.last(reload)
    {
        judge.refuse("flag-pair", given, "needs `--encryption-provider-config`");
    }
}

fn service_accounts(judge: &mut Judge<'_>) {
    let command = judge.command;
    let mut seen: Vec<&str> = vec![];
    for given in command.all("service-account-issuer") {
        let issuer = given.value.as_str();
        if issuer.is_empty() {
            judge.refuse("flag-value", given, "must not be empty");
        } else if issuer.contains(':')
            && let Err(why) = crate::config::url::parse(issuer)
        {
            judge.refuse("flag-value", given, format!("{why}; an issuer with `:` must be a URL"));
        } else if seen.contains(&issuer) {
            judge.refuse("flag-value", given, format!("{issuer:?} is given twice"));
        }
        seen.push(issuer);
    }
    for flag in ["service-account-signing-key-file", "etcd-servers"] {
        if let Some(given) = command.last(flag).filter(|given| given.value.is_empty()) {
            judge.refuse("flag-value", given, "must not be empty");
        }
    }
    if let Some(given) = command.last("service-account-jwks-uri").filter(|given| !given.value.is_empty())
        && !given.value.starts_with("https://")
    {
        judge.refuse("flag-value", given, format!("{:?} must be an https URL", given.value));
    }
    if command.has("service-account-signing-endpoint")
        && (command.has("service-account-signing-key-file") || command.has("service-account-key-file"))
    {
        judge.exclude(
            "flag-pair",
            "service-account-signing-endpoint",
            "excludes `--service-account-signing-key-file` and `--service-account-key-file`, which are always given here",
        );
    }
    let expiration = "service-account-max-token-expiration";
    if let Some(given) = command.last(expiration)
        && let Some(seconds) = numeric(&given.value)
        && seconds != 0.0
        && !(3600.0..=4_294_967_296.0).contains(&seconds)
    {
        judge.refuse("flag-range", given, format!("{} is out of range: 1h to 2^32 seconds", given.value));
    }
}

fn ports(judge: &mut Judge<'_>, made_up_address: bool) {
    let command = judge.command;
    let port = command.value("kubernetes-service-node-port").and_then(numeric).filter(|port| *port > 0.0);
    let range = command.value("service-node-port-range").unwrap_or("30000-32767");
    if let (Some(port), Ok((first, last)), Some(given)) =
        (port, kind::port_range(range), command.last("kubernetes-service-node-port"))
        && !(f64::from(first)..=f64::from(last)).contains(&port)
    {
        judge.refuse(
            "flag-pair",
            given,
            format!("{port} is outside `--service-node-port-range`, {first}-{last}"),
        );
    }
    let ranges: Vec<_> = command.items("service-cluster-ip-range").collect();
    let networks: Vec<_> = ranges.iter().map(|(cidr, _)| names::cidr(cidr)).collect();
    let families: Vec<Option<bool>> =
        networks.iter().map(|network| network.map(|network| network.addr().is_ipv6())).collect();
    // An allocator that keeps all addresses of a range in one object.
    let set = set_gates(judge);
    let small = ["MultiCIDRServiceAllocator", "DisableAllocatorDualWrite"]
        .iter()
        .any(|gate| !gates::enabled(&set, gate, command.minor));
    // The configuration's own range is judged with it.
    if let Some(given) = command.last("service-cluster-ip-range").filter(|given| command.is_users(given)) {
        for ((cidr, _), network) in ranges.iter().zip(&networks) {
            match network {
                None => {
                    judge.refuse("flag-type", given, format!("{cidr:?} is not a CIDR: write `10.96.0.0/12`"))
                }
                Some(network) if network.max_prefix_len() - network.prefix_len() < 3 => {
                    judge.refuse("flag-range", given, format!("{cidr} must have at least 8 addresses"));
                }
                Some(network) if small && network.max_prefix_len() - network.prefix_len() > 20 => {
                    let least = network.max_prefix_len() - 20;
                    let why = format!("{cidr} is too large: its mask must be /{least} or longer");
                    judge.refuse("flag-range", given, why);
                }
                Some(_) => {}
            }
        }
        match families.as_slice() {
            [_, _, _, ..] => judge.refuse("flag-value", given, "must not have more than two CIDRs"),
            [Some(a), Some(b)] if a == b => {
                judge.refuse("flag-value", given, "the two CIDRs must be of different families");
            }
            _ => {}
        }
    }
    let users = command.last("advertise-address").is_some_and(|given| command.is_users(given));
    if users || !made_up_address {
        family(judge, families.first().copied().flatten());
    }
}

/// The Service `kubernetes` has an address of the first range's family, and the API server's address as its endpoint.
fn family(judge: &mut Judge<'_>, ipv6_services: Option<bool>) {
    let command = judge.command;
    if command.value("endpoint-reconciler-type") == Some("none") {
        return;
    }
    let Some(given) = command.last("advertise-address") else { return };
    let (Some(ipv6_services), Some(address)) = (ipv6_services, names::ip(given.value.trim())) else { return };
    if address.is_ipv6() != ipv6_services && !address.is_unspecified() {
        let family = |ipv6: bool| if ipv6 { "IPv6" } else { "IPv4" };
        let why = format!(
            "{address} is of {}, but Services are of {} (`--service-cluster-ip-range`): their families must be the same",
            family(address.is_ipv6()),
            family(ipv6_services)
        );
        judge.refuse("address-family", given, why);
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

fn storage(judge: &mut Judge<'_>) {
    let command = judge.command;
    let media = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
    if let Some(given) = command.last("storage-media-type").filter(|given| !given.value.is_empty())
        && !media.contains(&given.value.as_str())
        && !(given.value == "application/cbor" && command.has("feature-gates"))
    {
        let why = unknown_word(&given.value, &media);
        judge.refuse("flag-value", given, why);
    }
    for (item, given) in command.items("watch-cache-sizes") {
        let size = item.split_once('#').and_then(|(_, size)| size.parse::<u64>().ok());
        if size.is_none() {
            judge.refuse(
                "flag-value",
                given,
                format!("{item:?} is not a size: write `resource#100`, such as `pods#100`"),
            );
        }
    }
    for (item, given) in command.items("etcd-servers-overrides") {
        // `group/resource#server;server`.
        let parts: Vec<&str> = item.split('#').collect();
        let resource = parts.first().map_or(0, |resource| resource.split('/').count());
        let blank = parts.get(1).is_some_and(|servers| servers.split(';').any(str::is_empty));
        if parts.len() != 2 || resource != 2 || (blank && command.minor >= 34) {
            let why = format!("{item:?} is not an override: write `group/resource#https://192.0.2.10:2379`");
            judge.refuse("flag-value", given, why);
        }
    }
}
