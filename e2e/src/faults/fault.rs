//! A row of the table: one fault.

use super::scene::Scene;
use super::{
    components, containerd, crio, disks, etcd, files, images, kubelet, machine, midway, network, patches,
    pki, ports,
};
use crate::runtime::Runtime;

/// What a real machine can have wrong, and what a good verdict on it says.
#[derive(Debug)]
pub(super) struct Fault {
    /// Its name on the command line.
    pub(super) name: &'static str,
    /// What is broken, in a line.
    pub(super) what: &'static str,
    /// Breaks the fresh node, or the configuration that init will use.
    pub(super) breaks: fn(&mut Scene) -> anyhow::Result<()>,
    /// Words that one statement of init must hold, all of them, to have named the cause; `|` stands between those of
    /// which one is enough. Case does not count.
    pub(super) cause: &'static [&'static str],
    /// The same for the fix, which the same statement must give.
    pub(super) fix: &'static [&'static str],
    /// The exit codes that are right.
    pub(super) codes: &'static [i32],
}

/// A fault that preflight refuses (3) or the wait finds out (4).
pub(super) const fn fault(
    name: &'static str,
    what: &'static str,
    breaks: fn(&mut Scene) -> anyhow::Result<()>,
    cause: &'static [&'static str],
    fix: &'static [&'static str],
) -> Fault {
    Fault { name, what, breaks, cause, fix, codes: &[3, 4] }
}

impl Fault {
    /// The same, with other exit codes: a configuration that is wrong in itself (2), a thing to warn of (0).
    pub(super) const fn ends(mut self, codes: &'static [i32]) -> Self {
        self.codes = codes;
        self
    }
}

/// All faults of machines with this container runtime, group by group.
pub(super) fn all(runtime: Runtime) -> impl Iterator<Item = &'static Fault> {
    let own = match runtime {
        Runtime::Containerd => containerd::FAULTS,
        Runtime::Crio => crio::FAULTS,
        Runtime::Docker => &[],
    };
    let groups: [&[Fault]; 13] = [
        own,
        images::FAULTS,
        kubelet::FAULTS,
        components::FAULTS,
        patches::FAULTS,
        files::FAULTS,
        pki::FAULTS,
        etcd::FAULTS,
        ports::FAULTS,
        network::FAULTS,
        machine::FAULTS,
        disks::FAULTS,
        midway::FAULTS,
    ];
    groups.into_iter().flatten()
}

/// The fault `name`.
pub(super) fn find(runtime: Runtime, name: &str) -> Option<&'static Fault> {
    all(runtime).find(|f| f.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_different_and_every_row_asks_for_something() {
        for runtime in [Runtime::Containerd, Runtime::Crio] {
            let names: BTreeSet<_> = all(runtime).map(|f| f.name).collect();
            assert_eq!(names.len(), all(runtime).count());
            for fault in all(runtime) {
                assert!(!fault.cause.is_empty() && !fault.fix.is_empty(), "{}", fault.name);
            }
        }
    }
}
