//! Who still needs the old CAs: all that is left to do before they can be dropped.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::announce::last_switch;
use super::files::{staged, text_of};
use super::{Rotation, announcements};
use crate::certs::rotation::Stage;
use crate::cluster::Cluster;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::finding::{Finding, Severity};
use crate::pki::table::SERVICE_ACCOUNT;
use crate::workflow::{Outcome, PhaseResult};

/// Refuses to drop the old CAs while somebody needs them.
pub(super) fn check(rotation: &mut Rotation) -> PhaseResult {
    // Of a run that was interrupted: some of this node trusts them no more already.
    if rotation.progress.finish_begun() {
        return Ok(Outcome::Done);
    }
    let found = blockers(rotation)?;
    rotation.run.findings(&found);
    let errors = found.iter().filter(|f| f.severity == Severity::Error).count();
    if errors == 0 {
        return Ok(Outcome::Done);
    }
    let hint = "\n  fix: do what the findings above say and run this again; or use --force, where a finding says that this is possible";
    Err(Error::new(
        ExitStatus::Preflight,
        format!("the old CAs are still needed: {errors} findings above{hint}"),
    ))
}

/// What still needs the old CAs: errors, or warnings where that is to be passed over.
///
/// # Errors
/// When the cluster can't be asked.
pub(crate) fn blockers(rotation: &mut Rotation) -> Result<Vec<Finding>, Error> {
    let id = rotation.progress.id.clone();
    let nodes = announcements(&mut *rotation.run.cluster)?;
    let mut found = vec![];
    for node in nodes.iter().filter(|node| node.reached(&id, Stage::Switched).is_none()) {
        let kind = if node.control_plane { "control-plane node" } else { "node" };
        let finding =
            named("Node", format!("{kind} {} has not switched to the new CA", node.node)).fix(format!(
                "run `kubestrap certs rotate-ca` there, or `kubectl delete node {}` if that machine is gone",
                node.node
            ));
        // Without it, that control plane would fall apart: nothing passes over this.
        found.push(if node.control_plane { finding } else { passable(finding, rotation.force) });
    }
    let Some(switched) = last_switch(&nodes, &id) else { return Ok(found) };
    for owner in old_pods(&mut *rotation.run.cluster, switched)? {
        let finding = named("Pod", format!("Pods of {owner} run since before the switch: they may know only the old CA, or have a token that the old key signed"))
            .fix(restart_command(&owner));
        found.push(passable(finding, rotation.force));
    }
    for secret in old_tokens(rotation)? {
        let (namespace, name) = secret.split_once('/').unwrap_or(("", &secret));
        let finding = named("Token", format!("Secret {secret} holds a service account's token that the old key signed"))
            .fix(format!("have it signed again, and give the new token to whoever uses it: `kubectl -n {namespace} patch secret {name} --type json -p '[{{\"op\":\"remove\",\"path\":\"/data/token\"}}]'`"));
        found.push(passable(finding, rotation.force));
    }
    Ok(found)
}

fn named(check: &str, what: String) -> Finding {
    Finding { check: check.into(), ..Finding::error(what) }
}

/// What `--force` passes over.
fn passable(finding: Finding, force: bool) -> Finding {
    if force { Finding { severity: Severity::Warning, ..finding } } else { finding }
}

/// Who owns a Pod: its namespace, kind and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Owner {
    namespace: String,
    kind: String,
    name: String,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

fn restart_command(owner: &Owner) -> String {
    let Owner { namespace, kind, name } = owner;
    match kind.as_str() {
        "Deployment" | "DaemonSet" | "StatefulSet" => {
            format!("`kubectl -n {namespace} rollout restart {}/{name}`", kind.to_lowercase())
        }
        "Pod" => format!("`kubectl -n {namespace} delete pod {name}`, and create it again"),
        _ => "have it replace its Pods, such as by deleting them".into(),
    }
}

/// The owners of running Pods that were started before `time` and are given a service account's token or the CA.
fn old_pods(cluster: &mut dyn Cluster, time: OffsetDateTime) -> Result<BTreeSet<Owner>, Error> {
    let mut owners = BTreeSet::new();
    cluster.for_each("Pod", "", &mut |pod| {
        let started = OffsetDateTime::parse(text_of(&pod, "/status/startTime"), &Rfc3339);
        let old = started.is_ok_and(|started| started < time);
        let mirror = pod.pointer("/metadata/annotations/kubernetes.io~1config.mirror").is_some();
        if old && !mirror && text_of(&pod, "/status/phase") == "Running" && uses_api(&pod) {
            owners.insert(owner(&pod));
        }
    })?;
    Ok(owners)
}

/// Whether a Pod is given a token, or the CA.
fn uses_api(pod: &Value) -> bool {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let sources = list(pod.pointer("/spec/volumes"))
        .into_iter()
        .flat_map(|volume| list(volume.pointer("/projected/sources")));
    sources.into_iter().any(|source| {
        source.get("serviceAccountToken").is_some()
            || text_of(&source, "/configMap/name") == "kube-root-ca.crt"
    })
}

fn owner(pod: &Value) -> Owner {
    let namespace = text_of(pod, "/metadata/namespace").to_owned();
    let of =
        |kind: &str, name: &str| Owner { namespace: namespace.clone(), kind: kind.into(), name: name.into() };
    let (kind, name) =
        (text_of(pod, "/metadata/ownerReferences/0/kind"), text_of(pod, "/metadata/ownerReferences/0/name"));
    let hash = text_of(pod, "/metadata/labels/pod-template-hash");
    match (kind, name.strip_suffix(hash).and_then(|name| name.strip_suffix('-'))) {
        ("", _) => of("Pod", text_of(pod, "/metadata/name")),
        ("ReplicaSet", Some(deployment)) if !hash.is_empty() => of("Deployment", deployment),
        _ => of(kind, name),
    }
}

/// The Secrets with tokens that never expire, and that the key which goes signed.
fn old_tokens(rotation: &mut Rotation) -> Result<BTreeSet<String>, Error> {
    let public = rotation.staging().file(rotation.progress.previous(), SERVICE_ACCOUNT.public_key);
    let public = staged(&*rotation.run.host, &public)?;
    let Some(key_id) = key_id(&public) else { return Ok(BTreeSet::new()) };
    let mut found = BTreeSet::new();
    rotation.run.cluster.for_each("Secret", "", &mut |secret| {
        if text_of(&secret, "/type") == "kubernetes.io/service-account-token"
            && signed_by(text_of(&secret, "/data/token")).is_some_and(|id| id == key_id)
        {
            let (namespace, name) =
                (text_of(&secret, "/metadata/namespace"), text_of(&secret, "/metadata/name"));
            found.insert(format!("{namespace}/{name}"));
        }
    })?;
    Ok(found)
}

/// How Kubernetes names a key in the header of tokens: by the hash of the public key.
fn key_id(public: &[u8]) -> Option<String> {
    let block = pem::parse(public).ok()?;
    Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, block.contents())))
}

/// The key that signed the token in a Secret.
fn signed_by(data: &str) -> Option<String> {
    let token = STANDARD.decode(data).ok()?;
    let header = token.split(|byte| *byte == b'.').next()?;
    let header: BTreeMap<String, Value> =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    header.get("kid")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pods_of_a_deployment_are_told_by_its_name_and_restarted_by_it() {
        let pod = json!({ "metadata": {
            "namespace": "n", "name": "web-abc12-xyz", "labels": { "pod-template-hash": "abc12" },
            "ownerReferences": [{ "kind": "ReplicaSet", "name": "web-abc12" }],
        }});
        let found = owner(&pod);
        assert_eq!(found.to_string(), "Deployment n/web");
        assert_eq!(restart_command(&found), "`kubectl -n n rollout restart deployment/web`");
        let alone = owner(&json!({ "metadata": { "namespace": "n", "name": "p" } }));
        assert!(restart_command(&alone).contains("delete pod p"));
    }

    #[test]
    fn only_pods_that_are_given_a_token_or_the_ca_count() {
        let pod = |source: Value| json!({ "spec": { "volumes": [{ "name": "v", "projected": { "sources": [source] } }] } });
        assert!(uses_api(&pod(json!({ "serviceAccountToken": { "path": "token" } }))));
        assert!(uses_api(&pod(json!({ "configMap": { "name": "kube-root-ca.crt" } }))));
        assert!(!uses_api(&pod(json!({ "configMap": { "name": "mine" } }))));
        assert!(!uses_api(&json!({ "spec": { "volumes": [{ "emptyDir": {} }] } })));
    }

    #[test]
    fn token_tells_the_key_that_signed_it() {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"abc"}"#);
        let data = STANDARD.encode(format!("{header}.e30.c2ln"));
        assert_eq!(signed_by(&data).as_deref(), Some("abc"));
        assert_eq!(signed_by("no token"), None);
    }
}
