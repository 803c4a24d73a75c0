//! The scenarios: each starts on a fresh node.

mod init;

use super::node::Node;

/// A scenario.
pub(crate) struct Scenario {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it asserts.
    pub(crate) asserts: &'static str,
    /// Does so.
    pub(crate) run: fn(&mut Node) -> anyhow::Result<()>,
}

/// All of them, in the order in which they are run.
pub(crate) const SCENARIOS: &[Scenario] = &[Scenario {
    name: "init",
    asserts: "one command makes a healthy cluster; a mirror Pod that is deleted comes back",
    run: init::run,
}];

/// The scenario `name`.
pub(crate) fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|s| s.name == name)
}
