//! Images that are missing and will not be pulled.

use crate::config::Settings;
use crate::finding::Finding;
use crate::host::cri::{PullOptions, PullPolicy};
use crate::host::machine::Machine;

/// Images that are not here and that `imagePullPolicy: Never` keeps preflight from bringing.
pub(crate) fn never_pulled(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    if PullOptions::of(settings).policy != PullPolicy::Never {
        return vec![];
    }
    let Ok(facts) = machine.runtime() else { return vec![] };
    let missing: Vec<String> = settings.images().into_iter().filter(|i| !facts.holds(i)).collect();
    if missing.is_empty() {
        return vec![];
    }
    let import = "`kubestrap config images import FILE.tar` brings images without a registry";
    vec![
        Finding::warning(format!("images are missing, and imagePullPolicy is Never: {}", missing.join(", ")))
            .cause(
                "they are not pulled now; kubelet has to, and if it can't, the control plane does not start",
            )
            .fix(format!("{import}; `kubestrap config images pull` pulls them; or remove imagePullPolicy")),
    ]
}
