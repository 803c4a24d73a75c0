//! The messages of etcd's v3 API (`etcdserverpb`, rpc.proto), by hand and only as far as kubestrap uses them: a field
//! that nothing reads is left out, which protobuf allows.

/// A request, which knows its method and the reply to it.
pub(super) trait Call: prost::Message + Clone + 'static {
    /// What the method answers.
    type Reply: prost::Message + Default + 'static;
    /// The gRPC path, `/package.Service/Method`.
    const PATH: &'static str;
    /// The method's name, for messages.
    const METHOD: &'static str;
    /// It is answered only by a member that knows a leader: one without says so at once, where it would let the
    /// request time out.
    const NEEDS_LEADER: bool;
}

macro_rules! calls {
    ($needs_leader:literal: $($service:ident / $method:ident: $request:ident => $reply:ident;)*) => {$(
        impl Call for $request {
            type Reply = $reply;
            const PATH: &'static str = concat!("/etcdserverpb.", stringify!($service), "/", stringify!($method));
            const METHOD: &'static str = stringify!($method);
            const NEEDS_LEADER: bool = $needs_leader;
        }
    )*};
}

calls! { true:
    KV / Range: RangeRequest => RangeResponse;
    Cluster / MemberAdd: MemberAddRequest => MemberAddResponse;
    Cluster / MemberRemove: MemberRemoveRequest => MembersResponse;
    Cluster / MemberPromote: MemberPromoteRequest => MembersResponse;
}

calls! { false:
    Cluster / MemberList: MemberListRequest => MembersResponse;
    Maintenance / Alarm: AlarmRequest => AlarmResponse;
    Maintenance / Status: StatusRequest => StatusResponse;
    Maintenance / Defragment: DefragmentRequest => DefragmentResponse;
    Maintenance / Snapshot: SnapshotRequest => SnapshotResponse;
}

#[cfg(test)]
calls! { true:
    KV / Put: PutRequest => PutResponse;
    KV / Compact: CompactionRequest => CompactionResponse;
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ResponseHeader {
    #[prost(uint64, tag = "1")]
    pub(super) cluster_id: u64,
    #[prost(uint64, tag = "2")]
    pub(super) member_id: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Member {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(string, repeated, tag = "3")]
    pub(super) peer_urls: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    pub(super) client_urls: Vec<String>,
    #[prost(bool, tag = "5")]
    pub(super) is_learner: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MemberListRequest {
    #[prost(bool, tag = "1")]
    pub(super) linearizable: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MemberAddRequest {
    #[prost(string, repeated, tag = "1")]
    pub(super) peer_urls: Vec<String>,
    #[prost(bool, tag = "2")]
    pub(super) is_learner: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MemberAddResponse {
    #[prost(message, optional, tag = "2")]
    pub(super) member: Option<Member>,
    #[prost(message, repeated, tag = "3")]
    pub(super) members: Vec<Member>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MemberRemoveRequest {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MemberPromoteRequest {
    #[prost(uint64, tag = "1")]
    pub(super) id: u64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MembersResponse {
    #[prost(message, repeated, tag = "2")]
    pub(super) members: Vec<Member>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StatusRequest {}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StatusResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) header: Option<ResponseHeader>,
    #[prost(string, tag = "2")]
    pub(super) version: String,
    #[prost(int64, tag = "3")]
    pub(super) db_size: i64,
    #[prost(uint64, tag = "4")]
    pub(super) leader: u64,
    #[prost(uint64, tag = "5")]
    pub(super) raft_index: u64,
    #[prost(uint64, tag = "7")]
    pub(super) raft_applied_index: u64,
    #[prost(string, repeated, tag = "8")]
    pub(super) errors: Vec<String>,
    #[prost(int64, tag = "9")]
    pub(super) db_size_in_use: i64,
    #[prost(bool, tag = "10")]
    pub(super) is_learner: bool,
}

/// Asks for one key; not `serializable`, so a majority has to agree on the answer.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RangeRequest {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) key: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RangeResponse {
    #[prost(int64, tag = "4")]
    pub(super) count: i64,
}

#[cfg(test)]
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PutRequest {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
}

#[cfg(test)]
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PutResponse {}

#[cfg(test)]
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CompactionRequest {
    #[prost(int64, tag = "1")]
    pub(super) revision: i64,
    /// Whether to answer only when the old revisions are gone from the database.
    #[prost(bool, tag = "2")]
    pub(super) physical: bool,
}

#[cfg(test)]
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CompactionResponse {}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AlarmRequest {
    #[prost(enumeration = "AlarmAction", tag = "1")]
    pub(super) action: i32,
    #[prost(uint64, tag = "2")]
    pub(super) member_id: u64,
    #[prost(int32, tag = "3")]
    pub(super) alarm: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(super) enum AlarmAction {
    Get = 0,
    Activate = 1,
    Deactivate = 2,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AlarmMember {
    #[prost(uint64, tag = "1")]
    pub(super) member_id: u64,
    #[prost(int32, tag = "2")]
    pub(super) alarm: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AlarmResponse {
    #[prost(message, repeated, tag = "2")]
    pub(super) alarms: Vec<AlarmMember>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DefragmentRequest {}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DefragmentResponse {}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SnapshotRequest {}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SnapshotResponse {
    #[prost(bytes = "vec", tag = "3")]
    pub(super) blob: Vec<u8>,
}
