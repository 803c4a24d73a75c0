//! The HTTP client: kube's, with each request and the status of its answer logged.

use std::fmt::Display;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use http::{Request, Response, Uri};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::Client;
use kube::client::retry::RetryPolicy;
use kube::client::{Body, ClientBuilder, ConfigExt};
use tower::layer::layer_fn;
use tower::retry::RetryLayer;
use tower::{BoxError, Service, ServiceBuilder};

/// A client of the server that `config` names.
///
/// # Errors
/// When it names no server, or TLS can't be set up.
pub(crate) fn http_client(mut config: kube::Config) -> kube::Result<Client> {
    if config.accept_invalid_certs {
        // Nobody is trusted or distrusted: this machine's CAs, which take 4 ms to read, are not needed.
        config.root_cert.get_or_insert_default();
    }
    if config.proxy_url.is_some() {
        // kube's features for proxies are off: this is its error, which says so.
        return ClientBuilder::try_from(config).map(ClientBuilder::build);
    }
    let server = origin(&config.cluster_url);
    // kube's own stack, but for the connection: a small request that waits for the acknowledgement of what was sent
    // before (Nagle's algorithm) comes 40 ms late.
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(tcp)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    let retry = config.default_retry.then(|| RetryLayer::new(RetryPolicy::server_retry()));
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(retry)
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector));
    let logged = layer_fn(|inner| Logged { inner, server: server.clone() });
    Ok(ClientBuilder::new(service, config.default_namespace).with_layer(&logged).build())
}

/// Scheme, host and port of a URL: no password that stands in it.
fn origin(url: &Uri) -> String {
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    format!("{}://{}{port}", url.scheme_str().unwrap_or("http"), url.host().unwrap_or_default())
}

/// A service whose requests are logged.
struct Logged<S> {
    inner: S,
    server: String,
}

impl<S, B> Service<Request<Body>> for Logged<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: Display,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // Without the query, where some servers take tokens.
        let asked = format!("{} {}{}", request.method(), self.server, request.uri().path());
        let line = Line { asked, start: Instant::now(), outcome: None };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            line.end(match &answer {
                Ok(answer) => answer.status().to_string(),
                Err(error) => error.to_string(),
            });
            answer
        })
    }
}

/// The line of one request, logged when that is over, even if it is given up.
struct Line {
    asked: String,
    start: Instant,
    outcome: Option<String>,
}

impl Line {
    fn end(mut self, outcome: String) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let outcome = self.outcome.as_deref().unwrap_or("given up without an answer");
        tracing::trace!("{}: {outcome} ({:.3} s)", self.asked, self.start.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;
    use crate::host::{block_on, net};
    use crate::logging::logged;

    /// What is logged of one request to a server that answers so, or not at all.
    fn log_of(answer: Option<&'static str>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let _ = socket.read(&mut [0; 2048]);
            if let Some(answer) = answer {
                socket.write_all(answer.as_bytes()).unwrap();
            }
            // It stays open until the client was done with it.
            socket
        });
        // An answer that will come is waited for, however busy the machine is.
        let patience = Duration::from_secs(if answer.is_some() { 60 } else { 1 });
        let log = logged(tracing::Level::TRACE, || {
            let ask = async {
                let mut config = kube::Config::new(net::server_url(&server).unwrap());
                config.auth_info.token = Some("hush-hush".to_owned().into());
                config.default_retry = false;
                let request = Request::get("/api/v1/x?token=hush-hush").body(Body::empty()).unwrap();
                let client = http_client(config).unwrap();
                let _ = tokio::time::timeout(patience, client.send(request)).await;
            };
            block_on(ask).unwrap();
        });
        serving.join().unwrap();
        assert!(!log.contains("hush"), "{log}");
        log.replace(&server, "SERVER")
    }

    #[test]
    fn requests_are_logged_with_their_outcome_and_without_tokens() {
        let log = log_of(Some("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"));
        assert!(log.contains("TRACE GET SERVER/api/v1/x: 403 Forbidden ("), "{log}");
        assert_eq!(log.lines().count(), 1, "{log}");
        let log = log_of(None);
        assert!(log.contains("GET SERVER/api/v1/x: given up without an answer (1."), "{log}");
    }

    #[test]
    fn password_in_a_url_is_not_logged() {
        assert_eq!(origin(&"https://me:hush@[::1]:6443/x?y".parse().unwrap()), "https://[::1]:6443");
    }
}
