//! What a run asks of the cluster: its turn by a Lease, and an Event on the Node.

use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::care::lease::{self, Claim, micro};
use crate::commands::reach::Reached;
use crate::program;

/// The way to the cluster, for one node.
pub(super) struct Turn<'a> {
    reached: &'a Reached,
    node: &'a str,
}

/// Why a node has no turn.
#[derive(Debug, thiserror::Error)]
pub(super) enum TurnError {
    /// Another node has it.
    #[error("node {by} has its turn, until {until} at the latest")]
    Held {
        /// Which node.
        by: String,
        /// Until when.
        until: String,
    },
    /// Another node took it at the same moment.
    #[error("another node took its turn at the same moment")]
    Raced,
    /// The cluster can't be asked.
    #[error(
        "the Lease kube-system/kubestrap-care can't be taken: {0}\n  fix: see why the API server does not answer with `kubestrap diagnose`, then run `kubestrap care run`"
    )]
    Cluster(#[source] kube::Error),
}

impl From<kube::Error> for TurnError {
    fn from(error: kube::Error) -> Self {
        match error {
            // AlreadyExists and Conflict.
            kube::Error::Api(status) if status.code == 409 => Self::Raced,
            other => Self::Cluster(other),
        }
    }
}

impl<'a> Turn<'a> {
    /// The way for `node`, which has no turn yet.
    pub(super) fn new(reached: &'a Reached, node: &'a str) -> Self {
        Self { reached, node }
    }

    fn leases(&self) -> Api<DynamicObject> {
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("coordination.k8s.io", "v1", "Lease"));
        Api::namespaced_with(self.reached.cluster.client().clone(), lease::NAMESPACE, &kind)
    }

    /// Takes the turn, or takes it again.
    ///
    /// # Errors
    /// When another node has it, or the cluster can't be asked.
    pub(super) fn take(&self) -> Result<(), TurnError> {
        let leases = self.leases();
        self.reached.block_on(async {
            let found = leases.get_opt(lease::NAME).await?;
            let value = found.as_ref().map(|lease| lease.data.clone());
            let spec = match lease::claim(value.as_ref(), self.node, OffsetDateTime::now_utc()) {
                Claim::Free(spec) => spec,
                Claim::Held { by, until } => {
                    return Err(TurnError::Held { by, until: crate::certs::utc(until) });
                }
            };
            // Of two at once, the API server refuses the later one.
            let options = PostParams::default();
            match found {
                Some(mut lease) => {
                    lease.data = json!({ "spec": spec });
                    leases.replace(lease::NAME, &options, &lease).await?;
                }
                None => {
                    let kind =
                        ApiResource::from_gvk(&GroupVersionKind::gvk("coordination.k8s.io", "v1", "Lease"));
                    let lease = DynamicObject::new(lease::NAME, &kind).data(json!({ "spec": spec }));
                    leases.create(&options, &lease).await?;
                }
            }
            Ok(())
        })
    }

    /// Gives the turn to the next. Where that fails, the next waits until the term is over.
    pub(super) fn release(&self) {
        let leases = self.leases();
        let released = self.reached.block_on(async {
            let Some(mut lease) = leases.get_opt(lease::NAME).await? else { return Ok(()) };
            let holder = lease.data.pointer("/spec/holderIdentity").and_then(Value::as_str);
            if holder == Some(self.node) {
                lease.data = json!({ "spec": lease::released(OffsetDateTime::now_utc()) });
                leases.replace(lease::NAME, &PostParams::default(), &lease).await?;
            }
            Ok::<(), kube::Error>(())
        });
        if let Err(error) = released {
            tracing::info!(
                "the Lease kube-system/kubestrap-care can't be released, and will expire: {error}"
            );
        }
    }

    /// Leaves an Event on the Node.
    ///
    /// # Errors
    /// When the cluster does not take it.
    pub(super) fn event(&self, ok: bool, message: &str) -> Result<(), kube::Error> {
        let now = OffsetDateTime::now_utc();
        let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Event"));
        // Where kubelet leaves those of its Node.
        let events =
            Api::<DynamicObject>::namespaced_with(self.reached.cluster.client().clone(), "default", &kind);
        let name = format!("{}.{:x}", self.node, now.unix_timestamp_nanos());
        let event = DynamicObject::new(&name, &kind).data(json!({
            // By this uid, `kubectl describe node` finds it.
            "involvedObject": { "kind": "Node", "name": self.node, "uid": self.node },
            "type": if ok { "Normal" } else { "Warning" },
            "reason": if ok { "CertificatesCaredFor" } else { "CareFailed" },
            "message": message.chars().take(1000).collect::<String>(),
            "source": { "component": program::NAME, "host": self.node },
            "reportingComponent": program::NAME,
            "reportingInstance": self.node,
            "action": "Care",
            "eventTime": micro(now),
            "firstTimestamp": crate::certs::utc(now),
            "lastTimestamp": crate::certs::utc(now),
            "count": 1,
        }));
        self.reached.block_on(events.create(&PostParams::default(), &event)).map(drop)
    }
}
