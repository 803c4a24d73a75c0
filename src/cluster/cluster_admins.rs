//! The rights of admin.conf: its group `kubeadm:cluster-admins` is bound to `cluster-admin`, so that they can be
//! revoked, unlike those of super-admin.conf (`system:masters`).

use askama::Template;
use tokio::runtime::Handle;

use super::connection::{Connection, collection};
use super::{Apply, ClusterError, ClusterObject, ObjectError};

#[derive(Template)]
#[template(path = "cluster/cluster-admins.yml")]
struct Objects;

/// The ClusterRoleBinding `kubeadm:cluster-admins`; an existing one is left as its owner made it.
///
/// kubeadm makes it while it waits for the API server, and does not show it in a dry run.
///
/// # Errors
/// A fault of ours.
pub(crate) fn cluster_admins() -> Result<Vec<ClusterObject>, ObjectError> {
    ClusterObject::render(&Objects, Apply::CreateOnly)
}

/// kubeadm's bootstrap of the administrators' rights: the binding is made by the administrator, or by who may.
///
/// # Errors
/// When the API server does not answer in time, or nobody may make it.
pub(super) fn bind_admins(
    runtime: &Handle,
    admin: &Connection,
    super_admin: Option<&Connection>,
) -> Result<(), ClusterError> {
    for binding in cluster_admins()? {
        let path = &collection(binding.kind(), binding.namespace())?;
        let create = async |as_who: &Connection| match as_who.create(path, &binding.value).await {
            Err(refusal) if refusal.is_conflict() => Ok(()),
            other => other.map(drop),
        };
        let attempt = async || match create(admin).await {
            Err(refusal) if refusal.code() == Some(403) => match super_admin {
                Some(super_admin) => create(super_admin).await.map(|()| None),
                None => Ok(Some(refusal)),
            },
            other => other.map(|()| None),
        };
        let name = binding.object_name();
        let forbidden = runtime.block_on(admin.repeat("apply", &name, attempt))?;
        if let Some(refusal) = forbidden {
            return Err(ClusterError::NoSuperAdmin { refusal });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::KubeCluster;
    use super::super::fake::FakeApi;
    use super::*;

    const LIMIT: Duration = Duration::from_millis(300);
    const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";

    fn bind(admin: &KubeCluster, super_admin: Option<&KubeCluster>) -> Result<(), ClusterError> {
        bind_admins(&admin.runtime, &admin.connection, super_admin.map(|cluster| &cluster.connection))
    }

    #[test]
    fn the_administrators_are_bound_by_whoever_may() {
        let api = FakeApi::new();
        let forbidden = || api.cluster(LIMIT, |_| Some(403));
        let error = bind(&forbidden(), None).unwrap_err().to_string();
        assert!(error.contains("super-admin.conf") && error.contains("403"), "{error}");
        let mut codes = vec![500, 503].into_iter();
        let super_admin = api.cluster(LIMIT, move |_| codes.next());
        bind(&forbidden(), Some(&super_admin)).unwrap();
        bind(&api.cluster(LIMIT, |_| None), None).unwrap();
        let state = api.state.lock().unwrap();
        assert!(state.objects.contains_key(&format!("{BINDINGS}/kubeadm:cluster-admins")));
    }
}
