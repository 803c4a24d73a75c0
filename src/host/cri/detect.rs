//! Which of a machine's sockets speak CRI v1.

use super::{CriCause, CriClient, CriEndpoint, CriError, RuntimeVersion};

/// What was found at one socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// The socket.
    pub endpoint: CriEndpoint,
    /// What it answered.
    pub answer: Answer,
}

/// What a socket answered when asked for its CRI version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It speaks CRI v1.
    Speaks(RuntimeVersion),
    /// The socket exists, but the answer was none or the wrong one; the error says why.
    Fails(CriError),
    /// There is no socket.
    Absent,
}

/// Asks each candidate, in order, whether it speaks CRI v1; one result for each.
///
/// kubeadm only looks whether the socket's file exists, and so offers the user runtimes that stopped long ago.
pub async fn detect(candidates: &[CriEndpoint]) -> Vec<Detected> {
    let mut found = Vec::with_capacity(candidates.len());
    for endpoint in candidates {
        let answer = match ask(endpoint).await {
            Ok(version) => Answer::Speaks(version),
            Err(error) if error.cause == CriCause::NoSocket => Answer::Absent,
            Err(error) => Answer::Fails(error),
        };
        found.push(Detected { endpoint: endpoint.clone(), answer });
    }
    found
}

async fn ask(endpoint: &CriEndpoint) -> Result<RuntimeVersion, CriError> {
    CriClient::connect(endpoint).await?.version().await
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;
    use tonic::Status;

    use super::*;
    use crate::host::cri::fake::{self, FakeRuntime, socket};
    use crate::host::cri::proto::VersionResponse;

    #[tokio::test]
    async fn tells_apart_what_speaks_what_fails_and_what_is_absent() {
        let speaks = FakeRuntime::start(|_, _| {
            fake::message(&VersionResponse {
                version: "0.1.0".into(),
                runtime_name: "containerd".into(),
                runtime_version: "v2.1.4".into(),
                runtime_api_version: "v1".into(),
            })
        });
        let disabled = FakeRuntime::start(|_, _| fake::Answer::Error(Status::unimplemented("")));
        let (_stale_dir, stale) = socket();
        drop(UnixListener::bind(stale.path()).unwrap());
        let (_absent_dir, absent) = socket();

        let candidates = [absent, stale, disabled.endpoint.clone(), speaks.endpoint.clone()];
        let found = detect(&candidates).await;

        assert_eq!(found.iter().map(|d| d.endpoint.clone()).collect::<Vec<_>>(), candidates);
        let answers: Vec<_> = found.into_iter().map(|d| d.answer).collect();
        let [Answer::Absent, Answer::Fails(stale), Answer::Fails(disabled), Answer::Speaks(version)] =
            &answers[..]
        else {
            panic!("{answers:?}");
        };
        assert_eq!(stale.cause, CriCause::NotListening);
        assert_eq!(disabled.cause, CriCause::NotCri { evidence: "unimplemented".to_owned() });
        assert_eq!(
            (version.name.as_str(), version.version.as_str(), version.api_version.as_str()),
            ("containerd", "v2.1.4", "v1")
        );
    }
}
