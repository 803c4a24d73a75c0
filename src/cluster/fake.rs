//! An API server for tests, behind a real client: it keeps objects, and can be told to refuse.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{Access, KubeCluster};

/// What a test says instead of the server: a status for a request (`POST /api/v1/…`), if it is to fail.
type Refuse = Box<dyn FnMut(&str) -> Option<u16> + Send>;

/// A server's state.
#[derive(Default)]
pub(super) struct State {
    /// Objects by path.
    pub(super) objects: BTreeMap<String, Value>,
    /// Requests in order: method and path.
    pub(super) requests: Vec<String>,
    version: u64,
}

impl State {
    /// The writing requests, those that succeeded or not.
    pub(super) fn writes(&self) -> Vec<&str> {
        self.requests.iter().map(String::as_str).filter(|r| !r.starts_with("GET")).collect()
    }

    /// Part of a collection, as `limit` and `continue` in the query ask; none where there is no such collection.
    fn list(&self, path: &str, query: &str) -> Option<Value> {
        let within = format!("{path}/");
        let all =
            self.objects.iter().filter(|(p, _)| p.strip_prefix(&within).is_some_and(|n| !n.contains('/')));
        let all: Vec<&Value> = all.map(|(_, object)| object).collect();
        let number = |name: &str| {
            query
                .split('&')
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<usize>().ok())
        };
        let (from, limit) = (number("continue").unwrap_or(0), number("limit").unwrap_or(all.len()));
        let items: Vec<&Value> = all.iter().skip(from).take(limit).copied().collect();
        let next = if from + limit < all.len() { (from + limit).to_string() } else { String::new() };
        (!all.is_empty()).then(|| json!({"metadata": {"continue": next}, "items": items}))
    }

    fn answer(&mut self, method: &str, path: &str, query: &str, mut body: Value) -> (u16, Value) {
        let is_list = method == "GET" && !self.objects.contains_key(path);
        if let Some(list) = is_list.then(|| self.list(path, query)).flatten() {
            return (200, list);
        }
        self.version += 1;
        let version = json!(self.version.to_string());
        match method {
            "POST" => {
                let path = format!("{path}/{}", body["metadata"]["name"].as_str().unwrap());
                if self.objects.contains_key(&path) {
                    return (409, json!({}));
                }
                body["metadata"]["uid"] = json!(format!("uid-{}", self.version));
                body["metadata"]["resourceVersion"] = version;
                self.objects.insert(path, body.clone());
                (201, body)
            }
            _ => {
                let Some(live) = self.objects.get_mut(path) else { return (404, json!({})) };
                let given = body["metadata"].get("resourceVersion");
                if given.is_some_and(|v| *v != live["metadata"]["resourceVersion"]) {
                    return (409, json!({}));
                }
                match method {
                    "PUT" => *live = body,
                    "PATCH" => json_patch::merge(live, &body),
                    _ => return (200, live.clone()),
                }
                live["metadata"]["resourceVersion"] = version;
                (200, live.clone())
            }
        }
    }
}

/// A server and the runtime it lives in.
pub(super) struct FakeApi {
    runtime: Runtime,
    pub(super) state: Arc<Mutex<State>>,
}

impl FakeApi {
    pub(super) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        Self { runtime: runtime.unwrap(), state: Arc::default() }
    }

    pub(super) fn put(&self, path: &str, object: Value) {
        self.state.lock().unwrap().objects.insert(path.into(), object);
    }

    /// A cluster whose requests `refuse` may refuse.
    pub(super) fn cluster(
        &self,
        limit: Duration,
        refuse: impl FnMut(&str) -> Option<u16> + Send + 'static,
    ) -> KubeCluster {
        let mut refuse: Refuse = Box::new(refuse);
        let (service, mut handle) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
        let state = Arc::clone(&self.state);
        self.runtime.spawn(async move {
            while let Some((request, reply)) = handle.next_request().await {
                let (parts, body) = request.into_parts();
                let path = parts.uri.path().to_owned();
                let query = parts.uri.query().unwrap_or_default().to_owned();
                let line = format!("{} {path}", parts.method);
                let bytes = body.collect_bytes().await.unwrap();
                let body = serde_json::from_slice(&bytes).unwrap_or_default();
                let refused = refuse(&line);
                let (code, value) = {
                    let mut state = state.lock().unwrap();
                    state.requests.push(line);
                    refused.map_or_else(|| state.answer(parts.method.as_str(), &path, &query, body), |c| (c, json!({})))
                };
                let value = if code < 400 {
                    value
                } else {
                    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": "R", "message": "m"})
                };
                let body = Body::from(value.to_string().into_bytes());
                reply.send_response(Response::builder().status(code).body(body).unwrap());
            }
        });
        let _context = self.runtime.enter();
        let access =
            Access { runtime: self.runtime.handle(), server: None, limit, dry_run: false, settled: false };
        KubeCluster::with_client(&access, Client::new(service, "default"), "https://fake:6443")
    }

    pub(super) fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}
