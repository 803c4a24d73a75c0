//! kubelet's TLS bootstrap: kubelet requests its client certificate with a bootstrap token, and writes kubelet.conf.

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use super::attention::{Attention, refused_request, rest, unhealthy};
use super::watched::watched_kubelet;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::finding::Finding;
use crate::host::FileMode;
use crate::kubeconfig::Kubeconfig;
use crate::pki::Bundle;
use crate::workflow::{Run, Verb};

/// The kubeconfig with which kubelet requests its certificate.
const BOOTSTRAP: &str = "bootstrap-kubelet.conf";
/// kubelet's own kubeconfig.
const KUBELET: &str = "kubelet.conf";
/// How often the cluster is asked about certificate signing requests.
const ASK_PERIOD: Duration = Duration::from_secs(1);
/// How long a request may stay pending until that is told: approval takes milliseconds.
const PENDING: Duration = Duration::from_secs(10);

/// Writes the bootstrap kubeconfig, unless kubelet has its own already, and the cluster's CA for kubelet's server.
///
/// # Errors
/// When a file can't be written, or another cluster's is in the way.
pub(crate) fn prepare(
    run: &mut Run,
    bootstrap: &Kubeconfig,
    ca: &Bundle,
    ca_path: &Path,
) -> Result<(), Error> {
    run.set_area("kubelet-start");
    if own_kubeconfig(run).is_none() {
        let path = run.settings.node.paths.kubeconfig(BOOTSTRAP);
        run.act(Verb::Write, format!("\"{BOOTSTRAP}\" kubeconfig file"));
        let mut bootstrap = bootstrap.clone();
        bootstrap.rename_cluster(&run.settings.cluster.config.cluster_name);
        run.write(&path, bootstrap.to_yaml()?.as_bytes(), FileMode::SECRET)?;
    }
    if !run.host.exists(ca_path) {
        run.write(ca_path, ca.to_pem().as_bytes(), FileMode::CERTIFICATE)?;
    }
    Ok(())
}

/// kubelet's kubeconfig, if it has one with a user.
fn own_kubeconfig(run: &Run) -> Option<Kubeconfig> {
    let text = run.host.read(&run.settings.node.paths.kubeconfig(KUBELET)).ok().flatten()?;
    let kubeconfig = Kubeconfig::parse(&String::from_utf8_lossy(&text)).ok()?;
    let user = kubeconfig.current_user()?;
    let file = &user.client_certificate;
    let usable =
        !user.client_certificate_data.is_empty() || (!file.is_empty() && run.host.exists(file.as_ref()));
    usable.then_some(kubeconfig)
}

/// Waits until kubelet is healthy and has its kubeconfig. On a control-plane node kubelet then uses the API server
/// `local` (a URL), once it is restarted: true where that is left to do.
///
/// # Errors
/// When kubelet does not become healthy or gets no certificate; with the cause, as far as it is known.
pub(crate) fn wait(run: &mut Run, local: Option<&str>) -> Result<bool, Error> {
    run.set_area("kubelet-wait");
    run.act(Verb::Wait, "for the kubelet to perform the TLS Bootstrap");
    if !run.watch.waits() {
        return show(run, local).map(|()| false);
    }
    let start = Instant::now();
    let mut view = run.live_view();
    let mut attention = Attention::new(run);
    let mut requests = Requests::default();
    run.watch.begin(&watched_kubelet(&run.settings)).map_err(|e| Error::new(ExitStatus::Failed, e))?;
    let mut kubelet_since = start;
    loop {
        let asked = Instant::now();
        let snapshot = run.watch.snapshot();
        let why = snapshot.kubelet.clone();
        view.show("kubelet", if why.is_none() { "healthy" } else { "starting" }, why.is_none());
        if let Some(kubeconfig) = own_kubeconfig(run).filter(|_| why.is_none()) {
            view.show("kubelet's certificate", "issued", true);
            view.close();
            return finish(run, kubeconfig, local);
        }
        let timeouts = run.settings.node.timeouts;
        if why.is_some() {
            if let Some(causes) = attention.hopeless(run, &snapshot) {
                view.close();
                return Err(unhealthy(run, "kubelet can't become healthy", causes));
            }
            if kubelet_since.elapsed() > timeouts.kubelet {
                view.close();
                let causes = attention.causes(run, &snapshot);
                let what = format!(
                    "The kubelet is not running or not healthy after {} s",
                    timeouts.kubelet.as_secs()
                );
                return Err(unhealthy(run, &what, causes));
            }
        } else {
            kubelet_since = Instant::now();
            requests.ask(run);
            view.show("kubelet's certificate", requests.words(), false);
            let late = start.elapsed() > timeouts.tls_bootstrap;
            if let Some(finding) = requests.refusal(late).or_else(|| requests.refused(run)) {
                view.close();
                return Err(unhealthy(run, "kubelet gets no client certificate", vec![finding]));
            }
            if late {
                view.close();
                let causes = attention.causes(run, &snapshot);
                let what = format!("kubelet has no kubeconfig after {} s", timeouts.tls_bootstrap.as_secs());
                return Err(unhealthy(run, &what, causes));
            }
        }
        rest(asked.elapsed());
    }
}

/// In a dry run no kubelet makes its kubeconfig: the bootstrap kubeconfig shows in its place which API server it names.
fn show(run: &mut Run, local: Option<&str>) -> Result<(), Error> {
    let path = run.settings.node.paths.kubeconfig(BOOTSTRAP);
    let (Some(local), Some(text)) = (local, run.host.read(&path)?) else { return Ok(()) };
    let Ok(mut kubeconfig) = Kubeconfig::parse(&String::from_utf8_lossy(&text)) else { return Ok(()) };
    if let Some(cluster) = kubeconfig.current_cluster_mut() {
        local.clone_into(&mut cluster.server);
    }
    run.write(&path, kubeconfig.to_yaml()?.as_bytes(), FileMode::SECRET)?;
    Ok(())
}

/// Removes the bootstrap kubeconfig, and points kubelet to the API server of its own node.
fn finish(run: &mut Run, mut kubeconfig: Kubeconfig, local: Option<&str>) -> Result<bool, Error> {
    let bootstrap = run.settings.node.paths.kubeconfig(BOOTSTRAP);
    run.remove(&bootstrap)?;
    if let (Some(local), Some(cluster)) = (local, kubeconfig.current_cluster_mut())
        && cluster.server != local
    {
        local.clone_into(&mut cluster.server);
        let path = run.settings.node.paths.kubeconfig(KUBELET);
        run.act(Verb::Update, format!("\"{KUBELET}\" to use the API server of this node"));
        run.write(&path, kubeconfig.to_yaml()?.as_bytes(), FileMode::SECRET)?;
        return Ok(true);
    }
    Ok(false)
}

/// What became of kubelet's certificate signing requests.
#[derive(Default)]
struct Requests {
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
    fn ask(&mut self, run: &mut Run) {
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

    fn words(&self) -> &'static str {
        match self.state {
            State::None => "waiting for kubelet to request it",
            State::Pending { .. } => "requested, waiting for approval",
            State::Denied { .. } => "denied",
            State::Approved { .. } => "approved, waiting to be signed",
            State::Issued => "issued, waiting for kubelet",
        }
    }

    /// Why there is no request after a while, if kubelet tells.
    fn refused(&mut self, run: &Run) -> Option<Finding> {
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
    fn refusal(&self, late: bool) -> Option<Finding> {
        let pending = late || self.pending_since.is_some_and(|since| since.elapsed() > PENDING);
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
