//! Which TLS etcd speaks. Source: etcd 3.6, `server/embed/config.go`, `client/pkg/transport/listener.go`.

use super::super::super::rule::Judge;

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
    for side in ["peer", "client"] {
        let (name, host) = (format!("{side}-cert-allowed-cn"), format!("{side}-cert-allowed-hostname"));
        if command.has(&name) {
            judge.exclude("flag-pair", &host, format!("excludes `--{name}`"));
        }
    }
}
