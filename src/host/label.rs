//! Labels such as `stable-1.36`: looked up on the internet, which nothing else here asks.

use std::time::Duration;

use http::{Request, StatusCode, Uri};
use kube::client::Body;

use super::{block_on, http_client, net};
use crate::config::KubernetesVersion;

/// Where Kubernetes publishes what its labels stand for.
pub(crate) const RELEASES: &str = "https://dl.k8s.io";
/// The same for versions that its CI built (`ci/…`).
pub(crate) const CI_RELEASES: &str = "https://storage.googleapis.com";
/// How long all of it may take, as in kubeadm.
const LIMIT: Duration = Duration::from_secs(10);
/// How many redirections are followed.
const HOPS: usize = 5;
/// How much of an answer is read; a version is some ten bytes.
const MAX_ANSWER: usize = 4096;

/// The version that `label` stands for now (kubeadm's rule: `<label>.txt` below the release folder).
///
/// # Errors
/// In words, when it can't be looked up or the answer is no version.
pub(crate) fn resolve(label: &str) -> Result<KubernetesVersion, String> {
    let url = match label.strip_prefix("ci/") {
        Some(name) => format!("{CI_RELEASES}/k8s-release-dev/ci/{name}.txt"),
        None => format!("{RELEASES}/release/{}.txt", label.strip_prefix("release/").unwrap_or(label)),
    };
    let answer = block_on(async {
        match tokio::time::timeout(LIMIT, get(&url)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} s", LIMIT.as_secs())),
        }
    });
    let answer = answer.unwrap_or_else(|error| Err(error.to_string()));
    let text = answer.map_err(|why| format!("{url}: {why}"))?;
    text.trim().parse().map_err(|e| format!("{url}: {e}"))
}

/// The text at `url`, through redirections.
async fn get(url: &str) -> Result<String, String> {
    let mut url = net::server_url(url)?;
    for _ in 0..HOPS {
        let client = http_client(kube::Config::new(url.clone())).map_err(|e| e.to_string())?;
        let path = url.path_and_query().map_or("/", |p| p.as_str());
        let request = Request::get(path).body(Body::empty()).map_err(|e| e.to_string())?;
        let answer = client.send(request).await.map_err(|e| e.to_string())?;
        match answer.status() {
            StatusCode::OK => {
                let body = answer.into_body().collect_bytes().await.map_err(|e| e.to_string())?;
                let bytes = body.get(..body.len().min(MAX_ANSWER)).unwrap_or_default();
                return Ok(String::from_utf8_lossy(bytes).into_owned());
            }
            status if status.is_redirection() => {
                let location = answer.headers().get(http::header::LOCATION).and_then(|l| l.to_str().ok());
                let location = location.ok_or("a redirection to nowhere")?;
                url = if location.starts_with('/') {
                    let mut parts = url.into_parts();
                    parts.path_and_query = location.parse().ok();
                    Uri::from_parts(parts).map_err(|e| format!("a redirection to {location}: {e}"))?
                } else {
                    net::server_url(location).map_err(|e| format!("a redirection: {e}"))?
                };
            }
            status => return Err(format!("HTTP {status}")),
        }
    }
    Err(format!("more than {HOPS} redirections"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers one request after the other.
    fn serve(answers: Vec<String>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let answers: Vec<String> = answers.into_iter().map(|a| a.replace("BASE", &base)).collect();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut buffer = [0; 2048];
                let _ = stream.read(&mut buffer).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        base
    }

    fn ask(base: &str) -> Result<String, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(get(&format!("{base}/release/stable.txt")))
    }

    #[test]
    fn redirections_are_followed_and_failures_told() {
        let found = "HTTP/1.1 302 Found\r\nLocation: BASE/cdn/stable.txt\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let version = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nv1.36.4\n";
        assert_eq!(ask(&serve(vec![found.into(), version.into()])).unwrap(), "v1.36.4\n");
        let missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        assert!(ask(&serve(vec![missing.into()])).unwrap_err().contains("404"));
        assert!(ask(&serve(vec![found.into(); HOPS])).unwrap_err().contains("redirections"));
    }
}
