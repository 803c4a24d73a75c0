//! `--encryption-provider-config`. Source: `apiserver/pkg/apis/apiserver/validation/validation_encryption.go` and
//! `apiserver/pkg/server/options/encryptionconfig/config.go`.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use super::document::Format;
use super::fault::Fields;
use super::{Context, Named};
use crate::config::duration::GoDuration;
use crate::config::url;

pub(super) const FORMAT: Format = Format {
    secret: true,
    ..Format::strict(&[
        ("apiserver.config.k8s.io/v1", "EncryptionConfiguration", 0),
        // The name of it before 1.13, which stays registered.
        ("v1", "EncryptionConfig", 0),
    ])
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct EncryptionConfiguration {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    resources: Vec<Resources>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resources {
    resources: Vec<String>,
    providers: Vec<Provider>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Provider {
    aesgcm: Option<Keys>,
    aescbc: Option<Keys>,
    secretbox: Option<Keys>,
    identity: Option<Identity>,
    kms: Option<Kms>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Keys {
    keys: Vec<Key>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Key {
    name: String,
    secret: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Identity {}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Kms {
    api_version: String,
    name: String,
    cachesize: Option<i32>,
    endpoint: String,
    timeout: Option<GoDuration>,
}

/// What it is judged as.
pub(super) fn judge(
    config: EncryptionConfiguration,
    fields: &mut Fields<'_>,
    context: &Context<'_>,
) -> Vec<Named> {
    if config.resources.is_empty() {
        fields.require("resources");
    }
    let mut kms_names: Vec<&str> = vec![];
    for (i, entry) in config.resources.iter().enumerate() {
        let path = format!("resources.{i}");
        names(&entry.resources, &format!("{path}.resources"), fields);
        masked(&config.resources, i, fields);
        if entry.providers.is_empty() {
            fields.require(format!("{path}.providers"));
        }
        for (j, provider) in entry.providers.iter().enumerate() {
            one_provider(provider, &format!("{path}.providers.{j}"), &mut kms_names, fields, context);
        }
        let writes_plain = entry.providers.first().is_some_and(|provider| provider.identity.is_some());
        if writes_plain && entry.providers.len() > 1 {
            let why = "the first provider writes: new objects are stored without encryption as long as it is `identity`";
            fields.doubt(format!("{path}.providers.0"), why);
        }
    }
    vec![]
}

/// The resource and the group of `deployments.apps`.
fn parts(resource: &str) -> (&str, &str) {
    resource.split_once('.').unwrap_or((resource, ""))
}

/// The names of one entry's resources.
fn names(resources: &[String], path: &str, fields: &mut Fields<'_>) {
    if resources.is_empty() {
        fields.require(path);
    }
    for (i, resource) in resources.iter().enumerate() {
        let (name, group) = parts(resource);
        let why = if *resource != resource.to_lowercase() {
            "must be in lower case"
        } else if resource == "*" {
            "write `*.` for all resources of the core group, `*.*` for all"
        } else if ["apiserveripinfo", "serviceipallocations", "servicenodeportallocations"]
            .contains(&resource.as_str())
        {
            "has no REST API, and can't be encrypted"
        } else if group == "events.k8s.io" {
            "events are stored in the core group: write `events`"
        } else if group == "extensions" {
            "the group `extensions` is gone"
        } else if group == "*" && name != "*" {
            "a resource can't be encrypted across groups: name its group, or write `*.*`"
        } else {
            continue;
        };
        fields.refuse(format!("{path}.{i}"), why);
    }
    for (i, resource) in resources.iter().enumerate() {
        let (name, group) = parts(resource);
        let mut others = resources.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, other)| other);
        if resources.iter().take(i).any(|earlier| parts(earlier) == (name, group)) {
            fields.refuse(format!("{path}.{i}"), format!("{resource:?} is given twice"));
        } else if resource == "*.*" && resources.len() > 1 {
            fields.refuse(
                format!("{path}.{i}"),
                "`*.*` includes every other resource of the list: keep one of them",
            );
        } else if name == "*" && others.any(|other| parts(other).1 == group) {
            let why = format!("{resource:?} includes other resources of the list: keep one of them");
            fields.refuse(format!("{path}.{i}"), why);
        }
    }
}

/// Resources that a wildcard of an earlier entry includes.
fn masked(entries: &[Resources], at: usize, fields: &mut Fields<'_>) {
    let earlier: Vec<&String> = entries.iter().take(at).flat_map(|entry| &entry.resources).collect();
    for (i, resource) in entries.get(at).into_iter().flat_map(|entry| &entry.resources).enumerate() {
        let whole_group = format!("*.{}", parts(resource).1);
        let by = earlier.iter().find(|earlier| ***earlier == whole_group || earlier.as_str() == "*.*");
        if let Some(by) = by {
            let why = format!("the earlier {by:?} includes it: put {resource:?} before that entry");
            fields.refuse(format!("resources.{at}.resources.{i}"), why);
        }
    }
}

fn one_provider<'a>(
    provider: &'a Provider,
    path: &str,
    kms_names: &mut Vec<&'a str>,
    fields: &mut Fields<'_>,
    context: &Context<'_>,
) {
    let given = [
        provider.aesgcm.is_some(),
        provider.aescbc.is_some(),
        provider.secretbox.is_some(),
        provider.identity.is_some(),
        provider.kms.is_some(),
    ];
    match given.iter().filter(|given| **given).count() {
        0 => fields
            .refuse(path, "names no provider: aescbc, aesgcm, identity (`identity: {}`), kms or secretbox"),
        1 => {}
        _ => fields.refuse(path, "holds more than one provider: begin each with a `- ` of its own"),
    }
    for (name, section, sizes) in [
        ("aesgcm", &provider.aesgcm, &[16, 24, 32][..]),
        ("aescbc", &provider.aescbc, &[16, 24, 32]),
        ("secretbox", &provider.secretbox, &[32]),
    ] {
        if let Some(section) = section {
            keys(&section.keys, &format!("{path}.{name}.keys"), sizes, fields);
        }
    }
    if let Some(section) = &provider.kms {
        kms(section, &format!("{path}.kms"), kms_names, fields, context);
        kms_names.push(&section.name);
    }
}

fn keys(keys: &[Key], path: &str, sizes: &[usize], fields: &mut Fields<'_>) {
    // Go's decoder does not mind bits that are left over.
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let base64 = GeneralPurpose::new(&STANDARD, config);
    if keys.is_empty() {
        fields.require(path);
    }
    for (i, key) in keys.iter().enumerate() {
        if key.name.is_empty() {
            fields.require(format!("{path}.{i}.name"));
        }
        let secret = format!("{path}.{i}.secret");
        if key.secret.is_empty() {
            fields.require(secret);
            continue;
        }
        let text: Vec<u8> = key.secret.bytes().filter(|byte| !b"\r\n".contains(byte)).collect();
        let size = base64.decode(text).ok().map(|bytes| bytes.len());
        let wanted = sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match size {
            None => fields.refuse(secret, "is not base64: make one with `head -c 32 /dev/urandom | base64`"),
            Some(size) if !sizes.contains(&size) => {
                fields.refuse(
                    secret,
                    format!(
                        "holds {size} bytes, where {wanted} are needed: `head -c 32 /dev/urandom | base64`"
                    ),
                );
            }
            Some(_) => {}
        }
    }
}

fn kms(kms: &Kms, path: &str, names: &[&str], fields: &mut Fields<'_>, context: &Context<'_>) {
    let v1 = matches!(kms.api_version.as_str(), "" | "v1");
    if !v1 && kms.api_version != "v2" {
        fields.refuse(format!("{path}.apiVersion"), "must be v1 or v2");
    } else if v1 && !context.is_on("KMSv1") {
        let why = "v1, the default, is off: write `apiVersion: v2`, or set the feature gate KMSv1";
        fields.refuse(format!("{path}.apiVersion"), why);
    }
    if kms.name.is_empty() {
        fields.require(format!("{path}.name"));
    } else if !v1 && kms.name.contains(':') {
        fields.refuse(format!("{path}.name"), "must not contain `:`");
    }
    let reload = context.command.is_true("encryption-provider-config-automatic-reload");
    if (reload || !v1) && names.contains(&kms.name.as_str()) {
        fields.refuse(format!("{path}.name"), "another provider has this name");
    }
    if kms.timeout.is_some_and(|timeout| timeout.0 <= 0) {
        fields.refuse(format!("{path}.timeout"), "must be longer than 0");
    }
    if kms.endpoint.is_empty() {
        fields.require(format!("{path}.endpoint"));
    } else if !url::parse(&kms.endpoint).is_ok_and(|url| url.scheme == "unix") {
        fields.refuse(format!("{path}.endpoint"), "must be a socket: `unix:///path/to.sock`");
    }
    if !v1 && kms.cachesize.is_some() {
        fields.refuse(format!("{path}.cachesize"), "is of v1 only");
    } else if v1 && kms.cachesize == Some(0) {
        fields.refuse(format!("{path}.cachesize"), "must not be 0; a negative size means none");
    }
}
