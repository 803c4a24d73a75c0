//! The sections about the node and the Pods on it.

// The fields are Kubernetes' own; its reference documents each:
// https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
#![allow(missing_docs)]

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::{Deserialize, Serialize};

use super::super::component_base::{Quantity, unset};
use crate::config::duration::GoDuration;

/// Memory set aside on one NUMA node, for the memory manager.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct MemoryReservation {
    pub numa_node: i32,
    pub limits: Option<BTreeMap<String, Quantity>>,
}

/// How long Pods from a priority upwards get to stop when the node shuts down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ShutdownGracePeriodByPodPriority {
    pub priority: i32,
    pub shutdown_grace_period_seconds: i64,
}

/// What swap containers may use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct MemorySwapConfiguration {
    #[serde(skip_serializing_if = "unset")]
    pub swap_behavior: String,
}

/// The longest pause before a crashing container is started again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CrashLoopBackOffConfig {
    #[serde(skip_serializing_if = "unset")]
    pub max_container_restart_period: Option<GoDuration>,
}

/// How many user IDs each Pod with a user namespace gets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct UserNamespaces {
    #[serde(skip_serializing_if = "unset")]
    pub ids_per_pod: Option<i64>,
}

/// A taint that the node registers with (core/v1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Taint {
    pub key: String,
    #[serde(skip_serializing_if = "unset")]
    pub value: String,
    pub effect: String,
    #[serde(skip_serializing_if = "unset")]
    pub time_added: Option<Time>,
}
