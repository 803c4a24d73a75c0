//! Where the API server keeps the kinds that init works on.

/// Kind, path of its API version, and its plural in paths.
const KINDS: [(&str, &str, &str); 15] = [
    ("ConfigMap", "/api/v1", "configmaps"),
    ("Secret", "/api/v1", "secrets"),
    ("Service", "/api/v1", "services"),
    ("ServiceAccount", "/api/v1", "serviceaccounts"),
    ("Node", "/api/v1", "nodes"),
    ("Pod", "/api/v1", "pods"),
    ("Event", "/api/v1", "events"),
    ("CertificateSigningRequest", "/apis/certificates.k8s.io/v1", "certificatesigningrequests"),
    ("Job", "/apis/batch/v1", "jobs"),
    ("Deployment", "/apis/apps/v1", "deployments"),
    ("DaemonSet", "/apis/apps/v1", "daemonsets"),
    ("Role", "/apis/rbac.authorization.k8s.io/v1", "roles"),
    ("RoleBinding", "/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    ("ClusterRole", "/apis/rbac.authorization.k8s.io/v1", "clusterroles"),
    ("ClusterRoleBinding", "/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings"),
];

/// The path of a kind's collection, in a namespace unless that is empty.
pub(super) fn collection(kind: &str, namespace: &str) -> Option<String> {
    let (_, version, plural) = KINDS.iter().find(|(k, ..)| *k == kind)?;
    Some(if namespace.is_empty() {
        format!("{version}/{plural}")
    } else {
        format!("{version}/namespaces/{namespace}/{plural}")
    })
}
