//! kubeadm's health check of the cluster: a Job that does nothing must run to its end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Upgrade;
use crate::cluster::{Apply, ClusterObject};
use crate::finding::Finding;

/// The check's name, kubeadm's.
const CHECK: &str = "CreateJob";
const NAMESPACE: &str = "kube-system";
/// How long the Job may take, as in kubeadm.
const LIMIT: Duration = Duration::from_secs(60);
/// How long the Job is kept, as in kubeadm.
const TIME_TO_LIVE: u64 = 65;
const PERIOD: Duration = Duration::from_millis(250);

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
        if !upgrade.survey.nodes.iter().any(|node| node.schedulable) {
            return vec![];
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
            std::thread::sleep(PERIOD);
        }
        error(format!("the Job {name} is not complete after {} s: {last}", LIMIT.as_secs()))
    }
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
