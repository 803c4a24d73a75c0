//! The rules of `ResetConfiguration` and `UpgradeConfiguration`.

use super::Validator;
use crate::config::names;
use crate::config::v1beta4::{Patches, ResetConfiguration, UpgradeConfiguration};
use crate::config::version::{KubernetesVersion, is_label};

const RESET: &str = "ResetConfiguration";
const UPGRADE: &str = "UpgradeConfiguration";

/// The flags of `umount2(2)` that kubeadm knows.
pub(crate) const UNMOUNT_FLAGS: [&str; 4] = ["MNT_FORCE", "MNT_DETACH", "MNT_EXPIRE", "UMOUNT_NOFOLLOW"];

impl Validator<'_> {
    /// What `reset` is told, defaults applied.
    pub(in crate::config) fn reset(&mut self, c: &ResetConfiguration) {
        self.check(RESET, "certificatesDir", names::absolute_path(&c.certificates_dir));
        if !c.cri_socket.is_empty() {
            self.cri_socket(RESET, "criSocket", &c.cri_socket);
        }
        for (i, flag) in c.unmount_flags.iter().enumerate() {
            if !UNMOUNT_FLAGS.contains(&flag.as_str()) {
                let known = UNMOUNT_FLAGS.join(", ");
                self.error(RESET, &format!("unmountFlags.{i}"), format!("{flag:?} is not one of {known}"));
            }
        }
    }

    /// What the commands below `upgrade` are told, defaults applied.
    pub(in crate::config) fn upgrade(&mut self, c: &UpgradeConfiguration) {
        for (section, version) in [
            ("apply", &c.apply.kubernetes_version),
            ("diff", &c.diff.kubernetes_version),
            ("plan", &c.plan.kubernetes_version),
        ] {
            if !version.is_empty() && !is_label(version) {
                let parsed = version.parse::<KubernetesVersion>().map(drop);
                let result = parsed.map_err(|e| format!("{e}, nor a label such as `stable-1.36`"));
                self.check(UPGRADE, &format!("{section}.kubernetesVersion"), result);
            }
        }
        self.patches_dir("apply.patches.directory", c.apply.patches.as_ref());
        self.patches_dir("node.patches.directory", c.node.patches.as_ref());
        self.pull_policy(UPGRADE, "apply.imagePullPolicy", &c.apply.image_pull_policy);
        self.pull_policy(UPGRADE, "node.imagePullPolicy", &c.node.image_pull_policy);
    }

    fn patches_dir(&mut self, path: &str, patches: Option<&Patches>) {
        if let Some(patches) = patches {
            self.check(UPGRADE, path, names::absolute_path(&patches.directory));
        }
    }
}
