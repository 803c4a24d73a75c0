//! Why etcd can't be reached, as far as the connection tells.

use std::error::Error;
use std::io;
use std::time::Duration;

/// Why an endpoint is not reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Cause {
    /// Nobody listens.
    #[error("connection refused: etcd is not running there")]
    NotListening,
    /// Nobody answers.
    #[error(
        "no connection within {} s: the machine is down, or a firewall is between",
        after.as_secs()
    )]
    Silent {
        /// How long it was tried.
        after: Duration,
    },
    /// The server's certificate is not trusted.
    #[error("its certificate is not trusted ({reason}): it must be signed by etcd's CA for this address")]
    ServerCertificate {
        /// What is wrong with it.
        reason: String,
    },
    /// The server does not take our certificate.
    #[error(
        "it refuses the client certificate ({reason}): it must be signed by etcd's CA and not be expired"
    )]
    ClientCertificate {
        /// What it said.
        reason: String,
    },
    /// What listens there is not etcd's gRPC API over TLS.
    #[error("what listens there is not etcd's gRPC API over TLS ({reason})")]
    NotEtcd {
        /// What was met.
        reason: String,
    },
    /// The connection failed for another reason.
    #[error("{reason}")]
    Connection {
        /// The innermost error.
        reason: String,
    },
}

impl Cause {
    /// What a failure below gRPC means.
    pub(in crate::etcd) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut reason = error.to_string();
        let mut next = Some(error);
        while let Some(cause) = next {
            reason = cause.to_string();
            let io = cause.downcast_ref::<io::Error>();
            if io.is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused) {
                return Self::NotListening;
            }
            if let Some(cause) = cause.downcast_ref::<rustls::Error>() {
                return Self::of_tls(cause);
            }
            // An `io::Error` hides what it holds from `source`, if that is its only text.
            next = match io.and_then(io::Error::get_ref) {
                Some(held) => Some(held as &(dyn Error + 'static)),
                None => cause.source(),
            };
        }
        // What breaks an established connection comes as text alone.
        if let Some(alert) = reason.strip_prefix("received fatal alert: ") {
            return Self::ClientCertificate { reason: alert.to_owned() };
        }
        if reason.contains("HTTP/2 was not negotiated") || reason.contains("frame with invalid size") {
            return Self::NotEtcd { reason };
        }
        Self::Connection { reason }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        let reason = error.to_string();
        match error {
            rustls::Error::InvalidCertificate(_) => {
                Self::ServerCertificate { reason: reason.replace("invalid peer certificate: ", "") }
            }
            rustls::Error::AlertReceived(alert) => Self::ClientCertificate { reason: format!("{alert:?}") },
            rustls::Error::InvalidMessage(_) => Self::NotEtcd { reason },
            _ => Self::Connection { reason },
        }
    }
}
