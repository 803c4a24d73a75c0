//! Tools that drive kubeadm notice no difference: their command lines are run by kubeadm and by kubestrap under that
//! name, on twin machines that went through the same, and exit codes, what the tools read, and files are compared.

mod compare;
mod files;
mod lines;
mod reasons;
mod twin;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::join::at_once;
use crate::node::Node;
use compare::Said;
use lines::Line;
use twin::Twin;

/// Two machines that went through the same: kubeadm's, and ours.
struct Twins<'n> {
    theirs: Twin<'n>,
    ours: Twin<'n>,
}

/// What was found, over all lines.
#[derive(Default)]
struct Found {
    lines: Vec<&'static Line>,
    reasons: BTreeSet<usize>,
    differences: Vec<String>,
}

/// What a control plane is asked over its life: on a fresh machine, while it is made, on the cluster, and at its end.
pub(super) fn run(node: &Node) -> anyhow::Result<()> {
    let mut found = Found::default();
    let control_planes = Twins::new(node, [1, 2], [1, 2])?;
    for lines in [lines::ANYWHERE, lines::BY_PHASES, lines::BY_SEALOS, lines::KIND, lines::KUBESPRAY] {
        found.try_all(&control_planes, lines)?;
    }
    control_planes.wait_until_ready()?;
    for lines in [lines::ON_A_CLUSTER, lines::CLUSTER, lines::RESET_DRY, lines::RESET] {
        found.try_all(&control_planes, lines)?;
    }
    found.judge(node)
}

/// Machines that join, and an upgrade.
pub(super) fn join(node: &Node) -> anyhow::Result<()> {
    let mut found = Found::default();
    let control_planes = Twins::new(node, [1, 2], [1, 2])?;
    found.try_all(&control_planes, lines::KUBESPRAY)?;
    control_planes.wait_until_ready()?;
    {
        let Twins { theirs, ours } = Twins::new(node, [3, 4], [1, 2])?;
        let joining = Twins {
            theirs: theirs.with_hash(control_planes.theirs.ca_hash()?),
            ours: ours.with_hash(control_planes.ours.ca_hash()?),
        };
        for lines in [
            lines::WORKER,
            lines::WORKER_FLAGS,
            lines::WORKER_AGAIN,
            lines::CONTROL_PLANE,
            lines::CONTROL_PLANE_PHASES,
        ] {
            found.try_all(&joining, lines)?;
            // Each ends with a reset; a ready Node of that name would be another machine's.
            control_planes.theirs.delete_node(&joining.theirs)?;
            control_planes.ours.delete_node(&joining.ours)?;
        }
    }
    found.try_all(&control_planes, lines::UPGRADE)?;
    found.judge(node)
}

impl<'n> Twins<'n> {
    /// Machines of these numbers, whose clusters are those of the machines `first`.
    fn new(node: &'n Node, numbers: [u8; 2], first: [u8; 2]) -> anyhow::Result<Self> {
        let [theirs, ours] = numbers;
        let [their_first, our_first] = first;
        Ok(Self {
            theirs: Twin::new(node, theirs, their_first, "kubeadm")?,
            ours: Twin::new(node, ours, our_first, "kubestrap")?,
        })
    }

    fn wait_until_ready(&self) -> anyhow::Result<()> {
        self.theirs.wait_until_ready()?;
        self.ours.wait_until_ready()
    }

    /// The line, by both at the same time.
    fn both(&self, line: &Line) -> anyhow::Result<(Said, Said)> {
        if line.line.contains("upgrade node") {
            // Two of kubeadm's within a second make a folder of the same name, and the second fails.
            std::thread::sleep(Duration::from_secs(1));
        }
        let commands = vec![self.theirs.command(line.line)?, self.ours.command(line.line)?];
        let mut said = at_once(commands)?.into_iter();
        let mut next = || said.next().context("nothing was said");
        Ok((self.theirs.said(next()?)?, self.ours.said(next()?)?))
    }
}

impl Found {
    fn try_all(&mut self, twins: &Twins<'_>, lines: &'static [Line]) -> anyhow::Result<()> {
        for line in lines {
            self.lines.push(line);
            let before = (twins.theirs.files()?, twins.ours.files()?);
            let (theirs, ours) = twins.both(line)?;
            let after = (twins.theirs.files()?, twins.ours.files()?);
            let mut differences = compare::said(line, &theirs, &ours);
            let changed = (after.0.since(&before.0), after.1.since(&before.1));
            differences
                .extend(files::compare(&changed.0, &changed.1).into_iter().map(|d| format!("files: {d}")));
            for difference in differences {
                match reasons::find(line, &difference) {
                    Some(reason) => {
                        self.reasons.insert(reason);
                    }
                    None => {
                        let text = format!(
                            "{} ({}): kubeadm {}\n      {difference}",
                            line.tool, line.source, line.line
                        );
                        twins.ours.note(&text)?;
                        self.differences.push(text);
                    }
                }
            }
        }
        Ok(())
    }

    fn judge(self, node: &Node) -> anyhow::Result<()> {
        let unused = reasons::unused(&self.lines, &self.reasons);
        let tools: BTreeSet<&str> = self.lines.iter().map(|line| line.tool).collect();
        node.note(format!(
            "{} command lines of {} tools, {} of {} reasons needed",
            self.lines.len(),
            tools.len(),
            self.reasons.len(),
            self.reasons.len() + unused.len()
        ));
        let mut text = String::new();
        for difference in &self.differences {
            let _ = writeln!(text, "    {difference}");
        }
        ensure!(self.differences.is_empty(), "{} differences:\n{text}", self.differences.len());
        ensure!(unused.is_empty(), "reasons that nothing needs: {unused:?}");
        Ok(())
    }
}
