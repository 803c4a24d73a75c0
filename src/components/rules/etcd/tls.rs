//! Which TLS etcd speaks. Source: etcd 3.6, `server/embed/config.go`, `client/pkg/transport/listener.go`.

use super::super::super::rule::Judge;
use super::super::common::without_http2;

pub(super) fn rules(judge: &mut Judge<'_>) {
    let command = judge.command;
    let (least, most) = (command.value("tls-min-version"), command.value("tls-max-version"));
    if least == Some("TLS1.3") {
        if most == Some("TLS1.2") {
            judge.exclude("flag-pair", "tls-max-version", "is less than `--tls-min-version`");
        }
        judge.exclude(
            "flag-pair",
            "cipher-suites",
            "can't be set for TLS 1.3, the only one here (`--tls-min-version`)",
        );
    }
    for (listens, certificate, key, auto) in [
        ("listen-client-urls", "cert-file", "key-file", "auto-tls"),
        ("listen-peer-urls", "peer-cert-file", "peer-key-file", "peer-auto-tls"),
    ] {
        let complete = match (command.has(certificate), command.has(key)) {
            (false, false) => command.is_true(auto),
            (certificate, key) => certificate && key,
        };
        let tls = command.items(listens).any(|(url, _)| url.trim().starts_with("https:"));
        let users = |flag: &&str| command.last(flag).is_some_and(|given| command.is_users(given));
        let blamed = [certificate, key, listens].into_iter().find(users).and_then(|flag| command.last(flag));
        if let Some(blamed) = blamed.filter(|_| tls && !complete) {
            let why =
                format!("`--{certificate}` and `--{key}` must both be given, since `--{listens}` is https");
            judge.refuse("flag-pair", blamed, why);
        }
    }
    if command.items("listen-client-urls").any(|(url, _)| url.trim().starts_with("https:"))
        && let Some(given) = command.last("cipher-suites").filter(|given| !given.value.is_empty())
        && let Some(why) = without_http2(command.items("cipher-suites").map(|(suite, _)| suite), "")
    {
        judge.refuse("flag-value", given, why);
    }
    for side in ["peer", "client"] {
        let (name, host) = (format!("{side}-cert-allowed-cn"), format!("{side}-cert-allowed-hostname"));
        if command.has(&name) {
            judge.exclude("flag-pair", &host, format!("excludes `--{name}`"));
        }
    }
}
