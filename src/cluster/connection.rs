//! The connection to an API server: one request, and what it means when it fails; requests that are repeated.
//!
//! Requests and client are kube's. Its `Api<DynamicObject>` is not used: it parses `metadata` into the type of our
//! k8s-openapi, so that an object that is read, changed and written back would lose what a newer API server has added
//! there; and an answer that is not JSON, such as that of a proxy, would come back as a parse error without its server.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use kube::Client;
use kube::core::params::{DeleteParams, GetParams, ListParams, PatchParams, PostParams};
use kube::core::request::Error as RequestError;
use kube::core::{Request as ApiRequest, params::Patch};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::{ClusterError, ObjectName, Refusal, kinds};

/// How long an answer may take: client-go's setting in kubeadm.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The first pause before a request is repeated; each further one is half as long again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause: kubeadm's only one.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How many objects are asked for at once: client-go's setting.
const PAGE: u32 = 500;

/// A connection to an API server. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connection {
    client: Client,
    server: Arc<str>,
    /// For how long a request that fails is repeated.
    limit: Duration,
    dry_run: bool,
    settled: bool,
}

impl Connection {
    pub(super) fn new(client: Client, server: &str, limit: Duration, dry_run: bool, settled: bool) -> Self {
        Self { client, server: server.into(), limit, dry_run, settled }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Repeats `attempt` until it succeeds, the time is up, or its refusal is final.
    pub(super) async fn repeat<T, F: Future<Output = Result<T, Refusal>>>(
        &self,
        action: &'static str,
        object: &ObjectName,
        attempt: impl Fn() -> F,
    ) -> Result<T, ClusterError> {
        let begin = Instant::now();
        let mut pause = FIRST_PAUSE;
        // Since when the same kind of refusal comes back.
        let mut same_since = begin;
        let mut last: Option<Refusal> = None;
        loop {
            let refusal = match attempt().await {
                Ok(value) => return Ok(value),
                Err(refusal) => refusal,
            };
            if last.as_ref().is_none_or(|l| (l.code(), l.patience()) != (refusal.code(), refusal.patience()))
            {
                same_since = Instant::now();
            }
            let unknown = self.settled && matches!(refusal.code(), Some(401 | 403));
            let patience = if unknown { Duration::ZERO } else { refusal.patience().unwrap_or(self.limit) };
            if begin.elapsed() + pause > self.limit || same_since.elapsed() + pause > patience {
                let after = begin.elapsed();
                return Err(ClusterError::Object {
                    action,
                    object: Box::new(object.clone()),
                    refusal,
                    after,
                });
            }
            last = Some(refusal);
            sleep(pause).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }

    /// One request, and its answer's text.
    pub(super) async fn text(&self, request: Request<Vec<u8>>) -> Result<String, Refusal> {
        match timeout(REQUEST_TIMEOUT, self.client.request_text(request)).await {
            Ok(answer) => answer.map_err(|e| Refusal::of(&self.server, &e)),
            Err(_) => Err(Refusal::Silent { server: self.server.to_string(), limit: REQUEST_TIMEOUT }),
        }
    }

    async fn send(&self, request: Result<Request<Vec<u8>>, RequestError>) -> Result<Value, Refusal> {
        let odd = |reason: String| Refusal::NotAnApi { server: self.server.to_string(), reason };
        let text = self.text(request.map_err(|e| odd(e.to_string()))?).await?;
        serde_json::from_str(&text).map_err(|_| odd("its answer is not JSON".into()))
    }

    /// The object, if it is there.
    pub(super) async fn get(&self, collection: &str, name: &str) -> Result<Option<Value>, Refusal> {
        match self.send(ApiRequest::new(collection).get(name, &GetParams::default())).await {
            Err(Refusal::Status { code: 404, .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    /// The objects of a collection whose fields are as `fields` says.
    pub(super) async fn list(&self, collection: &str, fields: &str) -> Result<Vec<Value>, Refusal> {
        let request = ApiRequest::new(collection).list(&ListParams::default().fields(fields));
        let mut list = self.send(request).await?;
        Ok(list.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default())
    }

    /// A part of a collection, and the token with which the next is asked for; the first part is asked for without.
    pub(super) async fn page(
        &self,
        collection: &str,
        token: &str,
    ) -> Result<(Vec<Value>, Option<String>), Refusal> {
        let mut params = ListParams::default().limit(PAGE);
        if !token.is_empty() {
            params = params.continue_token(token);
        }
        let mut list = self.send(ApiRequest::new(collection).list(&params)).await?;
        let following = list.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default();
        let following = Some(following.to_owned()).filter(|token| !token.is_empty());
        let items = list.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take);
        Ok((items.unwrap_or_default(), following))
    }

    pub(super) async fn delete(&self, collection: &str, name: &str) -> Result<(), Refusal> {
        self.send(ApiRequest::new(collection).delete(name, &DeleteParams::default())).await.map(drop)
    }

    pub(super) async fn create(&self, collection: &str, object: &Value) -> Result<Value, Refusal> {
        let body = object.to_string().into_bytes();
        self.send(ApiRequest::new(collection).create(&self.post(), body)).await
    }

    pub(super) async fn replace(
        &self,
        collection: &str,
        name: &str,
        object: &Value,
    ) -> Result<Value, Refusal> {
        let body = object.to_string().into_bytes();
        self.send(ApiRequest::new(collection).replace(name, &self.post(), body)).await
    }

    pub(super) async fn merge(&self, collection: &str, name: &str, patch: &Value) -> Result<Value, Refusal> {
        let params = PatchParams { dry_run: self.dry_run, ..PatchParams::default() };
        self.send(ApiRequest::new(collection).patch(name, &params, &Patch::Merge(patch))).await
    }

    fn post(&self) -> PostParams {
        PostParams { dry_run: self.dry_run, ..PostParams::default() }
    }
}

/// The path of an object's collection.
pub(super) fn collection(kind: &str, namespace: &str) -> Result<String, ClusterError> {
    kinds::collection(kind, namespace).ok_or_else(|| ClusterError::UnknownKind { kind: kind.to_owned() })
}
