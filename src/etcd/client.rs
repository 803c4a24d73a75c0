//! etcd's gRPC API over mutual TLS.

mod wire;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

use super::error::Cause;
use super::proto::{
    AlarmAction, AlarmRequest, Call, DefragmentRequest, MemberAddRequest, MemberListRequest,
    MemberPromoteRequest, MemberRemoveRequest, RangeRequest, SnapshotRequest, StatusRequest,
};
use super::{Alarm, Credentials, Etcd, EtcdError, Member, Status, alert, proto};
use wire::{Wire, log_call, stream};

/// How long an answer may take: a majority has to agree on most.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a member may take to defragment its database: seconds for each gigabyte.
const DEFRAGMENT: Duration = Duration::from_secs(300);

/// The key that a question about the quorum is about; it need not exist.
const HEALTH_KEY: &[u8] = b"health";

/// A client of an etcd cluster. Connections are kept, and made again when they break.
pub(crate) struct EtcdClient {
    runtime: Runtime,
    wire: Wire,
    credentials: Credentials,
    /// Client URLs of its members.
    endpoints: Vec<String>,
    channels: HashMap<String, Channel>,
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
        let credentials = credentials.clone();
        Ok(Self { runtime, wire: Wire { tls }, credentials, endpoints, channels: HashMap::new() })
    }

    /// Asks the endpoints one after the other, until one answers. A request that one of them may have carried out is
    /// not given to the next.
    pub(super) fn ask<R: Call>(&mut self, request: &R, id: u64) -> Result<R::Reply, EtcdError> {
        let mut tried = vec![];
        let mut said = None;
        for (at, endpoint) in self.endpoints.clone().into_iter().enumerate() {
            match self.ask_at(&endpoint, request, id, ANSWER) {
                Err(EtcdError::Unreachable { tried: why }) => tried.extend(why),
                Err(error) if error.is_of_this_member() => said = Some(error),
                answer => {
                    // The next request goes there first, and does not wait for those that are down.
                    if let Some(first) = self.endpoints.get_mut(..=at) {
                        first.rotate_right(1);
                    }
                    return answer;
                }
            }
        }
        Err(said.unwrap_or(EtcdError::Unreachable { tried }))
    }

    fn ask_at<R: Call>(
        &mut self,
        endpoint: &str,
        request: &R,
        id: u64,
        limit: Duration,
    ) -> Result<R::Reply, EtcdError> {
        let kept = self.channels.remove(endpoint);
        let asked = self.wire.ask(kept, endpoint, request, id, limit);
        let (channel, answer) = self.runtime.block_on(asked);
        self.keep(endpoint, channel);
        answer.map_err(|error| self.explained(error))
    }

    /// A connection that was closed for no reason that arrived, with the reason where asking again tells it.
    fn explained(&self, mut error: EtcdError) -> EtcdError {
        if let EtcdError::Unreachable { tried } = &mut error {
            for attempt in tried.iter_mut().filter(|a| matches!(a.cause, Cause::Connection { .. })) {
                if let Some(reason) = alert::received(&attempt.endpoint, &self.credentials) {
                    attempt.cause = Cause::ClientCertificate { reason };
                }
            }
        }
        error
    }

    fn keep(&mut self, endpoint: &str, channel: Option<Channel>) {
        if let Some(channel) = channel {
            self.channels.insert(endpoint.to_owned(), channel);
        }
    }
}

impl From<proto::Member> for Member {
    fn from(member: proto::Member) -> Self {
        let proto::Member { id, name, peer_urls, client_urls, is_learner } = member;
        Self { id, name, peer_urls, client_urls, is_learner }
    }
}

impl From<proto::StatusResponse> for Status {
    fn from(reply: proto::StatusResponse) -> Self {
        let header = reply.header.unwrap_or_default();
        Self {
            id: header.member_id,
            cluster_id: header.cluster_id,
            version: reply.version,
            db_size: u64::try_from(reply.db_size).unwrap_or(0),
            db_size_in_use: u64::try_from(reply.db_size_in_use).unwrap_or(0),
            leader: reply.leader,
            raft_index: reply.raft_index,
            raft_applied_index: reply.raft_applied_index,
            errors: reply.errors,
            is_learner: reply.is_learner,
        }
    }
}

fn members(reply: Vec<proto::Member>) -> Vec<Member> {
    reply.into_iter().map(Into::into).collect()
}

impl Etcd for EtcdClient {
    fn members(&mut self) -> Result<Vec<Member>, EtcdError> {
        Ok(members(self.ask(&MemberListRequest { linearizable: true }, 0)?.members))
    }

    fn known_members(&mut self) -> Result<Vec<Member>, EtcdError> {
        Ok(members(self.ask(&MemberListRequest { linearizable: false }, 0)?.members))
    }

    fn add_learner(&mut self, peer_url: &str) -> Result<(Member, Vec<Member>), EtcdError> {
        let request = MemberAddRequest { peer_urls: vec![peer_url.to_owned()], is_learner: true };
        let reply = self.ask(&request, 0)?;
        let added =
            reply.member.ok_or(EtcdError::Refused { method: "MemberAdd", what: "no member".into() })?;
        Ok((added.into(), members(reply.members)))
    }

    fn promote(&mut self, id: u64) -> Result<(), EtcdError> {
        self.ask(&MemberPromoteRequest { id }, id).map(drop)
    }

    fn remove(&mut self, id: u64) -> Result<(), EtcdError> {
        self.ask(&MemberRemoveRequest { id }, id).map(drop)
    }

    fn status(&mut self, client_url: &str) -> Result<Status, EtcdError> {
        self.ask_at(client_url, &StatusRequest {}, 0, ANSWER).map(Into::into)
    }

    fn serves(&mut self, client_url: &str, limit: Duration) -> bool {
        let kept = self.channels.remove(client_url);
        let asked = self.wire.ask(kept, client_url, &StatusRequest {}, 0, limit);
        // A member that does not serve yet takes connections, and leaves them unanswered.
        let answered = self.runtime.block_on(async { tokio::time::timeout(limit, asked).await });
        let Ok((channel, answer)) = answered else { return false };
        self.keep(client_url, channel);
        answer.is_ok()
    }

    fn statuses(&mut self, client_urls: &[String]) -> Vec<Result<Status, EtcdError>> {
        let _context = self.runtime.enter();
        let asked: Vec<_> = client_urls
            .iter()
            .map(|url| {
                let (wire, kept, url) = (self.wire.clone(), self.channels.remove(url), url.clone());
                tokio::spawn(async move { wire.ask(kept, &url, &StatusRequest {}, 0, ANSWER).await })
            })
            .collect();
        let mut statuses = vec![];
        for (url, asked) in client_urls.iter().zip(asked) {
            let (channel, answer) = self
                .runtime
                .block_on(asked)
                .unwrap_or_else(|e| (None, Err(EtcdError::Client { reason: e.to_string() })));
            self.keep(url, channel);
            statuses.push(answer.map(Into::into).map_err(|error| self.explained(error)));
        }
        statuses
    }

    fn check_quorum(&mut self) -> Result<(), EtcdError> {
        self.ask(&RangeRequest { key: HEALTH_KEY.to_vec() }, 0).map(drop)
    }

    fn alarms(&mut self) -> Result<Vec<Alarm>, EtcdError> {
        let all = AlarmRequest { action: AlarmAction::Get.into(), member_id: 0, alarm: 0 };
        let alarms = self.ask(&all, 0)?.alarms;
        Ok(alarms.iter().map(|a| Alarm { member: a.member_id, kind: a.alarm.into() }).collect())
    }

    fn disarm(&mut self, alarm: Alarm) -> Result<(), EtcdError> {
        let action = AlarmAction::Deactivate.into();
        let request = AlarmRequest { action, member_id: alarm.member, alarm: alarm.kind.number() };
        self.ask(&request, alarm.member).map(drop)
    }

    fn defragment(&mut self, client_url: &str) -> Result<(), EtcdError> {
        self.ask_at(client_url, &DefragmentRequest {}, 0, DEFRAGMENT).map(drop)
    }

    fn snapshot(&mut self, client_url: &str, sink: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), EtcdError> {
        self.runtime.block_on(async {
            let start = Instant::now();
            let streamed = match self.wire.connect(client_url).await {
                Ok(channel) => stream(channel, client_url, sink).await,
                Err(error) => Err(error),
            };
            log_call(client_url, SnapshotRequest::METHOD, start, streamed.as_ref().err());
            streamed
        })
    }
}
