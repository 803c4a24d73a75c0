//! A link that became a file: git without links, some archives and some file systems keep a link as a file that holds its
//! target's path. kubelet's `kubelet-client-current.pem` is a link, and kubelet.conf names it.

use std::path::Path;

use kube::config::Kubeconfig;

/// The longest path that Linux knows.
const LONGEST: usize = 4096;

/// Has a kubeconfig's users read the files that their certificates' and keys' files lead to.
pub(super) fn follow(kubeconfig: &mut Kubeconfig) {
    for user in kubeconfig.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        for file in [&mut user.client_certificate, &mut user.client_key] {
            if let Some(target) = file.as_deref().and_then(target) {
                *file = Some(target);
            }
        }
    }
}

/// The path that a file holds instead of PEM, if there is a file at it.
fn target(file: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok().filter(|text| text.len() <= LONGEST)?;
    let path = text.trim_end();
    if path.is_empty() || path.contains('\n') || path.starts_with("-----") {
        return None;
    }
    let target = Path::new(file).parent()?.join(path);
    target.is_file().then(|| target.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_a_file_that_exists_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_string_lossy().into_owned()
        };
        let pem = file("client-1.pem", "-----BEGIN CERTIFICATE-----\n");
        assert_eq!(target(&file("current.pem", &pem)), Some(pem.clone()));
        assert_eq!(target(&file("beside.pem", "client-1.pem\n")), Some(pem.clone()));
        assert_eq!(target(&file("dangling.pem", "client-2.pem")), None);
        assert_eq!(target(&file("empty.pem", "")), None);
        assert_eq!(target(&pem), None);
        assert_eq!(target("/no/such.pem"), None);
    }
}
