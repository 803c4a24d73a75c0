//! The names of images.

/// A reference with the registry that runtimes add where it names none: `docker.io`, and there `library` for names of
/// one word (the rule of github.com/distribution/reference).
pub(crate) fn canonical(reference: &str) -> String {
    match reference.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => reference.to_owned(),
        Some(_) => format!("docker.io/{reference}"),
        None => format!("docker.io/library/{reference}"),
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn a_registry_is_added_where_none_is_named() {
        for (given, full) in [
            ("registry.k8s.io/pause:3.10.2", "registry.k8s.io/pause:3.10.2"),
            ("registry.k8s.io/coredns/coredns:v1", "registry.k8s.io/coredns/coredns:v1"),
            ("localhost/etcd:1", "localhost/etcd:1"),
            ("host:5000/etcd:1", "host:5000/etcd:1"),
            ("mirror/etcd:1", "docker.io/mirror/etcd:1"),
            ("etcd:1", "docker.io/library/etcd:1"),
        ] {
            assert_eq!(canonical(given), full);
        }
    }
}
