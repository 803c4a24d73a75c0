//! `init` with kubeadm's defaults, and without addons.

use anyhow::ensure;

use crate::cluster::{self, COMPONENTS, mirror, mirror_name, uid};
use crate::config::Config;
use crate::json::at;
use crate::node::{Node, PATIENCE};
use crate::wait::eventually;

/// The key of the certificate that kubelet serves is the one that init left for it, and no RSA key of kubelet's own.
const SERVED: &str = r#"of() { openssl x509 -noout -pubkey; }
[ "$(openssl s_client -connect 127.0.0.1:10250 </dev/null 2>/dev/null | of)" = "$(of </var/lib/kubelet/pki/kubelet.crt)" ] || exit
openssl pkey -in /var/lib/kubelet/pki/kubelet.key -noout -text | grep prime256v1"#;

/// A healthy cluster, whose mirror Pods come back without their containers being restarted.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    node.init()?;
    cluster::healthy(node)?;
    cluster::finished(node)?;
    node.run("sh", &["-c", SERVED])?.success()?;
    let before = cluster::containers(node)?;
    let mut old = vec![];
    for component in COMPONENTS {
        old.push(uid(&mirror(node, component)?).to_owned());
        let name = mirror_name(component);
        node.kubectl(&["--namespace", "kube-system", "delete", "pod", &name, "--wait=false"])?;
    }
    for (component, old) in COMPONENTS.iter().zip(old) {
        eventually(&format!("{} comes back", mirror_name(component)), PATIENCE, || {
            let new = mirror(node, component)?;
            ensure!(uid(&new) != old, "it is the old one");
            cluster::is_ready_mirror(&new)
        })?;
    }
    ensure!(cluster::containers(node)? == before, "deleting mirror Pods restarted containers");
    Ok(())
}

/// A healthy cluster without them.
pub(super) fn skip_addons(node: &Node) -> anyhow::Result<()> {
    node.init_with(&Config::default(), &["--skip-phases", "addon"])?;
    cluster::healthy(node)?;
    let list = node.get(&["--namespace", "kube-system", "deployment,daemonset"])?;
    ensure!(at(&list, "/items").as_array().is_some_and(Vec::is_empty), "there are addons");
    Ok(())
}
