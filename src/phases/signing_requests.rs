//! kubelet's certificate signing requests: what became of them, and why one will not be signed.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use super::attention::refused_request;
use crate::finding::Finding;
use crate::workflow::Run;

/// How often the cluster is asked about certificate signing requests.
const ASK_PERIOD: Duration = Duration::from_secs(1);
/// How long kubelet may make no request, and a request may stay pending, until that is told: approval takes milliseconds.
const PENDING: Duration = Duration::from_secs(10);
/// How long a request may stay pending at all: where the kube-controller-manager that leads is lost, its lease runs for
/// 15 s, is tried for every 2 s, and its controllers take a moment to start.
const FAILOVER: Duration = Duration::from_secs(20);

/// What became of kubelet's certificate signing requests.
#[derive(Default)]
pub(super) struct Requests {
    asked: Option<Instant>,
    pending_since: Option<Instant>,
    /// Since when a request is missing.
    none_since: Option<Instant>,
    state: State,
}

/// How far kubelet's newest request is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    /// There is none yet, or it can't be asked for.
    #[default]
    None,
    /// Nobody has decided.
    Pending { name: String },
    /// It was denied, with these words.
    Denied { name: String, why: String },
    /// It was approved, and not signed yet.
    Approved { name: String },
    /// It was signed.
    Issued,
}

impl Requests {
    /// Asks the cluster, now and then.
    pub(super) fn ask(&mut self, run: &mut Run) {
        if self.asked.is_some_and(|asked| asked.elapsed() < ASK_PERIOD) {
            return;
        }
        self.asked = Some(Instant::now());
        let Ok(all) = run.cluster.list("CertificateSigningRequest", "") else { return };
        let started = run.kubelet_started;
        let began = run.started.unix_timestamp();
        let subject = format!("system:node:{}", run.settings.node_name());
        let own = all
            .iter()
            .filter(|request| is_for_kubelet(request, began, started.is_some()) && is_of(request, &subject));
        let newest = own.max_by_key(|r| {
            r.pointer("/metadata/creationTimestamp").and_then(Value::as_str).map(str::to_owned)
        });
        self.state = newest.map_or(State::None, state_of);
        match self.state {
            State::Pending { .. } | State::Approved { .. } => {
                self.pending_since.get_or_insert_with(Instant::now);
            }
            _ => self.pending_since = None,
        }
    }

    pub(super) fn words(&self) -> &'static str {
        match self.state {
            State::None => "waiting for kubelet to request it",
            State::Pending { .. } if self.pends_for(PENDING) => {
                "requested, not approved yet: kube-controller-manager may be changing its leader"
            }
            State::Pending { .. } => "requested, waiting for approval",
            State::Denied { .. } => "denied",
            State::Approved { .. } => "approved, waiting to be signed",
            State::Issued => "issued, waiting for kubelet",
        }
    }

    fn pends_for(&self, time: Duration) -> bool {
        self.pending_since.is_some_and(|since| since.elapsed() > time)
    }

    /// Why there is no request after a while, if kubelet tells.
    pub(super) fn refused(&mut self, run: &Run) -> Option<Finding> {
        if self.state != State::None {
            return None;
        }
        let since = *self.none_since.get_or_insert_with(Instant::now);
        if since.elapsed() < PENDING {
            return None;
        }
        // Not again before as much time has passed: kubelet's log is read for it.
        self.none_since = None;
        refused_request(run, run.kubelet_started?)
    }

    /// Why the certificate will not come: it was denied, or stays pending.
    pub(super) fn refusal(&self, late: bool) -> Option<Finding> {
        let pending = late || self.pends_for(FAILOVER);
        match &self.state {
            State::Denied { name, why } => Some(
                Finding { check: "CertificateDenied".into(), ..Finding::error(format!("CertificateSigningRequest {name} was denied: {why}")) }
                    .fix(format!("find out who denied it (`kubectl describe csr {name}`), delete it and run the same command again")),
            ),
            State::Pending { name } if pending => Some(
                Finding { check: "CertificatePending".into(), ..Finding::error(format!("nobody approves CertificateSigningRequest {name}")) }
                    .cause("kube-controller-manager approves requests of joining nodes by itself, if ClusterRoleBinding kubeadm:node-autoapprove-bootstrap exists and the bootstrap token is in the group system:bootstrappers:kubeadm:default-node-token")
                    .fix(format!("restore the binding with `kubestrap init phase bootstrap-token` on a control-plane node, or approve it: `kubectl certificate approve {name}`")),
            ),
            State::Approved { name } if pending => Some(
                Finding { check: "CertificateNotSigned".into(), ..Finding::error(format!("CertificateSigningRequest {name} is approved, but not signed")) }
                    .cause("kube-controller-manager does not sign: it does not run, or the cluster's CA is external and it has no key")
                    .fix("start kube-controller-manager (`kubestrap diagnose` on a control-plane node), or have the owner of the CA sign the request"),
            ),
            _ => None,
        }
    }
}

/// Whether a request is kubelet's, of this run: a client certificate for a node, requested after the run began.
fn is_for_kubelet(request: &Value, began: i64, started: bool) -> bool {
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    let text = |path: &str| request.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let created = OffsetDateTime::parse(text("/metadata/creationTimestamp"), &Rfc3339);
    // Clocks may differ by a little.
    let recent = created.is_ok_and(|at| at.unix_timestamp() >= began - 60);
    started
        && recent
        && text("/spec/signerName") == "kubernetes.io/kube-apiserver-client-kubelet"
        && text("/spec/username").starts_with("system:bootstrap:")
}

/// Whether a request is for a certificate with this common name.
fn is_of(request: &Value, common_name: &str) -> bool {
    let Some(text) = request.pointer("/spec/request").and_then(Value::as_str) else { return false };
    let Ok(pem) = STANDARD.decode(text) else { return false };
    let Ok(block) = pem::parse(pem) else { return false };
    let Ok((_, parsed)) = X509CertificationRequest::from_der(block.contents()) else { return false };
    let names = parsed.certification_request_info.subject.iter_common_name().filter_map(|n| n.as_str().ok());
    names.into_iter().any(|name| name == common_name)
}

/// Why a request was denied, if it was.
pub(crate) fn denial(request: &Value) -> Option<String> {
    match state_of(request) {
        State::Denied { why, .. } => Some(why),
        _ => None,
    }
}

fn state_of(request: &Value) -> State {
    let name = request.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let conditions =
        request.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    let condition =
        |kind: &str| conditions.iter().find(|c| c.get("type").is_some_and(|t| t == kind)).cloned();
    if let Some(denied) = condition("Denied") {
        let why = denied.get("message").and_then(Value::as_str).unwrap_or("no reason was given").to_owned();
        return State::Denied { name, why };
    }
    if request.pointer("/status/certificate").is_some() {
        return State::Issued;
    }
    match condition("Approved") {
        Some(_) => State::Approved { name },
        None => State::Pending { name },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn state_of_a_request_follows_its_conditions_and_certificate() {
        let state = |status: Value| state_of(&json!({ "metadata": { "name": "csr-1" }, "status": status }));
        assert_eq!(state(json!({})), State::Pending { name: "csr-1".into() });
        assert_eq!(
            state(json!({ "conditions": [{ "type": "Approved" }] })),
            State::Approved { name: "csr-1".into() }
        );
        assert_eq!(
            state(json!({ "conditions": [{ "type": "Approved" }], "certificate": "LS0=" })),
            State::Issued
        );
        let denied = state(json!({ "conditions": [{ "type": "Denied", "message": "not mine" }] }));
        assert_eq!(denied, State::Denied { name: "csr-1".into(), why: "not mine".into() });
    }

    #[test]
    fn denied_request_is_told_at_once_and_pending_one_only_when_late() {
        let requests = |state| Requests { state, ..Requests::default() };
        let denied = requests(State::Denied { name: "csr-1".into(), why: "not mine".into() });
        assert!(denied.refusal(false).unwrap().what.contains("csr-1 was denied: not mine"));
        let pending = requests(State::Pending { name: "csr-1".into() });
        assert_eq!(pending.refusal(false), None);
        assert!(pending.refusal(true).unwrap().fix.unwrap().contains("kubectl certificate approve csr-1"));
        assert_eq!(requests(State::None).refusal(true), None);
    }

    #[test]
    fn pending_request_may_wait_for_another_kube_controller_manager_to_lead() {
        let pending = |since: Duration| Requests {
            state: State::Pending { name: "csr-1".into() },
            pending_since: Instant::now().checked_sub(since),
            ..Requests::default()
        };
        let waiting = pending(PENDING + Duration::from_secs(1));
        assert_eq!(waiting.refusal(false), None);
        assert!(waiting.words().contains("changing its leader"), "{}", waiting.words());
        assert!(pending(FAILOVER + Duration::from_secs(1)).refusal(false).is_some());
    }

    #[test]
    fn only_recent_requests_of_bootstrapping_kubelets_count() {
        let request = |user: &str, created: &str| {
            json!({ "metadata": { "creationTimestamp": created }, "spec": {
                "username": user, "signerName": "kubernetes.io/kube-apiserver-client-kubelet" } })
        };
        let began = time::macros::datetime!(2026-11-28 10:00 UTC).unix_timestamp();
        let counts = |user: &str, created: &str| is_for_kubelet(&request(user, created), began, true);
        assert!(counts("system:bootstrap:abcdef", "2026-11-28T10:00:05Z"));
        assert!(!counts("system:bootstrap:abcdef", "2026-11-28T08:00:05Z"));
        assert!(!counts("system:node:n1", "2026-11-28T10:00:05Z"));
        assert!(!is_for_kubelet(&request("system:bootstrap:abcdef", "2026-11-28T10:00:05Z"), began, false));
    }
}
