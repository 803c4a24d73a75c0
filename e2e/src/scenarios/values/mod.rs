//! What the components take and refuse, and what kubestrap says of it beforehand: both are fed the same values.
//!
//! The values are in `cases/`, a file a component. No answer is written there: the component gives it, in the version of
//! the folder of programs, and kubestrap has to agree. Left out are values whose answer is the machine's (files, CPUs,
//! cgroups), and those that programs built from OpenShift's tree take for other defaults of feature gates.

mod ask;
mod case;
mod component;
mod judged;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{bail, ensure};

use crate::machine::progress;
use crate::node::Node;
use ask::{Answer, Cluster, Patience};
use case::Case;
use component::{COMPONENTS, Component};
use judged::{Judged, Kubestrap};

const PATIENCE: Patience =
    Patience { for_an_answer: Duration::from_secs(5), for_an_end: Duration::from_millis(300) };
/// Where the two disagree: the machine may be busy.
const MORE_PATIENCE: Patience =
    Patience { for_an_answer: Duration::from_secs(60), for_an_end: Duration::from_secs(15) };

/// No value of the component `name` on which it and kubestrap disagree. Disagreements are told as they are found.
pub(super) fn run(node: &Node, name: &str) -> anyhow::Result<()> {
    ask::prepare(node)?;
    let kubestrap = Kubestrap::of(node);
    let (mut refused, mut disagreements, mut all) = (0, 0, 0);
    for component in COMPONENTS.iter().filter(|component| component.name == name) {
        let cluster = if component.live { Some(Cluster::start(node)?) } else { None };
        let cases = case::read(component)?;
        // Beside a cluster, all of them would listen at the same port.
        let threads = if component.live { 1 } else { thread::available_parallelism().map_or(1, usize::from) };
        let results = each(&cases, threads, |case| {
            let compared = compare(kubestrap, component, case)?;
            if let Some(disagreement) = &compared.disagreement {
                progress(disagreement)?;
            }
            Ok(compared)
        })?;
        if let Some(cluster) = cluster {
            cluster.stop();
        }
        all += results.len();
        refused += results.iter().filter(|result| result.refused).count();
        disagreements += results.iter().filter(|result| result.disagreement.is_some()).count();
    }
    node.note(format!("{all} values, {refused} of them refused"));
    ensure!(disagreements == 0, "{disagreements} of {all} are judged otherwise by {name}");
    Ok(())
}

struct Compared {
    /// Whether the component refuses it.
    refused: bool,
    disagreement: Option<String>,
}

fn compare(kubestrap: Kubestrap<'_>, component: &Component, case: &Case) -> anyhow::Result<Compared> {
    let Judged { errors, command } = judged::judge(kubestrap, component, case)?;
    let mut answer = ask::ask(component, &command, PATIENCE)?;
    if matches!(answer, Answer::Refuses(_)) == errors.is_empty() {
        answer = ask::ask(component, &command, MORE_PATIENCE)?;
    }
    let disagreement = match (&answer, errors.is_empty()) {
        (Answer::Refuses(why), true) => {
            Some(format!("{}: {case}\n  refused: {why}\n  kubestrap: nothing", component.name))
        }
        (Answer::Takes, false) => {
            Some(format!("{}: {case}\n  taken\n  kubestrap: {}", component.name, errors.join("; ")))
        }
        _ => None,
    };
    Ok(Compared { refused: matches!(answer, Answer::Refuses(_)), disagreement })
}

/// `job` on each of `items`, on so many threads; the results in the items' order.
fn each<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    job: impl Fn(&T) -> anyhow::Result<R> + Sync,
) -> anyhow::Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(vec![]);
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return };
            if index.is_multiple_of(50) && index > 0 {
                let _ = progress(&format!("{index} of {}", items.len()));
            }
            let result = job(item);
            if let Ok(mut results) = results.lock() {
                results.push((index, result));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let Ok(mut results) = results.into_inner() else { bail!("a thread ended early") };
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_hundreds_of_values() {
        let mut flags = std::collections::BTreeSet::new();
        let (mut values, mut documents) = (0, 0);
        for component in COMPONENTS {
            for case in case::read(component).unwrap() {
                match case {
                    Case::Flags(given) => {
                        values += 1;
                        flags.extend(given.into_iter().map(|(name, _)| (component.name, name)));
                    }
                    Case::Document(_) => documents += 1,
                }
            }
        }
        assert!(
            values >= 900 && flags.len() >= 300 && documents >= 350,
            "{values} {} {documents}",
            flags.len()
        );
    }
}
