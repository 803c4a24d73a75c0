//! The version of an external etcd, asked over HTTP.

use std::path::Path;
use std::time::Duration;

use kube::Client;
use kube::config::{AuthInfo, Config};

use crate::config::v1beta4::ExternalEtcd;
use crate::host::{block_on, http_client, net};
use crate::pki::Bundle;

/// How long an answer may take. (kubeadm waits 10 s, and tries three times with 5 s between.)
const LIMIT: Duration = Duration::from_secs(4);

/// The answer of `GET <endpoint>/version`, tried twice.
pub(super) fn version(endpoint: &str, etcd: &ExternalEtcd) -> Result<String, String> {
    let answer = block_on(async {
        let client = client(endpoint, etcd)?;
        match get(&client).await {
            Ok(text) => Ok(text),
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(500)).await;
                get(&client).await
            }
        }
    });
    answer.unwrap_or_else(|error| Err(error.to_string()))
}

/// kube's client serves any HTTP server; it is what we have that speaks TLS with client certificates.
fn client(endpoint: &str, etcd: &ExternalEtcd) -> Result<Client, String> {
    let mut config = Config::new(net::server_url(endpoint)?);
    if endpoint.starts_with("https") {
        let file = |path: &str| Some(path.to_owned()).filter(|p| !p.is_empty());
        if !etcd.ca_file.is_empty() {
            let text =
                std::fs::read(Path::new(&etcd.ca_file)).map_err(|e| format!("{}: {e}", etcd.ca_file))?;
            let bundle = Bundle::from_pem(&text).map_err(|e| format!("{}: {e}", etcd.ca_file))?;
            config.root_cert = Some(bundle.iter().map(|c| c.der().to_vec()).collect());
        }
        config.auth_info = AuthInfo {
            client_certificate: file(&etcd.cert_file),
            client_key: file(&etcd.key_file),
            ..AuthInfo::default()
        };
    }
    config.connect_timeout = Some(LIMIT);
    config.proxy_url = None;
    config.default_retry = false;
    http_client(config).map_err(|e| chain(&e))
}

async fn get(client: &Client) -> Result<String, String> {
    let request = tonic::codegen::http::Request::get("/version").body(vec![]).map_err(|e| e.to_string())?;
    match tokio::time::timeout(LIMIT, client.request_text(request)).await {
        Ok(result) => result.map_err(|e| chain(&e)),
        Err(_) => Err(format!("no answer within {} s", LIMIT.as_secs())),
    }
}

/// An error and its causes, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    // kube's own layer says nothing that a reader could use.
    let text = error.to_string();
    let mut text = text.strip_prefix("ServiceError: ").unwrap_or(&text).to_owned();
    let mut source = error.source();
    while let Some(inner) = source {
        let words = inner.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = inner.source();
    }
    text
}
