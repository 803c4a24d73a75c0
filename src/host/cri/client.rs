//! The connection to a runtime, and one call over it.

use std::time::{Duration, Instant};

use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use super::proto::{Call, VersionRequest};
use super::{CriCause, CriEndpoint, CriError};

/// How long a call that only asks may take: kubeadm's limit.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a call that has the runtime do work may take (starting, stopping and removing sandboxes and
/// containers): kubelet's default `runtimeRequestTimeout`. kubeadm allows these 2 s as well, and then retries;
/// but a sandbox's start may include the pull of its pause image, and its stop the network plugin's work.
pub(crate) const WORK_TIMEOUT: Duration = Duration::from_secs(120);

/// kubelet's limit for one reply; gRPC's own, 4 MiB, is too small for a node with many images.
const MAX_REPLY_BYTES: usize = 16 * 1024 * 1024;

/// A connection to a runtime's CRI v1 socket. Cheap to clone; connects again by itself when the runtime restarts.
#[derive(Debug, Clone)]
pub(crate) struct CriClient {
    endpoint: CriEndpoint,
    channel: Channel,
    call_timeout: Duration,
    work_timeout: Duration,
}

impl CriClient {
    /// Opens the socket. Whether CRI v1 is served there shows only in the first call: [`CriClient::version`].
    ///
    /// # Errors
    /// When the socket does not exist, may not be opened, or nothing listens; `call` is then `connect`.
    pub(crate) async fn connect(endpoint: &CriEndpoint) -> Result<Self, CriError> {
        let failed = |cause| CriError { endpoint: endpoint.clone(), call: "connect", cause };
        let transport = Endpoint::from_shared(endpoint.to_string())
            .map_err(|error| failed(CriCause::from_transport(&error)))?;
        let channel = match tokio::time::timeout(CALL_TIMEOUT, transport.connect()).await {
            Err(_) => return Err(failed(CriCause::Timeout { after: CALL_TIMEOUT })),
            Ok(Err(error)) => return Err(failed(CriCause::from_transport(&error))),
            Ok(Ok(channel)) => channel,
        };
        tracing::debug!("{endpoint}: connected");
        let endpoint = endpoint.clone();
        Ok(Self { endpoint, channel, call_timeout: CALL_TIMEOUT, work_timeout: WORK_TIMEOUT })
    }

    /// The same connection with `limit` for every call in place of [`CALL_TIMEOUT`] and [`WORK_TIMEOUT`].
    /// Image pulls stay without a limit.
    #[must_use]
    pub(crate) fn with_timeout(self, limit: Duration) -> Self {
        Self { call_timeout: limit, work_timeout: limit, ..self }
    }

    /// The socket this client talks to.
    pub(crate) fn endpoint(&self) -> &CriEndpoint {
        &self.endpoint
    }

    /// A call that only asks.
    pub(super) async fn ask<R: Call>(&self, request: R) -> Result<R::Reply, CriError> {
        self.call(request, Some(self.call_timeout)).await
    }

    /// A call that makes the runtime do work; `extra` is time the request itself grants the runtime.
    pub(super) async fn order<R: Call>(&self, request: R, extra: Duration) -> Result<R::Reply, CriError> {
        self.call(request, Some(self.work_timeout.saturating_add(extra))).await
    }

    /// A call, limited in time or not. A call given up is cancelled at the runtime too.
    pub(super) async fn call<R: Call>(
        &self,
        request: R,
        limit: Option<Duration>,
    ) -> Result<R::Reply, CriError> {
        let start = Instant::now();
        let attempt = self.attempt(request);
        let result = match limit {
            None => attempt.await,
            Some(after) => {
                let in_time = tokio::time::timeout(after, attempt).await;
                in_time.unwrap_or(Err(CriCause::Timeout { after }))
            }
        };
        let outcome = result.as_ref().map_or_else(ToString::to_string, |_| "ok".into());
        let took = start.elapsed().as_secs_f64();
        tracing::debug!("{} {}: {outcome} ({took:.3} s)", self.endpoint, R::METHOD);
        result.map_err(|cause| self.error(R::METHOD, cause))
    }

    async fn attempt<R: Call>(&self, request: R) -> Result<R::Reply, CriCause> {
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(MAX_REPLY_BYTES);
        grpc.ready().await.map_err(|error| CriCause::from_transport(&error))?;
        let path = PathAndQuery::from_static(R::PATH);
        let codec = ProstCodec::<R, R::Reply>::default();
        match grpc.unary(tonic::Request::new(request), path, codec).await {
            Ok(reply) => Ok(reply.into_inner()),
            Err(status) => Err(CriCause::from_status(&status, R::METHOD == VersionRequest::METHOD)),
        }
    }

    /// The error of a reply that lacks a field CRI v1 requires.
    pub(super) fn missing(&self, call: &'static str, field: &str) -> CriError {
        self.error(call, CriCause::BadReply { message: format!("it has no `{field}`") })
    }

    pub(super) fn error(&self, call: &'static str, cause: CriCause) -> CriError {
        CriError { endpoint: self.endpoint.clone(), call, cause }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixListener;
    use tonic::Status;

    use super::*;
    use crate::host::cri::fake::{Answer, FakeRuntime, message, socket};
    use crate::host::cri::proto::{Image, ListImagesResponse, VersionResponse};

    async fn cause_of_connecting(endpoint: &CriEndpoint) -> CriCause {
        let error = CriClient::connect(endpoint).await.unwrap_err();
        assert_eq!((error.call, &error.endpoint), ("connect", endpoint));
        error.cause
    }

    async fn cause_of_version(endpoint: &CriEndpoint) -> CriCause {
        let error = CriClient::connect(endpoint).await.unwrap().version().await.unwrap_err();
        assert_eq!((error.call, &error.endpoint), ("Version", endpoint));
        error.cause
    }

    /// A socket whose listener sends `bytes` to whoever connects, and then closes or stays silent.
    fn listener_sending(bytes: &'static [u8], close: bool) -> (tempfile::TempDir, CriEndpoint) {
        let (dir, endpoint) = socket();
        let listener = UnixListener::bind(endpoint.path()).unwrap();
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut connection, _)) = listener.accept().await {
                // Servers read before they answer.
                let _ = connection.read(&mut [0; 256]).await;
                // The client may have gone already; what it says is what the test looks at.
                let _ = connection.write_all(bytes).await;
                if !close {
                    open.push(connection);
                }
            }
        });
        (dir, endpoint)
    }

    #[tokio::test]
    async fn no_socket() {
        let (_dir, endpoint) = socket();
        assert_eq!(cause_of_connecting(&endpoint).await, CriCause::NoSocket);
    }

    #[tokio::test]
    async fn socket_without_listener() {
        let (_dir, endpoint) = socket();
        drop(UnixListener::bind(endpoint.path()).unwrap());
        let error = CriClient::connect(&endpoint).await.unwrap_err();
        assert_eq!(error.cause, CriCause::NotListening);
        assert_eq!(
            error.to_string(),
            format!(
                "container runtime at `{endpoint}`, connect: the socket exists but nobody listens on it \
                 (connection refused): the runtime is not running"
            )
        );
    }

    #[test]
    fn io_errors_are_found_in_the_chain_of_causes() {
        let cause = |kind| {
            let outer = std::io::Error::other(std::io::Error::from(kind));
            // `io::Error::other` hides its own kind behind `Other`; only what it wraps tells.
            CriCause::from_transport(outer.get_ref().unwrap())
        };
        assert_eq!(cause(ErrorKind::PermissionDenied), CriCause::PermissionDenied);
        assert_eq!(cause(ErrorKind::NotFound), CriCause::NoSocket);
        assert!(matches!(cause(ErrorKind::BrokenPipe), CriCause::Connection { .. }));
    }

    #[tokio::test]
    async fn a_listener_that_speaks_no_grpc() {
        let (_dir, endpoint) = listener_sending(&[0xff; 64], false);
        let cause = cause_of_version(&endpoint).await;
        assert!(matches!(&cause, CriCause::NotGrpc { .. }), "{cause:?}");

        let (_dir, endpoint) =
            listener_sending(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", true);
        let cause = cause_of_version(&endpoint).await;
        assert!(matches!(&cause, CriCause::NotGrpc { .. }), "{cause:?}");
    }

    #[tokio::test]
    async fn a_listener_that_hangs_up() {
        let (_dir, endpoint) = listener_sending(b"", true);
        let cause = cause_of_version(&endpoint).await;
        assert!(matches!(&cause, CriCause::Connection { .. }), "{cause:?}");
    }

    #[tokio::test]
    async fn a_silent_listener_times_out() {
        let limit = Duration::from_millis(100);
        let (_dir, endpoint) = listener_sending(b"", false);
        let client = CriClient::connect(&endpoint).await.unwrap().with_timeout(limit);
        assert_eq!(client.version().await.unwrap_err().cause, CriCause::Timeout { after: limit });
    }

    #[tokio::test]
    async fn a_hanging_call_times_out_and_a_stop_waits_for_its_grace_too() {
        let runtime = FakeRuntime::start(|_, _| Answer::Hang);
        let limit = Duration::from_millis(50);
        let client = CriClient::connect(&runtime.endpoint).await.unwrap().with_timeout(limit);
        assert_eq!(client.list_images().await.unwrap_err().cause, CriCause::Timeout { after: limit });

        let grace = Duration::from_secs(1);
        let error = client.stop_container("c", grace).await.unwrap_err();
        assert_eq!(error.cause, CriCause::Timeout { after: limit + grace });
        let request: super::super::proto::StopContainerRequest = runtime.request("/StopContainer");
        assert_eq!((request.container_id.as_str(), request.timeout), ("c", 1));
    }

    #[tokio::test]
    async fn only_a_pull_has_no_limit() {
        let runtime = FakeRuntime::start(|_, _| Answer::Hang);
        let client =
            CriClient::connect(&runtime.endpoint).await.unwrap().with_timeout(Duration::from_millis(20));
        let pull = tokio::time::timeout(Duration::from_millis(200), client.pull_image("a:1"));
        assert!(pull.await.is_err(), "the pull ended by itself");
    }

    #[tokio::test]
    async fn grpc_without_cri() {
        // containerd's answer with its CRI plugin disabled.
        let words = "unknown service runtime.v1.RuntimeService";
        let runtime = FakeRuntime::start(move |_, _| Answer::Error(Status::unimplemented(words)));
        let not_cri = CriCause::NotCri { evidence: words.to_owned() };
        assert_eq!(cause_of_version(&runtime.endpoint).await, not_cri);
        let client = CriClient::connect(&runtime.endpoint).await.unwrap();
        assert_eq!(client.runtime_config().await.unwrap_err().cause, not_cri);
    }

    #[tokio::test]
    async fn malformed_reply() {
        // Field 2, of four bytes, of which two come.
        let runtime = FakeRuntime::start(|_, _| Answer::Bytes(vec![0x12, 0x04, b'a', b'b']));
        let cause = cause_of_version(&runtime.endpoint).await;
        assert!(matches!(&cause, CriCause::BadReply { .. }), "{cause:?}");
    }

    #[tokio::test]
    async fn replies_larger_than_grpcs_default_limit() {
        let image = Image { id: "x".repeat(1024 * 1024), ..Image::default() };
        let reply = ListImagesResponse { images: vec![image; 6] };
        let runtime = FakeRuntime::start(move |_, _| message(&reply));
        let client = CriClient::connect(&runtime.endpoint).await.unwrap();
        assert_eq!(client.list_images().await.unwrap().len(), 6);
    }

    #[tokio::test]
    async fn connects_again_when_the_runtime_restarts() {
        let answer = |_: &str, _: &[u8]| message(&VersionResponse::default());
        let mut runtime = FakeRuntime::start(answer);
        let client = CriClient::connect(&runtime.endpoint).await.unwrap();
        client.version().await.unwrap();
        runtime.stop().await;
        // The first call may still meet the dying connection.
        client.version().await.unwrap_err();
        assert_eq!(client.version().await.unwrap_err().cause, CriCause::NotListening);
        runtime.restart(answer);
        client.version().await.unwrap();
    }
}
