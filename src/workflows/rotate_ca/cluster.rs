//! What the cluster publishes of its CAs.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Rotation;
use super::files::{bundle, pair, text_of};
use crate::certs::rotation::Stage;
use crate::certs::utc;
use crate::cluster::{Apply, ClusterObject};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::kubeconfig::Kubeconfig;
use crate::pki::table::row;
use crate::pki::{Bundle, Certificate};
use crate::workflow::{Outcome, PhaseResult, Verb};

/// How long kube-controller-manager may take to publish a CA to all namespaces: it waits for the lease of the one that
/// was stopped first.
const PATIENCE: Duration = Duration::from_secs(180);
const PERIOD: Duration = Duration::from_secs(1);

fn config_map(namespace: &str, name: &str, key: &'static str, text: &str) -> ClusterObject {
    let value = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "namespace": namespace, "name": name },
        "data": { key: text },
    });
    ClusterObject { value, mode: Apply::CreateOrSetKey(key), secret: false }
}

/// Waits until Pods and workers are given what a stage's nodes trust: whichever kube-controller-manager leads publishes
/// what its own node trusts.
pub(super) fn await_root_ca(rotation: &mut Rotation, stage: Stage) -> PhaseResult {
    let Some(ca) = row("ca") else { return Ok(Outcome::Done) };
    let (next, _) = pair(rotation, ca)?;
    let run = &mut rotation.run;
    run.act(Verb::Wait, "for ConfigMap kube-root-ca.crt, which Pods get, to hold both CAs");
    let start = Instant::now();
    while run.watch.waits() {
        let map = run.cluster.get("ConfigMap", "kube-system", "kube-root-ca.crt")?;
        let text = map.as_ref().map(|map| text_of(map, "/data/ca.crt")).unwrap_or_default();
        let published = Bundle::from_pem(text.as_bytes()).is_ok_and(|found| match stage {
            Stage::Trusted => found.iter().any(|certificate| *certificate == next),
            Stage::Switched | Stage::Finished => found.certificate == next,
        });
        if published {
            break;
        }
        if start.elapsed() > PATIENCE {
            let message = format!(
                "ConfigMap kube-system/kube-root-ca.crt does not hold both CAs (the signing one first) after {} s\n  cause: kube-controller-manager publishes it (--root-ca-file), and none is the leader, or it can't write it\n  fix: see why in its log (`kubestrap diagnose`), and run the same command again",
                PATIENCE.as_secs()
            );
            return Err(Error::new(ExitStatus::Failed, message));
        }
        std::thread::sleep(PERIOD);
    }
    Ok(Outcome::Done)
}

/// Publishes the CAs of a stage where joining nodes look for them, and takes the old ones from where API servers collect
/// those that they ever trusted.
pub(super) fn publish(rotation: &mut Rotation, stage: Stage) -> PhaseResult {
    let Some(ca) = row("ca") else { return Ok(Outcome::Done) };
    let trusted = STANDARD.encode(bundle(rotation, ca, stage)?.to_pem());
    let info = rotation.run.cluster.get("ConfigMap", "kube-public", "cluster-info")?;
    match info.as_ref().map(|info| text_of(info, "/data/kubeconfig")) {
        Some(text) => {
            let wrong = |e: String| {
                Error::new(ExitStatus::Failed, format!("ConfigMap kube-public/cluster-info: {e}"))
            };
            let mut kubeconfig = Kubeconfig::parse(text).map_err(wrong)?;
            for named in &mut kubeconfig.clusters {
                named.cluster.certificate_authority_data.clone_from(&trusted);
            }
            rotation.run.act(Verb::Update, "the CAs in ConfigMap kube-public/cluster-info");
            let text = kubeconfig.to_yaml()?;
            rotation.run.cluster.apply(vec![config_map(
                "kube-public",
                "cluster-info",
                "kubeconfig",
                &text,
            )])?;
        }
        None => rotation.run.log(
            "There is no ConfigMap kube-public/cluster-info: nodes that join must be given the CA in another way",
        ),
    }
    if stage == Stage::Finished {
        forget(rotation)?;
    }
    Ok(Outcome::Done)
}

/// API servers add the CAs of clients that they trust to a ConfigMap, by which kube-controller-manager, kube-scheduler
/// and extension API servers trust them too, and never take one out of it.
fn forget(rotation: &mut Rotation) -> Result<(), Error> {
    const NAME: &str = "extension-apiserver-authentication";
    let Some(map) = rotation.run.cluster.get("ConfigMap", "kube-system", NAME)? else { return Ok(()) };
    for (key, authority) in [("client-ca-file", "ca"), ("requestheader-client-ca-file", "front-proxy-ca")] {
        let text = map.get("data").and_then(|data| data.get(key)).and_then(Value::as_str);
        let (Some(text), Some(row)) = (text, row(authority)) else { continue };
        let (_, previous) = pair(rotation, row)?;
        let Ok(found) = Bundle::from_pem(text.as_bytes()) else { continue };
        let kept: String =
            found.iter().filter(|certificate| **certificate != previous).map(Certificate::to_pem).collect();
        if kept.is_empty() || found.iter().all(|certificate| *certificate != previous) {
            continue;
        }
        rotation.run.act(Verb::Remove, format!("the old CA from {key} in ConfigMap kube-system/{NAME}"));
        rotation.run.cluster.apply(vec![config_map("kube-system", NAME, key, &kept)])?;
    }
    Ok(())
}

/// Has the Pods of the addons replaced, as `kubectl rollout restart` does, once they and workers are told which CA signs.
pub(super) fn restart_addons(rotation: &mut Rotation) -> Result<(), Error> {
    await_root_ca(rotation, Stage::Switched)?;
    let run = &mut rotation.run;
    for (kind, name) in [("DaemonSet", "kube-proxy"), ("Deployment", "coredns")] {
        let Some(mut live) = run.cluster.get(kind, "kube-system", name)? else { continue };
        run.act(Verb::Restart, format!("the Pods of {kind} kube-system/{name}"));
        let now = utc(time::OffsetDateTime::now_utc());
        if let Some(metadata) = live.pointer_mut("/spec/template/metadata").and_then(Value::as_object_mut) {
            let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
            if let Some(annotations) = annotations.as_object_mut() {
                annotations.insert("kubectl.kubernetes.io/restartedAt".into(), now.into());
            }
        }
        // What only the API server sets.
        if let Some(metadata) = live.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            for field in ["resourceVersion", "uid", "creationTimestamp", "generation", "managedFields"] {
                metadata.remove(field);
            }
        }
        if let Some(object) = live.as_object_mut() {
            object.remove("status");
            object.insert("kind".into(), kind.into());
            object.insert("apiVersion".into(), "apps/v1".into());
        }
        let object = ClusterObject { value: live, mode: Apply::CreateOrUpdate, secret: false };
        run.cluster.apply(vec![object])?;
    }
    Ok(())
}
