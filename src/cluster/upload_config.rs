//! The phase upload-config: the configuration, where joining and upgrading nodes read it.

use askama::Template;

use super::{Apply, ClusterObject, ObjectError, component_config_hash};
use crate::config::Settings;
use crate::config::settings::NODE_BOOTSTRAP_GROUP;
use crate::kubelet::cluster_configuration;
use crate::yaml;

#[derive(Template)]
#[template(path = "cluster/kubeadm-config.yml")]
struct KubeadmConfig<'a> {
    cluster_configuration: &'a str,
    joining_nodes: &'a str,
}

/// upload-config/kubeadm: the ConfigMap `kubeadm-config` and who may read it.
///
/// # Errors
/// When the configuration can't be written.
pub(crate) fn kubeadm(settings: &Settings) -> Result<Vec<ClusterObject>, ObjectError> {
    let cluster_configuration = &yaml::to_string(&settings.cluster.config)?;
    let template = KubeadmConfig { cluster_configuration, joining_nodes: NODE_BOOTSTRAP_GROUP };
    let mut objects = ClusterObject::render(&template, Apply::CreateOrUpdate)?;
    // Other tools keep keys of their own in this ConfigMap.
    for object in objects.iter_mut().filter(|o| o.kind() == "ConfigMap") {
        object.mode = Apply::CreateOrSetKey("ClusterConfiguration");
    }
    Ok(objects)
}

#[derive(Template)]
#[template(path = "cluster/kubelet-config.yml")]
struct KubeletConfig<'a> {
    configuration: &'a str,
    hash: Option<String>,
    joining_nodes: &'a str,
}

/// upload-config/kubelet: the ConfigMap `kubelet-config`, with what holds for every node, and who may read it.
/// With 1.33 [`super::annotate_cri_socket`] belongs to this phase too.
///
/// # Errors
/// When the configuration can't be written.
pub(crate) fn kubelet(settings: &Settings) -> Result<Vec<ClusterObject>, ObjectError> {
    let configuration = &yaml::to_string(&cluster_configuration(settings).to_value()?)?;
    // Without a hash `kubeadm upgrade` leaves the user's own alone.
    let hash = settings.cluster.generated().kubelet.then(|| component_config_hash([configuration.as_str()]));
    let template = KubeletConfig { configuration, hash, joining_nodes: NODE_BOOTSTRAP_GROUP };
    ClusterObject::render(&template, Apply::CreateOrUpdate)
}
