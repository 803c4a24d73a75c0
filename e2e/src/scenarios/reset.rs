//! `reset`, and `init` after it.

use crate::cluster;
use crate::fresh;
use crate::node::Node;

/// Runs it.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    for _ in 0..3 {
        node.init()?;
        cluster::healthy(node)?;
        node.reset()?;
        fresh::assert(node)?;
    }
    node.init()?;
    cluster::healthy(node)
}
