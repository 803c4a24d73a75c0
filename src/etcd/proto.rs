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
}

macro_rules! calls {
    ($($service:ident / $method:ident: $request:ident => $reply:ident;)*) => {$(
        impl Call for $request {
            type Reply = $reply;
            const PATH: &'static str = concat!("/etcdserverpb.", stringify!($service), "/", stringify!($method));
            const METHOD: &'static str = stringify!($method);
        }
    )*};
}

calls! {
    Cluster / MemberList: MemberListRequest => MemberListResponse;
    Cluster / MemberAdd: MemberAddRequest => MemberAddResponse;
    Cluster / MemberRemove: MemberRemoveRequest => MembersResponse;
    Cluster / MemberPromote: MemberPromoteRequest => MembersResponse;
    Maintenance / Status: StatusRequest => StatusResponse;
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ResponseHeader {
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
pub(super) struct MemberListResponse {
    #[prost(message, repeated, tag = "2")]
    pub(super) members: Vec<Member>,
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
    #[prost(string, repeated, tag = "8")]
    pub(super) errors: Vec<String>,
    #[prost(bool, tag = "10")]
    pub(super) is_learner: bool,
}
