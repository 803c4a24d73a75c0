//! `--egress-selector-config-file`. Source: `apiserver/pkg/server/egressselector`.

use serde::Deserialize;

use super::document::Format;
use super::fault::Fields;
use super::{Context, Named};

pub(super) const FORMAT: Format = Format::strict(&[
    ("apiserver.k8s.io/v1beta1", "EgressSelectorConfiguration", 0),
    ("apiserver.k8s.io/v1alpha1", "EgressSelectorConfiguration", 0),
]);

/// `master` is the name that controlplane had.
const NAMES: &[&str] = &["cluster", "controlplane", "etcd", "master"];

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct EgressSelectorConfiguration {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    egress_selections: Vec<Selection>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Selection {
    name: String,
    connection: Connection,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Connection {
    proxy_protocol: String,
    transport: Option<Transport>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Transport {
    tcp: Option<Tcp>,
    uds: Option<Uds>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Tcp {
    url: String,
    tls_config: Option<Tls>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Uds {
    uds_name: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Tls {
    ca_bundle: String,
    client_key: String,
    client_cert: String,
    #[serde(rename = "tlsServerName")]
    _tls_server_name: String,
}

pub(super) fn judge(
    config: EgressSelectorConfiguration,
    fields: &mut Fields<'_>,
    _: &Context<'_>,
) -> Vec<Named> {
    let mut named = vec![];
    let mut seen: Vec<String> = vec![];
    for (i, selection) in config.egress_selections.iter().enumerate() {
        let path = format!("egressSelections.{i}");
        let name = match selection.name.to_lowercase().as_str() {
            "master" if selection.name == "master" => "controlplane".to_owned(),
            name => name.to_owned(),
        };
        if seen.contains(&name) {
            fields.refuse(format!("{path}.name"), format!("{:?} is given twice", selection.name));
        } else if name == "master" {
            fields.refuse(format!("{path}.name"), "the name is `controlplane`");
        } else {
            fields.one_of(format!("{path}.name"), &name, NAMES);
        }
        seen.push(name);
        named.extend(connection(&selection.connection, &format!("{path}.connection"), fields));
    }
    named
}

fn connection(connection: &Connection, path: &str, fields: &mut Fields<'_>) -> Vec<Named> {
    let protocol = connection.proxy_protocol.as_str();
    let transport = format!("{path}.transport");
    match (protocol, &connection.transport) {
        ("Direct", Some(_)) => fields.refuse(transport, "a direct connection has none"),
        ("Direct", None) => {}
        ("GRPC" | "HTTPConnect", None) => fields.require(transport),
        ("GRPC", Some(Transport { uds: Some(uds), .. })) => socket(uds, &transport, fields),
        ("GRPC", Some(_)) => fields.require(format!("{transport}.uds")),
        ("HTTPConnect", Some(Transport { tcp: Some(_), uds: Some(_) })) => {
            fields.refuse(transport, "has both `tcp` and `uds`: keep one of them");
        }
        ("HTTPConnect", Some(Transport { tcp: None, uds: None })) => {
            fields.refuse(transport, "needs `tcp` or `uds`");
        }
        ("HTTPConnect", Some(Transport { uds: Some(uds), .. })) => socket(uds, &transport, fields),
        ("HTTPConnect", Some(Transport { tcp: Some(tcp), .. })) => {
            return over_tcp(tcp, &format!("{transport}.tcp"), fields);
        }
        _ => fields.one_of(format!("{path}.proxyProtocol"), protocol, &["Direct", "GRPC", "HTTPConnect"]),
    }
    vec![]
}

fn socket(uds: &Uds, transport: &str, fields: &mut Fields<'_>) {
    if uds.uds_name.is_empty() {
        fields.require(format!("{transport}.uds.udsName"));
    }
}

fn over_tcp(tcp: &Tcp, path: &str, fields: &mut Fields<'_>) -> Vec<Named> {
    if tcp.url.starts_with("http://") {
        // With `tlsConfig` it is refused, without it kube-apiserver panics (measured with 1.33 to 1.36).
        fields.refuse(
            format!("{path}.url"),
            "kube-apiserver can't connect over plain http: use https, or a socket",
        );
        return vec![];
    }
    if !tcp.url.starts_with("https://") {
        fields.refuse(format!("{path}.url"), format!("{:?} must begin with `https://`", tcp.url));
        return vec![];
    }
    let Some(tls) = &tcp.tls_config else {
        fields.require(format!("{path}.tlsConfig"));
        return vec![];
    };
    let mut named = vec![];
    for (field, file, needed) in [
        ("caBundle", &tls.ca_bundle, false),
        ("clientCert", &tls.client_cert, true),
        ("clientKey", &tls.client_key, true),
    ] {
        let path = format!("{path}.tlsConfig.{field}");
        if !file.is_empty() {
            named.push(Named::file(fields, &path, file));
        } else if needed {
            fields.require(path);
        }
    }
    named
}
