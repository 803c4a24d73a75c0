//! Pulling an image as people need it: again where trying again can help, and with a fix where it can't.

use std::time::Duration;

use tonic::Code;

use super::{CriCause, CriClient, CriError};

/// How often and how fast a pull is tried.
#[derive(Debug, Clone, Copy)]
pub struct PullPolicy {
    /// How often at the most.
    pub tries: u32,
    /// The pause after the first failure; each further one is twice as long.
    pub pause: Duration,
}

impl Default for PullPolicy {
    /// kubeadm's five tries, within 15 seconds if each fails at once (kubeadm makes no pause).
    fn default() -> Self {
        Self { tries: 5, pause: Duration::from_secs(1) }
    }
}

/// An image that could not be pulled.
#[derive(Debug, thiserror::Error)]
#[error("can't pull {image} (tried {}): {reason}\n  fix: {fix}", times(.tries))]
pub struct PullError {
    /// The image.
    pub image: String,
    /// How often it was tried.
    pub tries: u32,
    /// What the runtime said at last.
    pub reason: CriError,
    /// What to do about it.
    pub fix: &'static str,
}

fn times(tries: &u32) -> String {
    if *tries == 1 { "once".into() } else { format!("{tries} times") }
}

/// Pulls `image`; `again` is told of each failure after which it is tried again.
///
/// # Errors
/// When trying again can't help, or did not.
pub async fn pull(
    client: &CriClient,
    image: &str,
    policy: PullPolicy,
    again: impl Fn(&CriError),
) -> Result<String, PullError> {
    let mut pause = policy.pause;
    let mut tries = 1;
    loop {
        let reason = match client.pull_image(image).await {
            Ok(reference) => return Ok(reference),
            Err(reason) => reason,
        };
        let trouble = Trouble::of(&reason.cause);
        if tries >= policy.tries || !trouble.passing {
            return Err(PullError { image: image.to_owned(), tries, reason, fix: trouble.fix });
        }
        again(&reason);
        tokio::time::sleep(pause).await;
        pause = pause.saturating_mul(2);
        tries += 1;
    }
}

/// A kind of failure of pulls.
struct Trouble {
    /// Words of the runtime, any of which tell it, in lower case.
    signs: &'static [&'static str],
    /// Whether trying again may help.
    passing: bool,
    fix: &'static str,
}

/// What runtimes and registries say, the telling first. Runtimes report nearly all of it with the code `Unknown`, so
/// that only their words tell.
const TROUBLES: [Trouble; 7] = [
    Trouble {
        signs: &["no space left"],
        passing: false,
        fix: "make room where the runtime keeps its images (`df -h`)",
    },
    Trouble {
        signs: &["server gave http response to https client", "does not look like a tls handshake"],
        passing: false,
        fix: "the registry speaks plain HTTP: tell the runtime so (containerd: hosts.toml below /etc/containerd/certs.d)",
    },
    Trouble {
        signs: &["x509:", "failed to verify certificate"],
        passing: false,
        fix: "the runtime does not trust the registry's certificate: give it the registry's CA (containerd: hosts.toml below /etc/containerd/certs.d)",
    },
    Trouble {
        signs: &["unauthorized", "forbidden", "access denied", "is denied", "authorization failed"],
        passing: false,
        fix: "the registry wants credentials, or has no such image: give them to the runtime, or check imageRepository (`--image-repository`)",
    },
    Trouble {
        signs: &["no such host", "name resolution", "server misbehaving"],
        passing: true,
        fix: "the registry's name is not found: check DNS (/etc/resolv.conf), take a registry that this machine reaches (`--image-repository`), or import the images first",
    },
    Trouble {
        signs: &["not found", "manifest unknown", "no such manifest"],
        passing: false,
        fix: "the registry has no such image: check kubernetesVersion and imageRepository (`--kubernetes-version`, `--image-repository`)",
    },
    Trouble {
        signs: &[
            "connection refused",
            "timeout",
            "deadline exceeded",
            "network is unreachable",
            "no route to host",
        ],
        passing: true,
        fix: "the registry is not reached: check the network; behind a proxy, the runtime needs HTTPS_PROXY in its own environment (`systemctl edit containerd`)",
    },
];

/// What runtimes say in other words.
const OTHER: Trouble =
    Trouble { signs: &[], passing: true, fix: "the runtime's log tells more (`journalctl -u containerd`)" };

/// The runtime itself can't be asked.
const RUNTIME: Trouble = Trouble {
    signs: &[],
    passing: false,
    fix: "start the runtime, or name another one's socket (`--cri-socket`)",
};

impl Trouble {
    fn of(cause: &CriCause) -> Self {
        match cause {
            CriCause::Rpc { code: Code::InvalidArgument, .. } => Self { passing: false, ..OTHER },
            CriCause::Rpc { message, .. } => {
                let words = message.to_lowercase();
                let known = TROUBLES.into_iter().find(|t| t.signs.iter().any(|sign| words.contains(sign)));
                known.unwrap_or(OTHER)
            }
            // A runtime that restarts breaks connections.
            CriCause::Timeout { .. } | CriCause::Connection { .. } => Self { passing: true, ..RUNTIME },
            _ => RUNTIME,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tonic::Status;

    use super::*;
    use crate::host::cri::fake::{self, Answer, FakeRuntime};
    use crate::host::cri::proto::PullImageResponse;

    const FAST: PullPolicy = PullPolicy { tries: 3, pause: Duration::from_millis(1) };

    async fn failure(words: &'static str, code: Code) -> (PullError, u32) {
        let runtime = FakeRuntime::start(move |_, _| Answer::Error(Status::new(code, words)));
        let client = CriClient::connect(&runtime.endpoint).await.unwrap();
        let told = Cell::new(0);
        let error = pull(&client, "a:1", FAST, |_| told.set(told.get() + 1)).await.unwrap_err();
        (error, told.get())
    }

    #[tokio::test]
    async fn what_passes_is_tried_again() {
        let calls = AtomicU32::new(0);
        let runtime = FakeRuntime::start(move |_, _| {
            if calls.fetch_add(1, Ordering::SeqCst) < 2 {
                return Answer::Error(Status::unknown("dial tcp 192.0.2.1:443: i/o timeout"));
            }
            fake::message(&PullImageResponse { image_ref: "sha256:a".into() })
        });
        let client = CriClient::connect(&runtime.endpoint).await.unwrap();
        let told = Cell::new(0);
        let reference = pull(&client, "a:1", FAST, |_| told.set(told.get() + 1)).await.unwrap();
        assert_eq!((reference.as_str(), told.get()), ("sha256:a", 2));
    }

    #[tokio::test]
    async fn every_failure_names_image_reason_and_fix() {
        for (words, code, tries, fix) in [
            ("lookup registry.k8s.io: no such host", Code::Unknown, 3, "DNS"),
            ("registry.k8s.io/a:1: not found", Code::NotFound, 1, "has no such image"),
            ("tls: failed to verify certificate: x509: unknown authority", Code::Unknown, 1, "registry's CA"),
            ("unexpected status: 403 Forbidden", Code::Unknown, 1, "credentials"),
            ("something new", Code::Unknown, 3, "log tells more"),
            ("invalid reference format", Code::InvalidArgument, 1, "log tells more"),
        ] {
            let (error, told) = failure(words, code).await;
            assert_eq!((error.tries, told), (tries, tries - 1), "{words}");
            let text = error.to_string();
            assert!(text.contains("a:1") && text.contains(words) && text.contains(fix), "{text}");
        }
    }
}
