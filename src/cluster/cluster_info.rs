//! The second half of the phase bootstrap-token: the ConfigMap `cluster-info`, which everybody may read.

use askama::Template;
use serde_json::json;

use super::{Apply, ClusterObject, ObjectError};
use crate::config::Settings;
use crate::kubeconfig::Cluster;
use crate::yaml;

#[derive(Template)]
#[template(path = "cluster/cluster-info.yml")]
struct ClusterInfo<'a> {
    kubeconfig: &'a str,
}

/// `cluster-info` with the server and the CA of `cluster`, that of admin.conf.
///
/// # Errors
/// When `cluster` embeds no CA.
pub(crate) fn objects(settings: &Settings, cluster: &Cluster) -> Result<Vec<ClusterObject>, ObjectError> {
    if cluster.certificate_authority_data.is_empty() {
        return Err(ObjectError::NoEmbeddedCa { server: cluster.server.clone() });
    }
    // A kubeconfig of client-go's, with a cluster that has no name, and nobody to be.
    let mut kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "", "cluster": {
            "certificate-authority-data": cluster.certificate_authority_data,
            "server": cluster.server,
        }}],
        "contexts": null,
        "current-context": "",
        "users": null,
    });
    if let (true, Some(fields)) =
        (settings.cluster.release.kubeconfig_preferences, kubeconfig.as_object_mut())
    {
        fields.insert("preferences".into(), json!({}));
    }
    let kubeconfig = &yaml::to_string(&kubeconfig)?;
    ClusterObject::render(&ClusterInfo { kubeconfig }, Apply::CreateOrUpdate)
}
