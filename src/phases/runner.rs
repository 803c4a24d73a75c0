//! Runs a workflow: which phases, in which order, with their events and times.

use std::time::{Duration, Instant};

use super::phase::{Action, Failure, Outcome, Phase, PhaseError, Run};
use crate::output::Printer;

/// Which phases of a workflow run.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only this one and those in it.
    pub only: Option<String>,
    /// None of these and those in them.
    pub skip: Vec<String>,
}

/// A phase that ran, and how long it took.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its id.
    pub id: String,
    /// How long it took.
    pub took: Duration,
}

/// Every id of a workflow, depth first, groups before what is in them.
pub fn ids<C>(phases: &[Phase<C>]) -> Vec<String> {
    let mut all = vec![];
    walk(phases, "", &mut |id, _| all.push(id.to_owned()));
    all
}

/// The ids of the phases that do something, in the order of the table.
pub fn leaves<C>(phases: &[Phase<C>]) -> Vec<String> {
    let mut all = vec![];
    walk(phases, "", &mut |id, phase| {
        if let Action::Run(_) = phase.action {
            all.push(id.to_owned());
        }
    });
    all
}

/// Resolves ids as a user writes them (any case, aliases) to those of the table.
///
/// # Errors
/// When an id is not in the table; then with the nearest that is.
pub fn resolve<C>(phases: &[Phase<C>], wanted: &[String]) -> Result<Vec<String>, PhaseError> {
    let known = ids(phases);
    wanted
        .iter()
        .map(|want| {
            let lower = want.trim().to_lowercase();
            let found = find(phases, &lower).or_else(|| known.contains(&lower).then(|| lower.clone()));
            found.ok_or_else(|| {
                let near =
                    known.iter().min_by_key(|k| strsim::levenshtein(k, &lower)).cloned().unwrap_or_default();
                PhaseError::new(
                    Failure::Usage,
                    format!(
                        "there is no phase {want:?}: did you mean {near:?}? All phases: {}",
                        known.join(", ")
                    ),
                )
            })
        })
        .collect()
}

fn find<C>(phases: &[Phase<C>], path: &str) -> Option<String> {
    let (head, rest) = path.split_once('/').map_or((path, None), |(h, r)| (h, Some(r)));
    let phase = phases.iter().find(|p| p.name == head || p.aliases.contains(&head))?;
    match rest {
        None => Some(phase.name.to_owned()),
        // A command for all phases of a group, and no phase of the workflow itself: kubeadm accepts it and skips nothing.
        Some("all") if !phase.children().is_empty() => Some(format!("{}/all", phase.name)),
        Some(rest) => find(phase.children(), rest).map(|r| format!("{}/{r}", phase.name)),
    }
}

/// Runs the selected phases one after the other. What is needed by one that runs is checked before anything runs; a
/// phase that is run by itself follows others of an earlier run, and finds what they left.
///
/// # Errors
/// The first failure, with the phase's id before its message.
pub fn run<C>(
    phases: &[Phase<C>],
    selection: &Selection,
    context: &mut C,
    out: &Printer,
) -> Result<Vec<Ran>, PhaseError> {
    let selected = |id: &str| {
        let within = |outer: &str| id == outer || id.strip_prefix(outer).is_some_and(|r| r.starts_with('/'));
        selection.only.as_deref().is_none_or(within) && !selection.skip.iter().any(|s| within(s))
    };
    if selection.only.is_none() {
        check_needs(phases, &selected)?;
    }
    let mut ran = vec![];
    for (id, work) in in_order_of_running(phases) {
        if !selected(&id) {
            out.phase(&id, "left out", None);
            continue;
        }
        out.phase(&id, "started", None);
        let start = Instant::now();
        let outcome = work(context);
        let took = start.elapsed();
        match outcome {
            Ok(Outcome::Done) => out.phase(&id, "done", Some(took)),
            Ok(Outcome::Skipped(why)) => {
                out.log(id.split('/').next().unwrap_or(&id), why);
                out.phase(&id, "skipped", Some(took));
            }
            Err(error) => {
                out.phase(&id, "failed", Some(took));
                return Err(PhaseError { message: format!("{id}: {}", error.message), ..error });
            }
        }
        ran.push(Ran { id, took });
    }
    Ok(ran)
}

/// The phases that do something, as they come one after the other: as in the table, but for those that follow another.
pub(super) fn in_order_of_running<C>(phases: &[Phase<C>]) -> Vec<(String, &Run<C>)> {
    let (mut order, mut moved) = (vec![], vec![]);
    walk(phases, "", &mut |id, phase| {
        if let Action::Run(work) = &phase.action {
            match phase.follows {
                Some(other) => moved.push((other, id.to_owned(), work)),
                None => order.push((id.to_owned(), work)),
            }
        }
    });
    for (other, id, work) in moved {
        let place = order.iter().position(|(id, _)| id == other).map_or(order.len(), |before| before + 1);
        order.insert(place, (id, work));
    }
    order
}

fn check_needs<C>(phases: &[Phase<C>], selected: &impl Fn(&str) -> bool) -> Result<(), PhaseError> {
    let mut missing = vec![];
    walk(phases, "", &mut |id, phase| {
        if selected(id) {
            missing.extend(phase.needs.iter().filter(|n| !selected(n)).map(|n| format!("{id} needs {n}")));
        }
    });
    if missing.is_empty() {
        return Ok(());
    }
    let message =
        format!("{}: run them in the same run, or skip the phases that need them too", missing.join("; "));
    Err(PhaseError::new(Failure::Usage, message))
}

fn walk<'a, C>(phases: &'a [Phase<C>], parent: &str, visit: &mut impl FnMut(&str, &'a Phase<C>)) {
    for phase in phases {
        let id = join(parent, phase.name);
        visit(&id, phase);
        walk(phase.children(), &id, visit);
    }
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.into() } else { format!("{parent}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Format;

    fn table() -> Vec<Phase<Vec<String>>> {
        let step = |name: &'static str| {
            Phase::new(name, "", move |c: &mut Vec<String>| {
                c.push(name.into());
                if name == "bad" {
                    Err(PhaseError::new(Failure::Preflight, "broken"))
                } else {
                    Ok(Outcome::Done)
                }
            })
        };
        vec![
            step("a"),
            Phase::group("g", "", vec![step("x"), step("y")]).alias(&["group"]),
            step("z").needing(&["g/y"]),
            step("bad"),
        ]
    }

    fn run_with(only: Option<&str>, skip: &[&str]) -> (Vec<String>, Result<Vec<Ran>, PhaseError>) {
        let mut done = vec![];
        let selection =
            Selection { only: only.map(str::to_owned), skip: skip.iter().map(|s| (*s).to_owned()).collect() };
        let result = run(&table(), &selection, &mut done, &Printer::new(Format::Text));
        (done, result)
    }

    #[test]
    fn phases_run_in_order_and_stop_at_the_first_failure() {
        let (done, result) = run_with(None, &[]);
        assert_eq!(done, ["a", "x", "y", "z", "bad"]);
        let error = result.unwrap_err();
        assert_eq!((error.failure, error.message.as_str()), (Failure::Preflight, "bad: broken"));
    }

    #[test]
    fn a_phase_that_follows_another_runs_ahead_of_its_place() {
        let done = |name: &'static str| {
            Phase::new(name, "", move |c: &mut Vec<String>| {
                c.push(name.into());
                Ok(Outcome::Done)
            })
        };
        let group = Phase::group("g", "", vec![done("x"), done("y").following("a")]);
        let table = vec![done("a"), done("b"), group, done("z").following("g/y")];
        let mut order = vec![];
        run(&table, &Selection::default(), &mut order, &Printer::new(Format::Text)).unwrap();
        assert_eq!(order, ["a", "y", "z", "b", "x"]);
        assert_eq!(leaves(&table), ["a", "b", "g/x", "g/y", "z"], "the table stays");
    }

    #[test]
    fn groups_are_selected_and_skipped_whole() {
        assert_eq!(run_with(Some("g"), &[]).0, ["x", "y"]);
        assert_eq!(run_with(Some("g/x"), &[]).0, ["x"]);
        assert_eq!(run_with(None, &["g", "z", "bad"]).0, ["a"]);
    }

    #[test]
    fn what_is_needed_is_checked_before_anything_runs() {
        let (done, result) = run_with(None, &["g/y"]);
        assert!(done.is_empty());
        assert!(result.unwrap_err().message.contains("z needs g/y"));
        assert_eq!(run_with(Some("z"), &[]).0, ["z"]);
    }

    #[test]
    fn ids_are_found_in_any_case_and_by_alias() {
        let resolved = resolve(&table(), &["GROUP/X".into(), "a".into()]).unwrap();
        assert_eq!(resolved, ["g/x", "a"]);
        assert_eq!(resolve(&table(), &["g/all".into()]).unwrap(), ["g/all"]);
        assert!(resolve(&table(), &["a/all".into()]).is_err(), "no group");
        assert!(resolve(&table(), &["g/xx".into()]).unwrap_err().message.contains("did you mean \"g/x\""));
    }
}
