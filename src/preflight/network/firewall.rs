//! firewalld, where it runs.

use crate::config::Settings;
use crate::finding::Finding;
use crate::host::machine::Machine;

pub(crate) fn firewalld(settings: &Settings, machine: &dyn Machine) -> Vec<Finding> {
    if machine.init_system().is_none() || !machine.service("firewalld").active {
        return vec![];
    }
    let open = |port: &u16| {
        machine.run("firewall-cmd", &[&format!("--query-port={port}/tcp")]).is_ok_and(|said| said.success)
    };
    let closed: Vec<u16> = [settings.node.bind_port, 10250].into_iter().filter(|p| !open(p)).collect();
    if closed.is_empty() {
        return vec![];
    }
    let list = |separator: &str, prefix: &str, suffix: &str| {
        closed.iter().map(|p| format!("{prefix}{p}{suffix}")).collect::<Vec<_>>().join(separator)
    };
    vec![
        Finding::warning(format!(
            "firewalld is active, and these ports are not open: {}",
            list(", ", "", "")
        ))
        .cause("other nodes could not reach the API server or this node's kubelet")
        .fix(format!(
            "`firewall-cmd --permanent {} && firewall-cmd --reload`",
            list(" ", "--add-port=", "/tcp")
        )),
    ]
}

#[cfg(test)]
mod tests {
    use crate::host::ServiceState;
    use crate::host::machine::Said;
    use crate::preflight::fake::{FakeMachine, settings};

    #[test]
    fn only_closed_ports_of_a_running_firewall_are_warned_of() {
        let active = ServiceState { exists: true, active: true, enabled: true };
        let mut machine = FakeMachine::with(|m| {
            m.services.insert("firewalld".into(), active);
        });
        let fix = |m: &FakeMachine| m.finding("Firewalld", &settings("")).fix.unwrap();
        assert!(fix(&machine).contains("--add-port=6443/tcp --add-port=10250/tcp &&"));
        machine
            .says
            .insert("firewall-cmd --query-port=6443/tcp".into(), Said { success: true, ..Said::default() });
        assert!(fix(&machine).contains("permanent --add-port=10250/tcp &&"));
        machine.services.remove("firewalld");
        assert!(machine.check("Firewalld", &settings("")).is_empty());
    }
}
