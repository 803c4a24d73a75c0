//! The sections about who may talk to kubelet.

// The fields are Kubernetes' own; its reference documents each:
// https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
#![allow(missing_docs)]

use serde::{Deserialize, Serialize};

use super::super::component_base::unset;
use crate::config::duration::GoDuration;

/// Who may call kubelet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KubeletAuthorization {
    #[serde(skip_serializing_if = "unset")]
    pub mode: String,
    pub webhook: KubeletWebhookAuthorization,
}

/// How long the answers of the authorization webhook hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KubeletWebhookAuthorization {
    #[serde(rename = "cacheAuthorizedTTL")]
    pub cache_authorized_ttl: GoDuration,
    #[serde(rename = "cacheUnauthorizedTTL")]
    pub cache_unauthorized_ttl: GoDuration,
}

/// How callers of kubelet prove who they are; each way is tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KubeletAuthentication {
    pub x509: KubeletX509Authentication,
    pub webhook: KubeletWebhookAuthentication,
    pub anonymous: KubeletAnonymousAuthentication,
}

/// By a client certificate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KubeletX509Authentication {
    #[serde(rename = "clientCAFile", skip_serializing_if = "unset")]
    pub client_ca_file: String,
}

/// By a bearer token that the API server reviews.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KubeletWebhookAuthentication {
    #[serde(skip_serializing_if = "unset")]
    pub enabled: Option<bool>,
    #[serde(rename = "cacheTTL")]
    pub cache_ttl: GoDuration,
}

/// Not at all: such callers are `system:anonymous`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KubeletAnonymousAuthentication {
    #[serde(skip_serializing_if = "unset")]
    pub enabled: Option<bool>,
}
