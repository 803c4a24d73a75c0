//! What the checks find in a configuration without looking at a machine.

use super::{host_files, probes};
use crate::config::Settings;
use crate::finding::Finding;
use crate::preflight::network::subnets;

/// Something wrong in ClusterConfiguration.
#[derive(Clone, Debug)]
pub(crate) struct Odd {
    /// The rule, for machines.
    pub(crate) rule: &'static str,
    /// The dotted path of the setting.
    pub(crate) path: String,
    pub(crate) finding: Finding,
}

/// Judges a configuration.
pub(crate) fn judge(settings: &Settings) -> Vec<Odd> {
    let odd = |rule, path, finding| Odd { rule, path, finding };
    let overlapping = subnets::overlapping(settings).into_iter();
    let mut all: Vec<Odd> =
        overlapping.map(|finding| odd("subnet", "networking.podSubnet".into(), finding)).collect();
    let anonymous = probes::anonymous(settings).into_iter();
    all.extend(
        anonymous
            .map(|finding| odd("anonymous-auth", flag(settings, "apiServer", "anonymous-auth"), finding)),
    );
    let networks = subnets::wrong_flags(settings).into_iter();
    all.extend(networks.map(|wrong| odd(wrong.rule, flag(settings, wrong.place, wrong.flag), wrong.finding)));
    let files = host_files::unmounted(settings).into_iter();
    all.extend(files.map(|(place, name, finding)| odd("not-mounted", flag(settings, place, name), finding)));
    all
}

/// Where a flag's value is, in the list of a component's.
fn flag(settings: &Settings, place: &str, name: &str) -> String {
    let components = host_files::components(settings);
    let args = components.iter().find(|(_, of, ..)| *of == place).map_or(&[][..], |(_, _, _, args)| args);
    match args.iter().rposition(|arg| arg.name == name) {
        Some(at) => format!("{place}.extraArgs.{at}.value"),
        None => format!("{place}.extraArgs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::settings;

    #[test]
    fn what_is_wrong_without_a_machine_has_its_place() {
        let told = |config: &str| -> Vec<String> {
            judge(&settings(config)).into_iter().map(|odd| format!("{} {}", odd.rule, odd.path)).collect()
        };
        assert_eq!(told(""), [""; 0]);
        assert_eq!(told("networking: {podSubnet: 10.96.0.0/16}\n"), ["subnet networking.podSubnet"]);
        let args = |component: &str, name: &str, value: &str| {
            format!(
                "{component}: {{extraArgs: [{{name: v, value: '2'}}, {{name: {name}, value: '{value}'}}]}}\n"
            )
        };
        for (component, name, value, rule) in [
            ("apiServer", "anonymous-auth", "false", "anonymous-auth"),
            ("apiServer", "audit-policy-file", "/etc/audit.yaml", "not-mounted"),
            ("scheduler", "config", "/etc/scheduler.yaml", "not-mounted"),
            ("controllerManager", "cluster-cidr", "10.0.0.0/33", "subnet"),
            ("apiServer", "service-cluster-ip-range", "", "contradiction"),
        ] {
            let want = format!("{rule} {component}.extraArgs.1.value");
            assert_eq!(told(&args(component, name, value)), [want], "{name}");
        }
        assert_eq!(told(&args("apiServer", "client-ca-file", "/etc/kubernetes/pki/ca.crt")), [""; 0]);
        let empty = args("controllerManager", "cluster-cidr", "");
        assert_eq!(told(&empty), [""; 0], "there is no Pod subnet that it could replace");
        let replaced = format!("networking: {{podSubnet: 10.244.0.0/16}}\n{empty}");
        assert_eq!(told(&replaced), ["contradiction controllerManager.extraArgs.1.value"]);
    }
}
