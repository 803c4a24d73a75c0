//! A runtime for tests: real gRPC over a real unix socket, with answers that the test writes.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use prost::Message;
use prost::bytes::{Buf, BufMut};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http;
use tonic::codegen::tokio_stream::wrappers::UnixListenerStream;
use tonic::codegen::{BoxFuture, Service};
use tonic::{Request, Response, Status};

use super::CriEndpoint;

/// What the fake does with a call.
pub(super) enum Answer {
    /// These bytes as the reply's message.
    Bytes(Vec<u8>),
    /// This error.
    Error(Status),
    /// Never anything.
    Hang,
}

/// A reply that is a message.
pub(super) fn message(message: &impl Message) -> Answer {
    Answer::Bytes(message.encode_to_vec())
}

/// Each call's path and request.
type Calls = Arc<Mutex<Vec<(String, Vec<u8>)>>>;
type Handler = dyn Fn(&str, &[u8]) -> Answer + Send + Sync;

/// A fake runtime, listening until dropped.
pub(super) struct FakeRuntime {
    pub(super) endpoint: CriEndpoint,
    calls: Calls,
    _dir: TempDir,
    server: Option<Runtime>,
}

impl FakeRuntime {
    /// Starts one; `handler` gets the method's name and the request's bytes.
    pub(super) fn start(handler: impl Fn(&str, &[u8]) -> Answer + Send + Sync + 'static) -> Self {
        let (dir, endpoint) = socket();
        let mut fake = Self { endpoint, calls: Arc::default(), _dir: dir, server: None };
        fake.restart(handler);
        fake
    }

    /// Listens again after [`FakeRuntime::stop`].
    pub(super) fn restart(&mut self, handler: impl Fn(&str, &[u8]) -> Answer + Send + Sync + 'static) {
        let _ = std::fs::remove_file(self.endpoint.path());
        let service = FakeService { handler: Arc::new(handler), calls: Arc::clone(&self.calls) };
        // A tokio runtime of its own, so that its connections end with it, as with a process.
        let server = Runtime::new().unwrap();
        let guard = server.enter();
        let listener = UnixListenerStream::new(UnixListener::bind(self.endpoint.path()).unwrap());
        server.spawn(tonic::transport::Server::builder().serve_with_incoming(service, listener));
        drop(guard);
        self.server = Some(server);
    }

    /// Goes away as a crashed runtime does: the socket's file stays.
    pub(super) async fn stop(&mut self) {
        let server = self.server.take();
        tokio::task::spawn_blocking(|| drop(server)).await.unwrap();
    }

    /// The one request that came to `path` (`Service/Method`), decoded.
    pub(super) fn request<M: Message + Default>(&self, path: &str) -> M {
        let calls = self.calls.lock().unwrap();
        let mut found = calls.iter().filter(|(called, _)| called.ends_with(path));
        let request = M::decode(found.next().unwrap().1.as_slice()).unwrap();
        assert!(found.next().is_none(), "more than one call of {path}");
        request
    }
}

impl Drop for FakeRuntime {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.shutdown_background();
        }
    }
}

/// A folder that goes away by itself, and the name of a socket in it that does not exist yet.
pub(super) fn socket() -> (TempDir, CriEndpoint) {
    let dir = tempfile::tempdir().unwrap();
    let endpoint = dir.path().join("cri.sock").to_str().unwrap().parse().unwrap();
    (dir, endpoint)
}

#[derive(Clone)]
struct FakeService {
    handler: Arc<Handler>,
    calls: Calls,
}

impl Service<http::Request<tonic::body::Body>> for FakeService {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let method = Method { path: request.uri().path().to_owned(), service: self.clone() };
        Box::pin(async move { Ok(tonic::server::Grpc::new(RawCodec).unary(method, request).await) })
    }
}

struct Method {
    path: String,
    service: FakeService,
}

impl tonic::server::UnaryService<Vec<u8>> for Method {
    type Response = Vec<u8>;
    type Future = BoxFuture<Response<Vec<u8>>, Status>;

    fn call(&mut self, request: Request<Vec<u8>>) -> Self::Future {
        let request = request.into_inner();
        let method = self.path.rsplit('/').next().unwrap();
        let answer = (self.service.handler)(method, &request);
        self.service.calls.lock().unwrap().push((self.path.clone(), request));
        Box::pin(async move {
            match answer {
                Answer::Bytes(bytes) => Ok(Response::new(bytes)),
                Answer::Error(status) => Err(status),
                Answer::Hang => std::future::pending().await,
            }
        })
    }
}

/// Messages as bytes, so that a test can answer with what is no message.
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        Ok(Some(bytes.to_vec()))
    }
}
