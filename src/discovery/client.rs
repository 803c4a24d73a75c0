//! One request to a server that nobody vouches for yet, or whose certificate is checked, and what its failure means.

mod address;

use std::error::Error;
use std::io;
use std::time::Duration;

use http::{Request, header};
use http_body_util::{BodyExt, Limited};
use kube::client::Body;
use kube::config::KubeConfigOptions;
use kube::{Client, Config};
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};
use tokio::time::timeout;

use super::cause::Cause;
use super::certificate;
use crate::host::{http_client, net};
use crate::kubeconfig::Kubeconfig;
use crate::pki::Bundle;
pub(super) use address::Address;

/// How long an answer may take: kubeadm's limit.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read: etcd's limit of an object, and room for its JSON.
const LONGEST_ANSWER: usize = 4 << 20;

/// A server's answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) code: u16,
    /// The server's time.
    pub(super) date: Option<OffsetDateTime>,
    /// Its body.
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The server's time, or ours if it does not say.
    pub(super) fn now(&self) -> OffsetDateTime {
        self.date.unwrap_or_else(super::now)
    }
}

/// By whose signature a server's certificate counts.
enum Trust {
    /// Anybody's.
    Nobody,
    /// The cluster's CA.
    Ca(Box<Bundle>),
    /// One of the CAs that this machine trusts.
    Machine,
}

/// A way to a server.
pub(super) struct Caller {
    client: Client,
    pub(super) address: Address,
    trust: Trust,
    /// What we show it, in words; empty if nothing.
    credentials: String,
}

impl Caller {
    /// To a server whatever its certificate, as nobody.
    pub(super) fn unverified(url: &str) -> Result<Self, Cause> {
        let (address, uri) = parse(url)?;
        let mut config = Config::new(uri);
        config.accept_invalid_certs = true;
        // Or the machine's CAs would be loaded, which it may lack.
        config.root_cert = Some(vec![]);
        Self::new(config, address, Trust::Nobody, String::new())
    }

    /// To a server whose certificate `ca` signed, as nobody.
    pub(super) fn trusting(url: &str, ca: &Bundle) -> Result<Self, Cause> {
        let (address, uri) = parse(url)?;
        let mut config = Config::new(uri);
        config.root_cert = Some(ca.iter().map(|c| c.der().to_vec()).collect());
        Self::new(config, address, Trust::Ca(Box::new(ca.clone())), String::new())
    }

    /// To the server of a URL, whose certificate must be one that this machine trusts, as nobody.
    pub(super) fn public(url: &str) -> Result<Self, Cause> {
        let (address, _) = parse(url)?;
        // Without the path, which would be put before that of every request.
        let (_, uri) = parse(&format!("https://{address}"))?;
        Self::new(Config::new(uri), address, Trust::Machine, String::new())
    }

    /// To the server of a kubeconfig's current context, as its user. `credentials` says in words what that is.
    pub(super) async fn with_kubeconfig(
        kubeconfig: &Kubeconfig,
        ca: Option<&Bundle>,
        credentials: &str,
    ) -> Result<Self, Cause> {
        let unusable = |reason: String| Cause::Client { reason };
        let server = kubeconfig.current_cluster().map(|c| c.server.clone()).unwrap_or_default();
        let (address, _) = parse(&server)?;
        let value = serde_json::to_value(kubeconfig).map_err(|e| unusable(e.to_string()))?;
        // Without the parser's words, which may repeat a secret.
        let form = |_| unusable("the kubeconfig does not have the form of one".into());
        let kubeconfig = serde_json::from_value(value).map_err(form)?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .map_err(|e| unusable(e.to_string()))?;
        let trust = ca.map_or(Trust::Machine, |ca| Trust::Ca(Box::new(ca.clone())));
        Self::new(config, address, trust, credentials.to_owned())
    }

    fn new(mut config: Config, address: Address, trust: Trust, credentials: String) -> Result<Self, Cause> {
        // What fails is repeated by our own rules; a cluster's own network is reached without a proxy.
        config.default_retry = false;
        config.proxy_url = None;
        config.connect_timeout = Some(REQUEST_TIMEOUT);
        let client = http_client(config).map_err(|e| Cause::Client { reason: chain(&e) })?;
        Ok(Self { client, address, trust, credentials })
    }

    /// Asks for `path`. What is no success is a cause, that of a Kubernetes API server.
    pub(super) async fn get(&self, path: &str) -> Result<Answer, Cause> {
        let answer = self.fetch(path).await?;
        if (200..300).contains(&answer.code) { Ok(answer) } else { Err(self.refusal(&answer)) }
    }

    /// Asks for `path`, whatever is answered.
    pub(super) async fn fetch(&self, path: &str) -> Result<Answer, Cause> {
        let request = Request::get(path)
            .header(header::ACCEPT, "application/json")
            .body(Body::empty())
            .map_err(|e| Cause::Client { reason: e.to_string() })?;
        let asked = async {
            let answer = self.client.send(request).await.map_err(Failed::Connection)?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(Failed::Body)?;
            let date = head.headers.get(header::DATE).and_then(|d| d.to_str().ok()).and_then(http_date);
            Ok(Answer { code: head.status.as_u16(), date, body: body.to_bytes().to_vec() })
        };
        match timeout(REQUEST_TIMEOUT, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Failed::Connection(error))) => Err(self.unreached(&error).await),
            Ok(Err(Failed::Body(error))) => {
                Err(Cause::Broken { address: self.address.to_string(), reason: error.to_string() })
            }
            Err(_) => Err(Cause::Silent { address: self.address.to_string(), limit: REQUEST_TIMEOUT }),
        }
    }

    /// What an answer says that is no success.
    fn refusal(&self, answer: &Answer) -> Cause {
        let address = self.address.to_string();
        let status: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
        let status = status.filter(|s| s.get("kind").and_then(|k| k.as_str()) == Some("Status"));
        let message =
            status.as_ref().and_then(|s| s.get("message")).and_then(|m| m.as_str()).unwrap_or_default();
        let message = message.to_owned();
        match (answer.code, status.is_some()) {
            // Of a component that serves no objects, such as kube-scheduler.
            (403, true) if message.contains("cannot get path") => Cause::NotKubernetes {
                address,
                what: "a Kubernetes component that serves no API objects".into(),
            },
            (401, true) if self.credentials.is_empty() => Cause::Anonymous { address },
            (401, true) => Cause::Unauthorized { address, credentials: self.credentials.clone() },
            (403, true) if self.credentials.is_empty() => {
                Cause::Forbidden { address, message, ready: true, new: false }
            }
            (403, true) => Cause::NotForKnown { address, credentials: self.credentials.clone(), message },
            (404, true) => Cause::NoClusterInfo { address },
            (code @ (429 | 500..=599), is_status) => {
                let text = if is_status { message } else { first_line(&answer.body) };
                Cause::Unavailable { address, code, message: text }
            }
            (code, true) => Cause::NotKubernetes { address, what: format!("HTTP {code}: {message}") },
            (code, false) => {
                let text = first_line(&answer.body);
                let what =
                    if text.is_empty() { format!("HTTP {code}") } else { format!("HTTP {code}: {text}") };
                Cause::NotKubernetes { address, what }
            }
        }
    }

    /// Why there was no answer.
    async fn unreached(&self, error: &kube::Error) -> Cause {
        let address = || self.address.to_string();
        let mut reason = error.to_string();
        for cause in causes(error) {
            reason = cause.to_string();
            if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
                return self.untrusted(tls).await;
            }
            let Some(io) = cause.downcast_ref::<io::Error>() else { continue };
            if let Some((why, definite)) = net::unresolved(&reason) {
                let host = self.address.host.clone();
                return Cause::Unresolved { host, reason: why.to_owned(), definite };
            }
            match io.kind() {
                io::ErrorKind::ConnectionRefused => return Cause::Refused { address: address() },
                io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                    return Cause::Unreachable { address: address(), reason };
                }
                io::ErrorKind::TimedOut => {
                    return Cause::Silent { address: address(), limit: REQUEST_TIMEOUT };
                }
                _ => {}
            }
        }
        Cause::Broken { address: address(), reason }
    }

    /// Why there was no TLS connection.
    async fn untrusted(&self, error: &rustls::Error) -> Cause {
        let address = self.address.to_string();
        match error {
            rustls::Error::InvalidMessage(_) => Cause::NotTls { address },
            rustls::Error::InvalidCertificate(_) => {
                let reason = error.to_string();
                let expected = match &self.trust {
                    Trust::Ca(ca) => Some(ca.as_ref()),
                    Trust::Nobody | Trust::Machine => None,
                };
                certificate::judge(&self.address, expected, reason).await
            }
            other => Cause::Handshake { address, reason: other.to_string() },
        }
    }
}

/// What failed in a request.
enum Failed {
    Connection(kube::Error),
    Body(Box<dyn Error + Send + Sync>),
}

fn parse(url: &str) -> Result<(Address, http::Uri), Cause> {
    Address::of_url(url).map_err(|reason| Cause::Client { reason })
}

/// An error and those that it comes from, an `io::Error`'s content too, which `source` passes over.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| {
        let held = cause.downcast_ref::<io::Error>().and_then(|e| e.get_ref());
        held.map(|e| e as &(dyn Error + 'static)).or_else(|| cause.source())
    })
}

fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    texts.dedup();
    texts.join(": ")
}

/// The beginning of a text that is meant for people: it may be long, and HTML.
fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..512).unwrap_or(body)).into_owned();
    let line = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(120).collect()
}

/// The header `Date` (RFC 9110 §5.6.7).
fn http_date(text: &str) -> Option<OffsetDateTime> {
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    PrimitiveDateTime::parse(text, format).ok().map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_http() {
        let date = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(date.unix_timestamp(), 784_111_777);
        assert!(http_date("yesterday").is_none());
    }

    #[test]
    fn addresses_of_urls() {
        for (url, want) in [
            ("https://10.0.0.1:6443", "10.0.0.1:6443"),
            ("https://cp.lab.test", "cp.lab.test:443"),
            ("https://[fd00::1]:6443/x", "[fd00::1]:6443"),
        ] {
            assert_eq!(Address::of_url(url).unwrap().0.to_string(), want);
        }
        assert!(Address::of_url("cp.lab.test:6443").is_err());
    }
}
