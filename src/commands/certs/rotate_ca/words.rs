//! What is left to do, for people.

use crate::certs::rotation::Progress;
use crate::workflows::rotate_ca::Synced;

/// Other control planes come first.
pub(super) fn waiting(behind: &[String], what: &str) -> String {
    format!(
        "This node is as far as it can go. Run `kubestrap certs rotate-ca` on {}, and then here again: all control-plane nodes must {what} before one goes on.\n",
        behind.join(", ")
    )
}

/// Everything is signed by the CA that takes over.
pub(super) fn switched(progress: &Progress) -> String {
    if progress.rolled_back {
        return "The old CAs sign again; the new ones are still trusted.\n\nDrop them with `kubestrap certs rotate-ca finish` on each control-plane node.\n".into();
    }
    "The new CAs sign everything on the control-plane nodes. The old ones are still trusted: nothing is broken yet.

Before the old ones are dropped:
- on each worker, run `kubestrap certs rotate-ca`: its kubelet gets the new CA and a new client certificate;
- give users new kubeconfigs: copies of admin.conf, and others that the old CA signed, stop working when it is dropped;
- restart Pods that use the API, also for new tokens. `kubestrap certs rotate-ca status` lists them.

Then run `kubestrap certs rotate-ca finish` on each control-plane node, and `kubestrap certs rotate-ca` on each worker again. To go back instead, run `kubestrap certs rotate-ca rollback` on each control-plane node.
"
    .into()
}

/// The other CA is dropped here.
pub(super) fn finished(progress: &Progress, behind: &[String]) -> String {
    let dropped = if progress.rolled_back { "new" } else { "old" };
    let mut text = format!("The {dropped} CAs are no longer trusted on this node.\n");
    if behind.is_empty() {
        text += "Run `kubestrap certs rotate-ca` on each worker, so that its kubelet forgets them too.\n";
    } else {
        text += &format!("Run `kubestrap certs rotate-ca finish` on {} too.\n", behind.join(", "));
    }
    text
}

/// What became of a worker.
pub(super) fn worker(synced: &Synced) -> String {
    match (synced.changed, synced.lasting) {
        (_, true) => "This worker trusts both CAs, and its kubelet has a certificate of the one that signs. After `kubestrap certs rotate-ca finish` on the control-plane nodes, run this here again.\n",
        (true, false) => "This worker trusts the cluster's CA alone.\n",
        (false, false) => "This worker trusts the cluster's CA alone: there was nothing to do.\n",
    }
    .into()
}
