//! A kubeconfig file (`v1` `Config` of client-go).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::yaml::{self, WriteError};

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Kubeconfig {
    /// `v1`.
    pub api_version: String,
    /// `Config`.
    pub kind: String,
    /// Clusters by name.
    pub clusters: Vec<NamedCluster>,
    /// Contexts by name: a user at a cluster.
    pub contexts: Vec<NamedContext>,
    /// The context used unless another is asked for.
    #[serde(rename = "current-context")]
    pub current_context: String,
    /// An empty map where there is one at all: client-go wrote it up to 1.33.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferences: Option<BTreeMap<String, serde_json::Value>>,
    /// Users by name.
    pub users: Vec<NamedUser>,
}

/// A cluster and its name.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct NamedCluster {
    /// Its name.
    pub name: String,
    /// The cluster.
    pub cluster: Cluster,
}

/// Where an API server is, and the CA that its certificate must come from.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Cluster {
    /// Its URL.
    pub server: String,
    /// The CA, PEM in base64.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub certificate_authority_data: String,
    /// The CA's file, instead.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub certificate_authority: String,
    /// The name that its certificate is for, where that is not the URL's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tls_server_name: String,
    /// Its certificate is not verified. We never write this.
    #[serde(skip_serializing)]
    pub insecure_skip_tls_verify: bool,
}

/// A context and its name.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct NamedContext {
    /// Its name.
    pub name: String,
    /// The context.
    pub context: Context,
}

/// A user at a cluster.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Context {
    /// The cluster's name.
    pub cluster: String,
    /// The user's name.
    pub user: String,
    /// The namespace used unless another is asked for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// A user and its name.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct NamedUser {
    /// Its name.
    pub name: String,
    /// The user.
    pub user: User,
}

/// How a user shows who it is.
#[derive(Clone, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct User {
    /// A client certificate, PEM in base64.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_certificate_data: String,
    /// Its key, PEM in base64.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_key_data: String,
    /// The certificate's file, instead.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_certificate: String,
    /// The key's file, instead.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_key: String,
    /// A token.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// A token's file, instead.
    #[serde(rename = "tokenFile", skip_serializing_if = "String::is_empty")]
    pub token_file: String,
}

impl std::fmt::Debug for User {
    /// Without keys and tokens: they are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("client_certificate", &self.client_certificate).finish_non_exhaustive()
    }
}

impl Kubeconfig {
    /// One user at one cluster, the context named as kubeadm names it: `<user>@<cluster>`.
    pub fn new(cluster_name: &str, cluster: Cluster, user_name: &str, user: User) -> Self {
        let context = format!("{user_name}@{cluster_name}");
        Self {
            api_version: "v1".into(),
            kind: "Config".into(),
            clusters: vec![NamedCluster { name: cluster_name.into(), cluster }],
            contexts: vec![NamedContext {
                name: context.clone(),
                context: Context {
                    cluster: cluster_name.into(),
                    user: user_name.into(),
                    namespace: String::new(),
                },
            }],
            current_context: context,
            preferences: None,
            users: vec![NamedUser { name: user_name.into(), user }],
        }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// In words, when it is not a kubeconfig.
    pub fn parse(text: &str) -> Result<Self, String> {
        let documents = yaml::parse(text).map_err(|e| e.to_string())?;
        let Some(document) = documents.first() else { return Err("the file is empty".into()) };
        Ok(yaml::decode::<Self>(&document.root).map_err(|e| format!("{}: {e}", e.position))?.value)
    }

    /// The file's text.
    ///
    /// # Errors
    /// When it can't be written as YAML.
    pub fn to_yaml(&self) -> Result<String, WriteError> {
        yaml::to_string(self)
    }

    /// The cluster of the current context.
    pub fn current_cluster(&self) -> Option<&Cluster> {
        let context = self.contexts.iter().find(|c| c.name == self.current_context)?;
        self.clusters.iter().find(|c| c.name == context.context.cluster).map(|c| &c.cluster)
    }

    /// Gives the cluster of the current context another name.
    pub(crate) fn rename_cluster(&mut self, name: &str) {
        let current = self.current_context.clone();
        let Some(context) = self.contexts.iter_mut().find(|c| c.name == current) else { return };
        let old = std::mem::replace(&mut context.context.cluster, name.to_owned());
        self.clusters.iter_mut().filter(|c| c.name == old).for_each(|c| name.clone_into(&mut c.name));
    }

    /// The cluster of the current context, to change.
    pub(crate) fn current_cluster_mut(&mut self) -> Option<&mut Cluster> {
        let context = self.contexts.iter().find(|c| c.name == self.current_context)?;
        self.clusters.iter_mut().find(|c| c.name == context.context.cluster).map(|c| &mut c.cluster)
    }

    /// The user of the current context.
    pub fn current_user(&self) -> Option<&User> {
        let context = self.contexts.iter().find(|c| c.name == self.current_context)?;
        self.users.iter().find(|u| u.name == context.context.user).map(|u| &u.user)
    }

    /// The user of the current context, to change.
    pub fn current_user_mut(&mut self) -> Option<&mut User> {
        let context = self.contexts.iter().find(|c| c.name == self.current_context)?;
        self.users.iter_mut().find(|u| u.name == context.context.user).map(|u| &mut u.user)
    }
}
