//! The node's name, as this machine resolves it.

use crate::config::{NodeSettings, names};
use crate::finding::Finding;
use crate::host::machine::Machine;

/// The name can be resolved here; mostly harmless where it can't.
pub(crate) fn check(node: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    let name = &node.registration.name;
    let mut findings = vec![];
    if let Err(reason) = names::dns_subdomain(name) {
        findings
            .push(Finding::warning(format!("the node's name {name:?} is not a valid host name: {reason}")));
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
            .fix(format!("`echo '{} {name}' >> /etc/hosts`", node.advertise_address)),
    );
    findings
}

#[cfg(test)]
mod tests {
    use crate::finding::Severity;
    use crate::preflight::fake::{FakeMachine, settings};

    #[test]
    fn unresolvable_node_name_is_a_warning() {
        let machine = FakeMachine::with(|m| m.resolves = Err("Name or service not known".into()));
        let found = machine.finding("Hostname", &settings(""));
        assert_eq!(found.severity, Severity::Warning);
        assert_eq!(found.fix.as_deref(), Some("`echo '192.0.2.10 cp-1' >> /etc/hosts`"));
        assert!(FakeMachine::healthy().check("Hostname", &settings("")).is_empty());
    }
}
