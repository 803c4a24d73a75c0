//! What a joining node reads of the cluster once it has discovered it, and what it means when it may not.

use super::cause::Cause;
use super::{Discovered, DiscoveryError, Doing};
use crate::cluster::stored::{self, Stored, StoredError};
use crate::cluster::{Cluster, ClusterError, Refusal};

/// Why the cluster's configuration was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The cluster does not answer, or not to us.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// It is not there, or can't be used.
    #[error(transparent)]
    Stored(#[from] StoredError),
}

/// Reads the configuration that the discovered cluster stores, through `cluster`, which uses the discovered kubeconfig.
///
/// # Errors
/// When it is not there or can't be read, in words about the token or file that the cluster was discovered with.
pub(crate) fn read_configuration(
    cluster: &mut dyn Cluster,
    discovered: &Discovered,
) -> Result<Stored, ReadError> {
    let stored = stored::read(cluster).map_err(|error| explain(error, discovered))?;
    if stored.loaded.kubelet.is_none() {
        let what = "with the key `kubelet` not found".into();
        return Err(StoredError::Missing { name: "kubelet-config", what, phase: "kubelet" }.into());
    }
    Ok(stored)
}

fn explain(error: StoredError, discovered: &Discovered) -> ReadError {
    let StoredError::Cluster(ClusterError::Object { object, refusal, after, .. }) = &error else {
        return error.into();
    };
    let credentials = discovered.credentials.clone();
    let server = discovered.server.clone();
    let cause = match refusal {
        Refusal::Status { code: 401, .. } => Cause::Unauthorized { address: server, credentials },
        Refusal::Status { code: 403, message, .. } => {
            Cause::NotAllowed { credentials, object: object.to_string(), message: message.clone() }
        }
        Refusal::Status { .. } => return error.into(),
        refusal => Cause::OtherServer { server, refusal: refusal.to_string() },
    };
    DiscoveryError { cause: Box::new(cause), after: *after, doing: Doing::Reading }.into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::{Change, ClusterObject, ObjectName};
    use crate::discovery::Credentials;

    /// Answers with the objects given; refuses what is not among them.
    struct Answers(Vec<(&'static str, Value)>, Refusal);

    impl Cluster for Answers {
        fn apply(&mut self, _: Vec<ClusterObject>) -> Result<Vec<Change>, ClusterError> {
            Ok(vec![])
        }
        fn get(&mut self, kind: &str, namespace: &str, name: &str) -> Result<Option<Value>, ClusterError> {
            let object = ObjectName { kind: kind.into(), namespace: namespace.into(), name: name.into() };
            match self.0.iter().find(|(n, _)| *n == name) {
                Some((_, Value::Null)) => Ok(None),
                Some((_, value)) => Ok(Some(value.clone())),
                None => Err(ClusterError::Object {
                    action: "read",
                    object: Box::new(object),
                    refusal: self.1.clone(),
                    after: Duration::ZERO,
                }),
            }
        }
        fn list(&mut self, _: &str, _: &str) -> Result<Vec<Value>, ClusterError> {
            Ok(vec![])
        }
    }

    fn refused(code: u16) -> Refusal {
        Refusal::Status { code, reason: String::new(), message: "not for system:bootstrap:abcdef".into() }
    }

    fn read(cluster: &mut Answers) -> Result<Stored, ReadError> {
        let token = Credentials::Token("abcdef.0123456789abcdef");
        read_configuration(cluster, &Discovered::new("https://cp.lab.test:6443".into(), String::new(), token))
    }

    #[test]
    fn who_is_refused_is_told_which_token_it_used() {
        let told = |refusal| read(&mut Answers(vec![], refusal)).unwrap_err().to_string();
        let unknown = told(refused(401));
        assert!(
            unknown.contains("does not accept the token \"abcdef\"") && unknown.contains("token create"),
            "{unknown}"
        );
        let forbidden = told(refused(403));
        assert!(forbidden.contains("system:bootstrappers:kubeadm:default-node-token"), "{forbidden}");
        let elsewhere = told(Refusal::NotListening { server: "https://cp.lab.test:6443".into() });
        assert!(
            elsewhere.contains("cluster-info") && elsewhere.contains("controlPlaneEndpoint"),
            "{elsewhere}"
        );
        for text in [unknown, forbidden, elsewhere] {
            assert!(!text.contains("0123456789abcdef"), "{text}");
        }
    }

    #[test]
    fn kube_proxy_may_be_out_of_reach_but_kubelet_s_configuration_may_not_be_missing() {
        let cluster = json!({"data": {"ClusterConfiguration": "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n"}});
        let kubelet = json!({"data": {"kubelet": "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"}});
        let config = ("kubeadm-config", cluster);
        let stored =
            read(&mut Answers(vec![config.clone(), ("kubelet-config", kubelet)], refused(403))).unwrap();
        assert!(stored.loaded.kube_proxy.is_none() && stored.loaded.kubelet.is_some());
        let missing =
            Answers(vec![config, ("kubelet-config", Value::Null), ("kube-proxy", Value::Null)], refused(403));
        let told = read(&mut { missing }).err().unwrap().to_string();
        assert!(
            told.contains("ConfigMap kube-system/kubelet-config") && told.contains("upload-config kubelet"),
            "{told}"
        );
        let nothing = Answers(vec![("kubeadm-config", Value::Null)], refused(403));
        let told = read(&mut { nothing }).err().unwrap().to_string();
        assert!(told.contains("ConfigMap kube-system/kubeadm-config not found"), "{told}");
    }
}
