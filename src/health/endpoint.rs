//! A health endpoint, asked over HTTP or HTTPS.

use std::time::Duration;

use http::Request;
use kube::Client;

use crate::host::{http_client, net};

/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A health endpoint. Its certificate is not verified, as kubeadm does not: kube-controller-manager and
/// kube-scheduler serve one that they signed themselves.
#[derive(Clone)]
pub(crate) struct Endpoint {
    client: Client,
    path: String,
    url: String,
}

/// What a health endpoint said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Healthy (status 200).
    Healthy,
    /// It answered, but not with 200; its text says which check fails.
    Unhealthy(String),
    /// It did not answer.
    Silent(String),
    /// It is there, but did not answer in time: on a busy machine that says nothing about its health.
    Late(String),
}

impl Endpoint {
    /// The endpoint at `base` (`scheme://host:port`) and `path`.
    ///
    /// # Errors
    /// In words, when `base` is not a URL or TLS can't be set up.
    pub(crate) fn new(base: &str, path: &str) -> Result<Self, String> {
        let url = format!("{base}{path}");
        let mut config = kube::Config::new(net::server_url(base)?);
        config.accept_invalid_certs = true;
        config.connect_timeout = Some(TIMEOUT);
        config.read_timeout = Some(TIMEOUT);
        config.proxy_url = None;
        let client = http_client(config).map_err(|e| format!("{url}: {e}"))?;
        Ok(Self { client, path: path.into(), url })
    }

    /// The endpoint that `client` reaches at `path`, with the client's identity.
    pub(crate) fn with_client(client: Client, base: &str, path: &str) -> Self {
        Self { client, path: path.into(), url: format!("{base}{path}") }
    }

    /// Asks it.
    pub(crate) async fn ask(&self) -> Answer {
        let request = match Request::get(self.path.as_str()).body(vec![]) {
            Ok(request) => request,
            Err(error) => return Answer::Silent(error.to_string()),
        };
        match tokio::time::timeout(TIMEOUT, self.client.request_text(request)).await {
            Err(_) => Answer::Late(format!("{} does not answer within {} s", self.url, TIMEOUT.as_secs())),
            Ok(Ok(_)) => Answer::Healthy,
            Ok(Err(kube::Error::Api(status))) => {
                Answer::Unhealthy(format!("{}: {} {}", self.url, status.code, status.message))
            }
            Ok(Err(error)) => Answer::Silent(format!("{}: {}", self.url, root_cause(&error))),
        }
    }
}

/// The innermost error, which says what happened ("connection refused").
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
