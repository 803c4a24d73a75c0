//! The node's name and the version that is asked for.

use super::finding::Finding;
use super::machine::Machine;
use crate::config::release::Release;
use crate::config::{Settings, names};

pub(super) fn kubernetes_version(settings: &Settings, _: &dyn Machine) -> Vec<Finding> {
    match Release::of(&settings.cluster.version) {
        Ok(_) => vec![],
        Err(error) => vec![Finding::error(error.to_string())],
    }
}

/// The name can be resolved here; mostly harmless where it can't.
pub(super) fn hostname(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    let name = settings.node_name();
    let mut findings = vec![];
    if let Err(reason) = names::dns_subdomain(name) {
        findings.push(Finding::warning(format!("the node's name {name:?} is no name of a host: {reason}")));
    }
    let failed = match machine.resolve(name) {
        Ok(found) if found.is_empty() => "no address".to_owned(),
        Ok(_) => return findings,
        Err(error) => error,
    };
    findings.push(
        Finding::warning(format!("the node's name {name:?} can't be resolved on this machine"))
            .evidence(failed)
            .cause("programs that look up their own host may be slow or fail")
            .fix(format!("`echo '{} {name}' >> /etc/hosts`", settings.node.advertise_address)),
    );
    findings
}

#[cfg(test)]
mod tests {
    use super::super::fake::{FakeMachine, settings};
    use super::super::finding::Severity;

    #[test]
    fn a_name_that_can_t_be_resolved_is_warned_of() {
        let machine = FakeMachine::with(|m| m.resolves = Err("Name or service not known".into()));
        let found = machine.finding("Hostname", &settings(""));
        assert_eq!(found.severity, Severity::Warning);
        assert_eq!(found.fix.as_deref(), Some("`echo '192.0.2.10 cp-1' >> /etc/hosts`"));
        assert!(FakeMachine::healthy().check("Hostname", &settings("")).is_empty());
        assert!(FakeMachine::healthy().check("KubernetesVersion", &settings("")).is_empty());
    }
}
