//! Where a container runtime listens.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// The unix socket of a container runtime; shown as kubelet wants it, `unix:///run/containerd/containerd.sock`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CriEndpoint {
    path: String,
}

impl CriEndpoint {
    /// The socket's absolute path.
    pub(crate) fn path(&self) -> &Path {
        Path::new(&self.path)
    }
}

/// Why a text is no [`CriEndpoint`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EndpointError {
    /// No text.
    #[error("the CRI endpoint is empty; expected something like `unix:///run/containerd/containerd.sock`")]
    Empty,
    /// A transport other than a unix socket: kubelet on Linux speaks no other.
    #[error("CRI endpoint `{input}` has the scheme `{scheme}`; only `unix` is supported")]
    Scheme {
        /// What was given.
        input: String,
        /// Its scheme.
        scheme: String,
    },
    /// The path does not start at the root; with `unix://run/x.sock` a URL reader takes `run` for a host.
    #[error("CRI endpoint `{input}` has no absolute path; did you mean `unix:///{path}`?")]
    Relative {
        /// What was given.
        input: String,
        /// Its path.
        path: String,
    },
}

impl FromStr for CriEndpoint {
    type Err = EndpointError;

    /// Reads `unix:///path`, `unix:/path` or, as kubeadm still does, a bare absolute path.
    fn from_str(input: &str) -> Result<Self, EndpointError> {
        let input = input.trim();
        let path = match input.split_once(':') {
            Some(("unix", rest)) => rest.strip_prefix("//").unwrap_or(rest),
            Some((scheme, _)) if !scheme.contains('/') => {
                return Err(EndpointError::Scheme { input: input.to_owned(), scheme: scheme.to_owned() });
            }
            _ => input,
        };
        if path.is_empty() {
            return Err(EndpointError::Empty);
        }
        if !path.starts_with('/') {
            return Err(EndpointError::Relative { input: input.to_owned(), path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned() })
    }
}

impl fmt::Display for CriEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix://{}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_urls_and_bare_paths() {
        for text in ["unix:///run/c.sock", "unix:/run/c.sock", "/run/c.sock", " /run/c.sock\n"] {
            let endpoint: CriEndpoint = text.parse().unwrap();
            assert_eq!(endpoint.to_string(), "unix:///run/c.sock", "from {text:?}");
            assert_eq!(endpoint.path(), Path::new("/run/c.sock"));
        }
        assert_eq!("/run/a:b.sock".parse::<CriEndpoint>().unwrap().to_string(), "unix:///run/a:b.sock");
    }

    #[test]
    fn refuses_endpoints_that_are_not_unix_sockets() {
        let refused = |text: &str| text.parse::<CriEndpoint>().unwrap_err().to_string();
        assert_eq!(refused("unix://"), EndpointError::Empty.to_string());
        assert_eq!(refused(""), EndpointError::Empty.to_string());
        assert_eq!(
            refused("tcp://127.0.0.1:1234"),
            "CRI endpoint `tcp://127.0.0.1:1234` has the scheme `tcp`; only `unix` is supported"
        );
        assert_eq!(
            refused("unix://run/c.sock"),
            "CRI endpoint `unix://run/c.sock` has no absolute path; did you mean `unix:///run/c.sock`?"
        );
        assert_eq!(
            refused("run/c.sock"),
            "CRI endpoint `run/c.sock` has no absolute path; did you mean `unix:///run/c.sock`?"
        );
    }
}
