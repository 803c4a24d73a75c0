//! What can go wrong between us and a runtime, distinguished by what has to be fixed.

use std::error::Error;
use std::io;
use std::time::Duration;

use tonic::{Code, Status};

use super::CriEndpoint;

/// A call to the container runtime that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("container runtime at `{endpoint}`, {call}: {cause}")]
pub(crate) struct CriError {
    /// The socket.
    pub endpoint: CriEndpoint,
    /// The CRI method, such as `RunPodSandbox`; `connect` when no call was under way yet.
    pub call: &'static str,
    /// What happened.
    pub cause: CriCause,
}

impl CriError {
    /// Whether the runtime said that it has only just been started: containerd's words until its CRI plugin is ready
    /// (its instrumented service), under a code that changed with its versions.
    pub(crate) fn is_starting(&self) -> bool {
        matches!(&self.cause, CriCause::Rpc { message, .. } if message.contains("not initialized yet"))
    }
}

/// What happened to a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CriCause {
    /// There is no file at the socket's path.
    #[error("the socket does not exist: the runtime is not installed, not running, or listens elsewhere")]
    NoSocket,
    /// The file is there, the connection is refused: what a runtime that stopped or crashed leaves behind.
    #[error("the socket exists but nobody listens on it (connection refused): the runtime is not running")]
    NotListening,
    /// This user may not open the socket.
    #[error("permission denied on the socket: it is usually open to root only")]
    PermissionDenied,
    /// gRPC is spoken, CRI v1 is not. containerd answers so when its CRI plugin is in `disabled_plugins` or
    /// failed to load.
    #[error(
        "it answers, but does not serve CRI v1 ({evidence}): is its CRI plugin disabled, \
         or did it fail to load?"
    )]
    NotCri {
        /// The runtime's own words.
        evidence: String,
    },
    /// What listens there does not speak gRPC at all.
    #[error("what listens there does not speak gRPC ({evidence}): is it the runtime's CRI socket?")]
    NotGrpc {
        /// What the HTTP/2 layer met.
        evidence: String,
    },
    /// No answer in time.
    #[error("no answer within {after:?}: it hangs, is overloaded, or is not a CRI socket at all")]
    Timeout {
        /// How long the call waited.
        after: Duration,
    },
    /// The runtime answered with an error.
    #[error("{code:?}: {message}")]
    Rpc {
        /// The gRPC status code.
        code: Code,
        /// The runtime's own words.
        message: String,
    },
    /// The answer breaks CRI v1: it cannot be decoded, or lacks what the API requires.
    #[error("the answer is not valid CRI v1: {message}")]
    BadReply {
        /// What is wrong with it.
        message: String,
    },
    /// The connection broke for another reason.
    #[error("the connection failed: {message}")]
    Connection {
        /// The chain of causes.
        message: String,
    },
}

impl CriCause {
    /// Sorts a failed call. `version` says whether it was Version, which every CRI v1 runtime implements.
    pub(super) fn from_status(status: &Status, version: bool) -> Self {
        // Only a status made on this side, from a transport error, has a source.
        if let Some(source) = status.source() {
            return Self::from_transport(source);
        }
        let message = status.message();
        match status.code() {
            Code::Unimplemented if version || message.contains("unknown service") => {
                Self::NotCri { evidence: evidence(message) }
            }
            // tonic-prost reports an undecodable reply as this status, as if the server had said it.
            Code::Internal if message.starts_with("failed to decode Protobuf message") => {
                Self::BadReply { message: message.to_owned() }
            }
            code => Self::Rpc { code, message: message.to_owned() },
        }
    }

    /// Sorts a failure below gRPC by the first I/O error in its chain of causes.
    pub(super) fn from_transport(error: &(dyn Error + 'static)) -> Self {
        let chain: Vec<&dyn Error> = std::iter::successors(Some(error), |&e| e.source()).collect();
        let message = chain.iter().map(ToString::to_string).collect::<Vec<_>>().join(": ");
        match chain.iter().find_map(|e| e.downcast_ref::<io::Error>()).map(io::Error::kind) {
            Some(io::ErrorKind::NotFound) => Self::NoSocket,
            Some(io::ErrorKind::ConnectionRefused) => Self::NotListening,
            Some(io::ErrorKind::PermissionDenied) => Self::PermissionDenied,
            // h2's words for bytes that are no HTTP/2; "received" in their place is a server saying goodbye.
            None if message.contains("connection error detected") => Self::NotGrpc { evidence: message },
            _ => Self::Connection { message },
        }
    }
}

fn evidence(message: &str) -> String {
    if message.is_empty() { "unimplemented".to_owned() } else { message.to_owned() }
}
