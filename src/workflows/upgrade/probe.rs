//! kubeadm's health check of the cluster: a Job that does nothing must run to its end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Upgrade;
use super::survey::Node;
use crate::cluster::{Apply, Cluster, ClusterObject};
use crate::finding::Finding;

/// The check's name, kubeadm's.
const CHECK: &str = "CreateJob";
const NAMESPACE: &str = "kube-system";
/// How long the Job may take, as in kubeadm.
const LIMIT: Duration = Duration::from_secs(60);
/// For how long a warning about the Job is doubted: what is missing may come.
const DOUBT: Duration = Duration::from_secs(5);
/// How long the Job is kept, as in kubeadm.
const TIME_TO_LIVE: u64 = 65;
const PERIOD: Duration = Duration::from_millis(500);

/// Proves that the cluster still runs what it is told to run.
pub(crate) trait Probe {
    /// What is wrong, if anything is.
    fn probe(&mut self, upgrade: &mut Upgrade) -> Vec<Finding>;
}

/// A Job, run to its end.
pub(crate) struct Job;

/// Says what would be done: a dry run.
pub(crate) struct NoJob;

impl Probe for NoJob {
    fn probe(&mut self, upgrade: &mut Upgrade) -> Vec<Finding> {
        upgrade.run.log("Would create a Job as a health check of the cluster, and wait until it is complete");
        vec![]
    }
}

impl Probe for Job {
    fn probe(&mut self, upgrade: &mut Upgrade) -> Vec<Finding> {
        let nodes = &upgrade.survey.nodes;
        if !nodes.iter().any(|node| node.schedulable) {
            return vec![];
        }
        if nodes.iter().all(|node| node.not_ready.is_some() || !node.schedulable) {
            return vec![nowhere(nodes)];
        }
        let run = &mut upgrade.run;
        let stamp = run.started.unix_timestamp_nanos() / 1_000_000;
        let name = format!("upgrade-health-check-{stamp}");
        let value = job(&name, &run.settings.pause_image());
        run.log(format!("Running the Job {name} as a health check of the cluster"));
        let error =
            |what: String| {
                vec![Finding { check: CHECK.into(), ..Finding::error(what) }
                .cause("the upgrade would meet the same: something keeps the cluster from running new Pods")
                .fix(format!("see `kubectl -n {NAMESPACE} describe job {name}` and the events of its Pod"))]
            };
        let object = ClusterObject { value, mode: Apply::CreateOnly, secret: false };
        if let Err(why) = run.cluster.apply(vec![object]) {
            return error(format!("the Job {name} can't be created: {why}"));
        }
        let begin = Instant::now();
        let mut warned = None;
        let mut last = String::from("it has not started");
        while begin.elapsed() < LIMIT {
            match run.cluster.get("Job", NAMESPACE, &name) {
                Ok(Some(job)) => match state(&job) {
                    State::Complete => return vec![],
                    State::Failed(why) => return error(format!("the Job {name} failed: {why}")),
                    State::Pending(what) => last = what,
                },
                Ok(None) => last = "it is gone".into(),
                Err(why) => last = why.to_string(),
            }
            let warnings = warnings(&mut *run.cluster, &name);
            if warnings.is_empty() {
                warned = None;
            } else if warned.get_or_insert_with(Instant::now).elapsed() > DOUBT {
                let finding = error(format!("the Job {name} is not complete: {last}"));
                return finding.into_iter().map(|f| f.evidences(warnings.iter().cloned())).collect();
            }
            std::thread::sleep(PERIOD);
        }
        error(format!("the Job {name} is not complete after {} s: {last}", LIMIT.as_secs()))
    }
}

/// No Node can take the Job: it would stay pending.
fn nowhere(nodes: &[Node]) -> Finding {
    let why = |node: &Node| {
        let why = node.not_ready.as_deref().unwrap_or("no Pod may be scheduled on it");
        format!("{}: {why}", node.name)
    };
    Finding {
        check: CHECK.into(),
        ..Finding::error("no Node can take the Job that checks the cluster's health")
    }
    .evidences(nodes.iter().map(why))
    .cause("a Pod is started only on a Node that is ready and not cordoned")
    .fix("see why with `kubectl describe node`; without a Pod network (CNI) no Node becomes ready")
}

/// What was said of the Job, or its Pod, that keeps it from running.
fn warnings(cluster: &mut dyn Cluster, name: &str) -> Vec<String> {
    let events = cluster.list("Event", NAMESPACE).unwrap_or_default();
    let text = |event: &Value, pointer: &str| {
        event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let of_job = events.iter().filter(|event| {
        text(event, "/type") == "Warning" && text(event, "/involvedObject/name").starts_with(name)
    });
    let mut said: Vec<String> =
        of_job.map(|event| format!("{}: {}", text(event, "/reason"), text(event, "/message"))).collect();
    said.sort();
    said.dedup();
    said
}

/// How a Job stands.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Complete,
    Failed(String),
    Pending(String),
}

fn state(job: &Value) -> State {
    let conditions = job.pointer("/status/conditions").and_then(Value::as_array);
    for condition in conditions.into_iter().flatten().filter(|c| c.get("status").is_some_and(|s| s == "True"))
    {
        let text = |key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default();
        match text("type") {
            "Complete" => return State::Complete,
            "Failed" => {
                return State::Failed(format!("{} {}", text("reason"), text("message")).trim().to_owned());
            }
            _ => {}
        }
    }
    let count = |field: &str| job.pointer(&format!("/status/{field}")).and_then(Value::as_u64).unwrap_or(0);
    State::Pending(format!("{} active, {} failed Pods", count("active"), count("failed")))
}

/// The Job, as kubeadm makes it.
fn job(name: &str, image: &str) -> Value {
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": TIME_TO_LIVE,
            "ttlSecondsAfterFinished": TIME_TO_LIVE,
            "template": { "spec": {
                "restartPolicy": "Never",
                "securityContext": {
                    "runAsUser": 999,
                    "runAsGroup": 999,
                    "runAsNonRoot": true,
                },
                "tolerations": [{ "key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule" }],
                "containers": [{ "name": name, "image": image, "args": ["-v"] }],
            }},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_can_not_take_the_job_are_told_with_their_reasons() {
        let node = |name: &str, not_ready: Option<&str>, schedulable| Node {
            name: name.into(),
            not_ready: not_ready.map(str::to_owned),
            schedulable,
            ..Node::default()
        };
        let finding = nowhere(&[node("a", Some("cni plugin not initialized"), true), node("b", None, false)]);
        assert_eq!(finding.check, CHECK);
        assert_eq!(finding.evidence, ["a: cni plugin not initialized", "b: no Pod may be scheduled on it"]);
    }

    #[test]
    fn job_is_complete_only_by_its_condition() {
        let with = |kind: &str, status: &str| {
            state(
                &json!({"status": {"active": 1, "conditions": [{"type": kind, "status": status, "reason": "BackoffLimitExceeded"}]}}),
            )
        };
        assert_eq!(with("Complete", "True"), State::Complete);
        assert_eq!(with("Failed", "True"), State::Failed("BackoffLimitExceeded".into()));
        assert_eq!(with("Complete", "False"), State::Pending("1 active, 0 failed Pods".into()));
        assert_eq!(state(&json!({})), State::Pending("0 active, 0 failed Pods".into()));
    }
}
