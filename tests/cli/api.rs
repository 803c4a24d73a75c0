//! An API server that knows a store of objects, and refuses to change them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// The server. It answers as long as the tests run.
pub(crate) struct Api {
    url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Value>,
    collections: BTreeSet<String>,
    requests: Vec<String>,
}

impl Api {
    /// One that has these objects.
    pub(crate) fn start(objects: impl IntoIterator<Item = Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = Self { url: format!("http://{}", listener.local_addr().unwrap()), state: Arc::default() };
        objects.into_iter().for_each(|object| api.put(object));
        let state = Arc::clone(&api.state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                std::thread::spawn(move || serve(&stream, &state));
            }
        });
        api
    }

    /// Another one that has the same objects.
    pub(crate) fn twin(&self) -> Self {
        Self::start(self.state.lock().unwrap().objects.values().cloned().collect::<Vec<_>>())
    }

    /// Its URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Adds an object, or replaces it.
    pub(crate) fn put(&self, object: Value) {
        let path = path(&object);
        let collection = path.rsplit_once('/').unwrap().0.to_owned();
        let mut state = self.state.lock().unwrap();
        state.objects.insert(path, object);
        state.collections.insert(collection);
    }

    /// Changes the object of this kind and name.
    pub(crate) fn change(&self, kind: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut state = self.state.lock().unwrap();
        let mut objects = state.objects.values_mut();
        change(objects.find(|o| o["kind"] == kind && o["metadata"]["name"] == name).unwrap());
    }

    /// Removes the object of this kind and name.
    pub(crate) fn remove(&self, kind: &str, name: &str) {
        self.state.lock().unwrap().objects.retain(|_, o| o["kind"] != kind || o["metadata"]["name"] != name);
    }

    /// The requests that would have changed something.
    pub(crate) fn writes(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let writes = state.requests.iter().filter(|r| !r.starts_with("GET") && !r.contains("dryRun=All"));
        writes.cloned().collect()
    }
}

/// An object's path.
fn path(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let version = text(&object["apiVersion"]);
    let api = if version.contains('/') { "apis" } else { "api" };
    let namespace = text(&object["metadata"]["namespace"]);
    let namespace = if namespace.is_empty() { namespace } else { format!("/namespaces/{namespace}") };
    let kind = text(&object["kind"]).to_lowercase();
    format!("/{api}/{version}{namespace}/{kind}s/{}", text(&object["metadata"]["name"]))
}

fn serve(stream: &TcpStream, state: &Mutex<State>) {
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
        let request = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line).is_err() || line.trim_end().is_empty() {
                break;
            }
            let header = line.to_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let (code, answer) = answer(&request, &mut state.lock().unwrap());
        let answer = answer.to_string();
        let head = format!("HTTP/1.1 {code} x\r\ncontent-type: application/json\r\ncontent-length: ");
        // In one piece: a second one would wait for the first's acknowledgement.
        let whole = format!("{head}{}\r\n\r\n{answer}", answer.len());
        if writer.write_all(whole.as_bytes()).is_err() {
            return;
        }
        line.clear();
    }
}

fn answer(request: &str, state: &mut State) -> (u16, Value) {
    state.requests.push(request.to_owned());
    let failure = |code: u16, message: &str| {
        (
            code,
            json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message }),
        )
    };
    let Some(path) = request.strip_prefix("GET ") else { return failure(405, "nothing is changed here") };
    let path = path.split('?').next().unwrap_or_default();
    if let Some(object) = state.objects.get(path) {
        return (200, object.clone());
    }
    let of_collection =
        |key: &&String| key.rsplit_once('/').is_some_and(|(collection, _)| collection == path);
    let items: Vec<&Value> =
        state.objects.keys().filter(of_collection).map(|key| &state.objects[key]).collect();
    match state.collections.contains(path) {
        false => failure(404, "not found"),
        true => (200, json!({ "kind": "List", "apiVersion": "v1", "metadata": {}, "items": items })),
    }
}
