//! Who may do what: authorizers and the tokens of service accounts.

use super::super::super::rule::{Judge, numeric, unknown_word};

pub(in crate::components) const MODES: &[&str] =
    &["AlwaysAllow", "AlwaysDeny", "ABAC", "Webhook", "RBAC", "Node"];

pub(super) fn authorization(judge: &mut Judge<'_>) {
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

pub(super) fn service_accounts(judge: &mut Judge<'_>) {
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
