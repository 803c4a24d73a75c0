//! Flags with which kubelet's probes fail.

use crate::config::Settings;
use crate::config::args::last_value;
use crate::finding::{Finding, Severity};
use crate::host::machine::Machine;

/// kubelet's probes of the API server are anonymous requests.
pub(crate) fn check(settings: &Settings, _: &dyn Machine) -> Vec<Finding> {
    anonymous(settings)
}

pub(super) fn anonymous(settings: &Settings) -> Vec<Finding> {
    if last_value(&settings.cluster.config.api_server.extra_args, "anonymous-auth") != Some("false") {
        return vec![];
    }
    let finding = Finding::error("kube-apiserver's flag `anonymous-auth` is false, and kubelet's probes are anonymous")
        .cause("/livez and /readyz answer them with 401: kubelet kills kube-apiserver after some minutes, again and again")
        .fix("take `anonymous-auth` out of apiServer.extraArgs (RBAC gives anonymous requests nothing but health and version); to allow just the probes, use `authentication-config` with anonymous.conditions for /livez, /readyz and /healthz");
    // A patch may have changed the probes.
    let severity =
        if settings.node.patches.as_deref().is_some() { Severity::Warning } else { Severity::Error };
    vec![Finding { severity, ..finding }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::{FakeMachine, settings};

    #[test]
    fn probes_fail_without_anonymous_requests_unless_patched() {
        let config = |value: &str, patches: &str| {
            settings(&format!(
                "apiServer: {{extraArgs: [{{name: anonymous-auth, value: '{value}'}}]}}\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\n{patches}\n"
            ))
        };
        let machine = FakeMachine::healthy();
        assert_eq!(machine.finding("AnonymousAuth", &config("false", "")).severity, Severity::Error);
        let patched = config("false", "patches: {directory: /p}");
        assert_eq!(machine.finding("AnonymousAuth", &patched).severity, Severity::Warning);
        assert_eq!(machine.check("AnonymousAuth", &config("true", "")), []);
    }
}
