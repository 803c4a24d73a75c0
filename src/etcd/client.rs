//! etcd's gRPC API over mutual TLS.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic_prost::ProstCodec;

use super::proto::{
    Call, MemberAddRequest, MemberListRequest, MemberPromoteRequest, MemberRemoveRequest, StatusRequest,
};
use super::{Credentials, Etcd, EtcdError, Member, Status, proto};

/// How long reaching a member may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How long an answer may take: a majority has to agree on most.
const ANSWER: Duration = Duration::from_secs(5);

/// A client of an etcd cluster.
pub(crate) struct EtcdClient {
    runtime: Runtime,
    tls: ClientTlsConfig,
    /// Client URLs of its members.
    endpoints: Vec<String>,
}

impl EtcdClient {
    /// A client of the members at these client URLs; nothing is asked yet.
    ///
    /// # Errors
    /// When the runtime can't be started.
    pub(crate) fn new(endpoints: Vec<String>, credentials: &Credentials) -> Result<Self, EtcdError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| EtcdError::Client { reason: e.to_string() })?;
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&credentials.ca))
            .identity(Identity::from_pem(&credentials.certificate, credentials.key.as_slice()));
        Ok(Self { runtime, tls, endpoints })
    }

    /// Asks the endpoints one after the other, until one answers.
    fn ask<R: Call>(&self, request: &R, id: u64) -> Result<R::Reply, EtcdError> {
        let mut tried = vec![];
        for endpoint in &self.endpoints {
            match self.ask_at(endpoint, request, id) {
                Err(EtcdError::Unreachable { tried: why }) => tried.extend(why),
                answer => return answer,
            }
        }
        Err(EtcdError::Unreachable { tried })
    }

    fn ask_at<R: Call>(&self, endpoint: &str, request: &R, id: u64) -> Result<R::Reply, EtcdError> {
        tracing::trace!(endpoint, method = R::METHOD, "asking etcd");
        let unreachable = |why: String| EtcdError::Unreachable { tried: vec![format!("{endpoint}: {why}")] };
        self.runtime.block_on(async {
            let channel = self.connect(endpoint).await.map_err(unreachable)?;
            let mut grpc = Grpc::new(channel);
            let call = async {
                grpc.ready().await.map_err(|e| unreachable(chain(&e)))?;
                let path = PathAndQuery::from_static(R::PATH);
                let codec = ProstCodec::<R, R::Reply>::default();
                let answer = grpc.unary(tonic::Request::new(request.clone()), path, codec).await;
                answer.map_err(|status| match std::error::Error::source(&status) {
                    // The connection broke: what the status says is the transport's.
                    Some(source) => unreachable(chain(source)),
                    None => EtcdError::of_status(R::METHOD, &status, id),
                })
            };
            match tokio::time::timeout(ANSWER, call).await {
                Ok(answer) => Ok(answer?.into_inner()),
                Err(_) => Err(EtcdError::NoQuorum {
                    what: format!("{endpoint} did not answer within {} s", ANSWER.as_secs()),
                }),
            }
        })
    }

    async fn connect(&self, endpoint: &str) -> Result<Channel, String> {
        let endpoint = Endpoint::from_shared(endpoint.to_owned()).map_err(|e| chain(&e))?;
        let endpoint = endpoint.tls_config(self.tls.clone()).map_err(|e| chain(&e))?;
        match tokio::time::timeout(CONNECT, endpoint.connect()).await {
            Ok(connected) => connected.map_err(|e| chain(&e)),
            Err(_) => Err(format!("no connection within {} s", CONNECT.as_secs())),
        }
    }
}

/// The innermost error, which says what happened.
fn chain(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

impl From<proto::Member> for Member {
    fn from(member: proto::Member) -> Self {
        let proto::Member { id, name, peer_urls, client_urls, is_learner } = member;
        Self { id, name, peer_urls, client_urls, is_learner }
    }
}

impl Etcd for EtcdClient {
    fn members(&mut self) -> Result<Vec<Member>, EtcdError> {
        let reply = self.ask(&MemberListRequest { linearizable: true }, 0)?;
        Ok(reply.members.into_iter().map(Into::into).collect())
    }

    fn add_learner(&mut self, peer_url: &str) -> Result<(Member, Vec<Member>), EtcdError> {
        let request = MemberAddRequest { peer_urls: vec![peer_url.to_owned()], is_learner: true };
        let reply = self.ask(&request, 0)?;
        let added =
            reply.member.ok_or(EtcdError::Refused { method: "MemberAdd", what: "no member".into() })?;
        Ok((added.into(), reply.members.into_iter().map(Into::into).collect()))
    }

    fn promote(&mut self, id: u64) -> Result<(), EtcdError> {
        self.ask(&MemberPromoteRequest { id }, id).map(drop)
    }

    fn remove(&mut self, id: u64) -> Result<(), EtcdError> {
        self.ask(&MemberRemoveRequest { id }, id).map(drop)
    }

    fn status(&mut self, client_url: &str) -> Result<Status, EtcdError> {
        let reply = self.ask_at(client_url, &StatusRequest {}, 0)?;
        Ok(Status {
            id: reply.header.map_or(0, |h| h.member_id),
            version: reply.version,
            db_size: u64::try_from(reply.db_size).unwrap_or(0),
            leader: reply.leader,
            raft_index: reply.raft_index,
            errors: reply.errors,
            is_learner: reply.is_learner,
        })
    }
}
