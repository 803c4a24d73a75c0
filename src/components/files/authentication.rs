//! `--authentication-config`. Source: `apiserver/pkg/apis/apiserver/validation/validation.go`. Expressions are CEL, which
//! is not compiled here.

mod schema;

use super::document::Format;
use super::fault::Fields;
use super::{Context, Named};
use crate::components::rules::oidc::issuer;
use crate::config::{names, url};
use crate::pki::Bundle;
pub(super) use schema::AuthenticationConfiguration;
use schema::{Issuer, Jwt, Mappings};

pub(super) const FORMAT: Format = Format::strict(&[
    ("apiserver.config.k8s.io/v1", "AuthenticationConfiguration", 34),
    ("apiserver.config.k8s.io/v1beta1", "AuthenticationConfiguration", 0),
    ("apiserver.config.k8s.io/v1alpha1", "AuthenticationConfiguration", 0),
]);

pub(super) fn judge(
    config: AuthenticationConfiguration,
    fields: &mut Fields<'_>,
    context: &Context<'_>,
) -> Vec<Named> {
    if let Some(anonymous) = &config.anonymous {
        if !anonymous.enabled && !anonymous.conditions.is_empty() {
            fields.refuse("anonymous.conditions", "need `enabled: true`");
        }
        if context.command.last("anonymous-auth").is_some() {
            fields.refuse("anonymous", "excludes the flag `--anonymous-auth`: keep one of them");
        }
    }
    if config.jwt.len() > 64 {
        fields.refuse("jwt", "must not have more than 64 items");
        return vec![];
    }
    for (i, jwt) in config.jwt.iter().enumerate() {
        let path = format!("jwt.{i}");
        let earlier = || config.jwt.iter().take(i).map(|jwt| &jwt.issuer);
        let (url, discovery) = (&jwt.issuer.url, &jwt.issuer.discovery_url);
        if earlier().any(|issuer| issuer.url == *url) {
            fields.refuse(format!("{path}.issuer.url"), format!("{url:?} is given twice"));
        }
        if !discovery.is_empty() && earlier().any(|issuer| issuer.discovery_url == *discovery) {
            fields.refuse(format!("{path}.issuer.discoveryURL"), format!("{discovery:?} is given twice"));
        }
        of_issuer(&jwt.issuer, &format!("{path}.issuer"), fields, context);
        audiences(&jwt.issuer, &format!("{path}.issuer"), fields);
        rules(jwt, &path, fields);
        mappings(&jwt.claim_mappings, &format!("{path}.claimMappings"), fields);
        email(jwt, &path, fields);
    }
    vec![]
}

fn of_issuer(given: &Issuer, path: &str, fields: &mut Fields<'_>, context: &Context<'_>) {
    let url_path = format!("{path}.url");
    if given.url.is_empty() {
        fields.require(url_path);
    } else if context.command.all("service-account-issuer").any(|own| own.value == given.url) {
        fields.refuse(url_path, "is the issuer of this cluster's own service accounts");
    } else if let Err(why) = https(&given.url) {
        fields.refuse(url_path, why);
    }
    let discovery = &given.discovery_url;
    if !discovery.is_empty() {
        let path = format!("{path}.discoveryURL");
        if discovery.trim_end_matches('/') == given.url.trim_end_matches('/') {
            fields.refuse(path, "must be another URL than `url`: leave it out");
        } else if let Err(why) = https(discovery) {
            fields.refuse(path, why);
        }
    }
    if !given.certificate_authority.is_empty()
        && Bundle::from_pem(given.certificate_authority.as_bytes()).is_err()
    {
        let why = "holds no certificate: put the PEM text itself here, not the name of its file";
        fields.refuse(format!("{path}.certificateAuthority"), why);
    }
    if !given.egress_selector_type.is_empty() {
        let path = format!("{path}.egressSelectorType");
        if context.minor() < 34 {
            fields.refuse(path, "came with 1.34");
        } else {
            fields.one_of(&path, &given.egress_selector_type, &["controlplane", "cluster"]);
            if !context.command.has("egress-selector-config-file") {
                fields.refuse(path, "needs the flag `--egress-selector-config-file`");
            }
        }
    }
}

fn https(text: &str) -> Result<(), String> {
    url::parse(text).and_then(|_| issuer(text))
}

fn audiences(issuer: &Issuer, path: &str, fields: &mut Fields<'_>) {
    if issuer.audiences.is_empty() {
        fields.require(format!("{path}.audiences"));
        return;
    }
    for (i, audience) in issuer.audiences.iter().enumerate().filter(|(_, audience)| audience.is_empty()) {
        fields.refuse(format!("{path}.audiences.{i}"), format!("{audience:?} must not be empty"));
    }
    fields.no_item_twice(&format!("{path}.audiences"), &issuer.audiences);
    let policy = issuer.audience_match_policy.as_str();
    let several = issuer.audiences.len() > 1;
    if policy != "MatchAny" && (several || !policy.is_empty()) {
        fields.refuse(
            format!("{path}.audienceMatchPolicy"),
            "must be `MatchAny`; with one audience it may be left out",
        );
    }
}

fn rules(jwt: &Jwt, path: &str, fields: &mut Fields<'_>) {
    let list = &jwt.claim_validation_rules;
    for (i, rule) in list.iter().enumerate() {
        let path = format!("{path}.claimValidationRules.{i}");
        let earlier = || list.iter().take(i);
        match (rule.claim.is_empty(), rule.expression.is_empty()) {
            (false, false) => fields.refuse(path, "has both `claim` and `expression`: keep one of them"),
            (true, true) => fields.refuse(path, "needs `claim` or `expression`"),
            (false, true) => {
                if !rule.message.is_empty() {
                    fields.refuse(format!("{path}.message"), "goes with `expression` only");
                }
                if earlier().any(|r| r.claim == rule.claim && r.expression.is_empty()) {
                    fields.refuse(format!("{path}.claim"), format!("{:?} is given twice", rule.claim));
                }
            }
            (true, false) => {
                if !rule.required_value.is_empty() {
                    fields.refuse(format!("{path}.requiredValue"), "goes with `claim` only");
                }
                if earlier().any(|r| r.expression == rule.expression && r.claim.is_empty()) {
                    fields.refuse(format!("{path}.expression"), "this expression is given twice");
                }
            }
        }
    }
    let list = &jwt.user_validation_rules;
    for (i, rule) in list.iter().enumerate() {
        let path = format!("{path}.userValidationRules.{i}.expression");
        if rule.expression.is_empty() {
            fields.require(path);
        } else if list.iter().take(i).any(|earlier| earlier.expression == rule.expression) {
            fields.refuse(path, "this expression is given twice");
        }
    }
}

fn mappings(mappings: &Mappings, path: &str, fields: &mut Fields<'_>) {
    for (name, mapping) in [("username", &mappings.username), ("groups", &mappings.groups)] {
        let path = format!("{path}.{name}");
        match (mapping.claim.is_empty(), mapping.expression.is_empty()) {
            (false, false) => fields.refuse(path, "has both `claim` and `expression`: keep one of them"),
            (true, true) if name == "username" => fields.refuse(path, "needs `claim` or `expression`"),
            (true, true) => {}
            (true, false) => {
                if mapping.prefix.is_some() {
                    fields.refuse(format!("{path}.prefix"), "goes with `claim` only");
                }
            }
            (false, true) => {
                if mapping.prefix.is_none() {
                    fields.refuse(
                        format!("{path}.prefix"),
                        "is needed with `claim`; `prefix: \"\"` means none",
                    );
                }
            }
        }
    }
    if !mappings.uid.claim.is_empty() && !mappings.uid.expression.is_empty() {
        fields.refuse(format!("{path}.uid"), "has both `claim` and `expression`: keep one of them");
    }
    for (i, extra) in mappings.extra.iter().enumerate() {
        let path = format!("{path}.extra.{i}");
        let key = extra.key.as_str();
        if let Err(why) = extra_key(key) {
            fields.refuse(format!("{path}.key"), why);
        }
        if mappings.extra.iter().take(i).any(|earlier| earlier.key == key) {
            fields.refuse(format!("{path}.key"), format!("{key:?} is given twice"));
        }
        if extra.value_expression.is_empty() {
            fields.require(format!("{path}.valueExpression"));
        }
    }
}

fn extra_key(key: &str) -> Result<(), String> {
    let (domain, rest) = key.split_once('/').unwrap_or((key, ""));
    let rest_right = !rest.is_empty()
        && rest.bytes().all(|c| c.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&c));
    if names::dns_subdomain(domain).is_err() || !rest_right {
        return Err(format!("{key:?} must be a domain and a path: `example.org/foo`"));
    }
    if key != key.to_lowercase() {
        return Err(format!("{key:?} must be in lower case"));
    }
    for own in ["kubernetes.io", "k8s.io"] {
        if domain == own || domain.ends_with(&format!(".{own}")) {
            return Err(format!("{key:?}: {own} and its subdomains are Kubernetes' own"));
        }
    }
    Ok(())
}

/// A user name from the address in a token counts only if the issuer says that it has verified the address.
fn email(jwt: &Jwt, path: &str, fields: &mut Fields<'_>) {
    let uses = |expression: &str, claim: &str| {
        ["claims.", "claims.?"].iter().any(|before| {
            expression.match_indices(&format!("{before}{claim}")).any(|(at, found)| {
                let next = expression.get(at + found.len()..).and_then(|rest| rest.chars().next());
                !next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
            })
        })
    };
    let username = &jwt.claim_mappings.username.expression;
    let verified = [username]
        .into_iter()
        .chain(jwt.claim_mappings.extra.iter().map(|extra| &extra.value_expression))
        .chain(jwt.claim_validation_rules.iter().map(|rule| &rule.expression))
        .any(|expression| uses(expression, "email_verified"));
    if uses(username, "email") && !verified {
        let why = "uses claims.email: `claims.email_verified` must be asked here, in `extra` or in `claimValidationRules`";
        fields.refuse(format!("{path}.claimMappings.username.expression"), why);
    }
}
