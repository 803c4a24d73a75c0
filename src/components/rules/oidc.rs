//! OpenID Connect by flags. Source: `pkg/kubeapiserver/options/authentication.go` and
//! `apiserver/pkg/apis/apiserver/validation`.

use super::super::rule::{Judge, unknown_word};

/// What `--oidc-signing-algs` takes (`apiserver/plugin/pkg/authenticator/token/oidc`).
const ALGORITHMS: &[&str] =
    &["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"];

/// The flags; each alone turns OIDC on.
const FLAGS: &[&str] = &[
    "oidc-issuer-url",
    "oidc-client-id",
    "oidc-ca-file",
    "oidc-username-claim",
    "oidc-username-prefix",
    "oidc-groups-claim",
    "oidc-groups-prefix",
    "oidc-signing-algs",
    "oidc-required-claim",
];

pub(in crate::components) fn flags(judge: &mut Judge<'_>) {
    let command = judge.command;
    let Some(first) = FLAGS.iter().find_map(|flag| command.last(flag)) else { return };
    if command.has("authentication-config") {
        judge.refuse("flag-pair", first, "excludes `--authentication-config`: put the issuer into that file");
        return;
    }
    if !command.has("oidc-issuer-url") || !command.has("oidc-client-id") {
        judge.refuse("flag-pair", first, "`--oidc-issuer-url` and `--oidc-client-id` must both be given");
        return;
    }
    if let Some(given) = command.last("oidc-issuer-url")
        && let Err(why) = issuer(&given.value)
    {
        judge.refuse("flag-value", given, why);
    }
    for (algorithm, given) in command.items("oidc-signing-algs") {
        if !ALGORITHMS.contains(&algorithm) {
            let why = unknown_word(algorithm, ALGORITHMS);
            judge.refuse("flag-value", given, why);
        }
    }
    if let Some(given) = command.last("oidc-username-claim").filter(|given| given.value.is_empty()) {
        judge.refuse("flag-value", given, "must not be empty");
    }
}

/// An issuer's URL, as Kubernetes wants it.
pub(in crate::components) fn issuer(url: &str) -> Result<(), String> {
    let Some(rest) = url.strip_prefix("https://") else {
        return Err(format!("{url:?}: the issuer must be reached over https"));
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains('@') {
        return Err("the issuer's URL must not have a user name or a password".to_owned());
    }
    if url.contains('?') {
        return Err(format!("{url:?}: the issuer's URL must not have a query"));
    }
    if url.contains('#') {
        return Err(format!("{url:?}: the issuer's URL must not have a fragment"));
    }
    Ok(())
}
