//! The clock: certificates and etcd's leases depend on it.

use time::OffsetDateTime;
use time::macros::datetime;

use crate::config::NodeSettings;
use crate::finding::Finding;
use crate::host::machine::Machine;
use crate::preflight::runtime::is_run_by_systemd;

/// No machine that runs this program has an earlier time.
const BUILT_AFTER: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);

pub(crate) fn check(_: &NodeSettings, machine: &dyn Machine) -> Vec<Finding> {
    let now = machine.now();
    let fix = "`timedatectl set-ntp true`, or install chrony; `timedatectl` shows the state";
    if now < BUILT_AFTER {
        return vec![
            Finding::warning(format!("the clock is wrong: it says {}", now.date()))
                .cause("certificates generated now would not be valid for other machines")
                .fix(fix),
        ];
    }
    // It asks systemd.
    if !is_run_by_systemd(machine) {
        return vec![];
    }
    let Ok(said) = machine.run("timedatectl", &["show", "--property=NTPSynchronized", "--property=NTP"])
    else {
        // Without it nobody here can tell.
        return vec![];
    };
    let says = |line: &str| said.stdout.lines().any(|l| l.trim() == line);
    if !says("NTPSynchronized=no") {
        return vec![];
    }
    let cause = if says("NTP=no") {
        "no time service is enabled"
    } else {
        "the time service is enabled, but has not reached a server yet"
    };
    vec![
        Finding::warning("the clock is not synchronised")
            .evidence("timedatectl: NTPSynchronized=no")
            .cause(format!("{cause}; nodes whose clocks differ reject each other's certificates and tokens"))
            .fix(fix),
    ]
}

#[cfg(test)]
mod tests {
    use crate::finding::Severity;
    use crate::preflight::fake::{FakeMachine, settings};

    #[test]
    fn unsynchronised_clock_is_a_warning() {
        let key = "timedatectl show --property=NTPSynchronized --property=NTP";
        let mut machine = FakeMachine::healthy();
        machine.says.get_mut(key).unwrap().stdout = "NTP=no\nNTPSynchronized=no\n".into();
        let found = machine.finding("ClockSync", &settings(""));
        assert_eq!(found.severity, Severity::Warning);
        assert!(found.cause.unwrap().starts_with("no time service"));
        machine.says.remove(key);
        assert!(machine.check("ClockSync", &settings("")).is_empty());
    }
}
