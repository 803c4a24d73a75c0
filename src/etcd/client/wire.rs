//! One call to one member: the connection, the question and its answer.

use std::time::{Duration, Instant};

use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic_prost::ProstCodec;

use super::super::EtcdError;
use super::super::error::Cause;
use super::super::proto::{self, Call, SnapshotRequest};
use crate::config::url;

/// How long reaching a member may take.
const CONNECT: Duration = Duration::from_secs(2);

/// How long a stream of a snapshot may pause.
const STREAM_PAUSE: Duration = Duration::from_secs(30);

/// How a member is reached and asked.
#[derive(Clone)]
pub(super) struct Wire {
    pub(super) tls: ClientTlsConfig,
}

impl Wire {
    pub(super) async fn connect(&self, url: &str) -> Result<Channel, EtcdError> {
        let unusable = |reason| EtcdError::unreachable(url, Cause::Connection { reason });
        let host = url::parse(url).map_err(unusable)?.host;
        let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|e| unusable(e.to_string()))?;
        let endpoint = endpoint
            // The URL's own host has brackets around an IPv6 address, which no certificate has.
            .tls_config(self.tls.clone().domain_name(host))
            .map_err(|e| EtcdError::unreachable(url, Cause::of(&e)))?;
        match tokio::time::timeout(CONNECT, endpoint.connect()).await {
            Ok(connected) => connected.map_err(|e| EtcdError::unreachable(url, Cause::of(&e))),
            Err(_) => Err(EtcdError::unreachable(url, Cause::Silent { after: CONNECT })),
        }
    }

    /// Asks one member, over the channel that is kept if it still stands; gives back the channel to keep.
    pub(super) async fn ask<R: Call>(
        &self,
        kept: Option<Channel>,
        endpoint: &str,
        request: &R,
        id: u64,
        limit: Duration,
    ) -> (Option<Channel>, Result<R::Reply, EtcdError>) {
        let start = Instant::now();
        let channel = match kept {
            Some(channel) => channel,
            None => match self.connect(endpoint).await {
                Ok(channel) => channel,
                Err(error) => {
                    log_call(endpoint, R::METHOD, start, Some(&error));
                    return (None, Err(error));
                }
            },
        };
        let call = unary(channel.clone(), endpoint, request, id);
        let answer = tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
            Err(EtcdError::Timeout { endpoint: endpoint.to_owned(), method: R::METHOD, after: limit })
        });
        log_call(endpoint, R::METHOD, start, answer.as_ref().err());
        let broken = matches!(answer, Err(EtcdError::Unreachable { .. } | EtcdError::Timeout { .. }));
        ((!broken).then_some(channel), answer)
    }
}

pub(super) fn log_call(endpoint: &str, method: &str, start: Instant, error: Option<&EtcdError>) {
    let outcome = error.map_or("ok".into(), EtcdError::to_string);
    tracing::debug!("etcd {endpoint} {method}: {outcome} ({:.3} s)", start.elapsed().as_secs_f64());
}

pub(super) fn request<R: Call>(message: &R) -> tonic::Request<R> {
    let mut request = tonic::Request::new(message.clone());
    if R::NEEDS_LEADER {
        request.metadata_mut().insert("hasleader", MetadataValue::from_static("true"));
    }
    request
}

async fn unary<R: Call>(
    channel: Channel,
    endpoint: &str,
    message: &R,
    id: u64,
) -> Result<R::Reply, EtcdError> {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.map_err(|e| EtcdError::unreachable(endpoint, Cause::of(&e)))?;
    let path = PathAndQuery::from_static(R::PATH);
    let answer = grpc.unary(request(message), path, ProstCodec::<R, R::Reply>::default()).await;
    answer.map(tonic::Response::into_inner).map_err(|s| EtcdError::of_status(endpoint, R::METHOD, &s, id))
}

/// Streams a snapshot to `sink`, until it is over or `sink` gives false.
pub(super) async fn stream(
    channel: Channel,
    endpoint: &str,
    sink: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(), EtcdError> {
    let silent = |_| EtcdError::Timeout {
        endpoint: endpoint.to_owned(),
        method: SnapshotRequest::METHOD,
        after: STREAM_PAUSE,
    };
    let failed = |s: tonic::Status| EtcdError::of_status(endpoint, SnapshotRequest::METHOD, &s, 0);
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.map_err(|e| EtcdError::unreachable(endpoint, Cause::of(&e)))?;
    let path = PathAndQuery::from_static(SnapshotRequest::PATH);
    let codec = ProstCodec::<SnapshotRequest, proto::SnapshotResponse>::default();
    let begun = grpc.server_streaming(request(&SnapshotRequest {}), path, codec);
    let begun = tokio::time::timeout(STREAM_PAUSE, begun).await.map_err(silent)?;
    let mut stream = begun.map_err(failed)?.into_inner();
    loop {
        let message = tokio::time::timeout(STREAM_PAUSE, stream.message()).await.map_err(silent)?;
        match message.map_err(failed)? {
            Some(part) if sink(&part.blob) => {}
            Some(_) | None => return Ok(()),
        }
    }
}
