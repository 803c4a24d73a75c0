//! Runs a workflow: its selected phases in order, with their events and times.

use std::time::{Duration, Instant};

use super::phase::{Action, Folder, Outcome, Phase, Work};
use super::run::Run;
use super::selection::Selection;
use crate::config::Settings;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::Host;

/// A workflow: its phases as kubeadm lists them, and in which order they run where that is not the same.
pub(crate) struct Workflow<S> {
    /// The command that runs it.
    pub(crate) name: &'static str,
    /// The table of phases, in kubeadm's order.
    pub(crate) phases: Vec<Phase<S>>,
    /// Phases that run earlier than their place in the table: each id with that of the phase right after which it runs.
    pub(crate) moved: &'static [(&'static str, &'static str)],
}

/// A phase that ran, and how long it took.
#[derive(Clone, Debug)]
pub(crate) struct Ran {
    /// Its id.
    pub(crate) id: String,
    /// How long it took.
    pub(crate) took: Duration,
}

impl<S> Workflow<S> {
    /// Every id, depth first, groups before what is in them.
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut all = vec![];
        walk(&self.phases, "", &mut |id, _| all.push(id.to_owned()));
        all
    }

    /// The ids of the phases that do something, in the order of running.
    pub(crate) fn leaves(&self) -> Vec<String> {
        self.in_order().into_iter().map(|(id, _)| id).collect()
    }

    /// How many keys the selected phases generate.
    pub(crate) fn keys_needed(&self, selection: &Selection, settings: &Settings, host: &dyn Host) -> usize {
        let mut needed = 0;
        self.visit_selected(selection, |phase| {
            needed += phase.keys.map_or(0, |count| count(settings, host, phase.name));
        });
        needed
    }

    /// The folders that other runs must keep out of while the selected phases run.
    pub(crate) fn locks(&self, selection: &Selection) -> Vec<Folder> {
        let mut folders: Vec<Folder> = vec![];
        self.visit_selected(selection, |phase| {
            let new: Vec<Folder> = phase.locks.iter().copied().filter(|f| !folders.contains(f)).collect();
            folders.extend(new);
        });
        folders
    }

    fn visit_selected(&self, selection: &Selection, mut visit: impl FnMut(&Phase<S>)) {
        walk(&self.phases, "", &mut |id, phase| {
            if matches!(phase.action, Action::Work(_)) && selection.includes(id) {
                visit(phase);
            }
        });
    }

    /// The phases that do something, in the order of running.
    fn in_order(&self) -> Vec<(String, &Work<S>)> {
        let (mut order, mut moved) = (vec![], vec![]);
        walk(&self.phases, "", &mut |id, phase| {
            if let Action::Work(work) = &phase.action {
                match self.moved.iter().find(|(moved, _)| *moved == id) {
                    Some((_, after)) => moved.push((*after, id.to_owned(), work)),
                    None => order.push((id.to_owned(), work)),
                }
            }
        });
        for (after, id, work) in moved {
            let place = order.iter().position(|(id, _)| id == after).map_or(order.len(), |place| place + 1);
            order.insert(place, (id, work));
        }
        order
    }

    fn check_needs(&self, selection: &Selection) -> Result<(), Error> {
        let mut missing = vec![];
        walk(&self.phases, "", &mut |id, phase| {
            if selection.includes(id) {
                let absent = phase.needs.iter().filter(|need| !selection.includes(need));
                missing.extend(absent.map(|need| format!("{id} needs {need}")));
            }
        });
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!(
            "{}\n  fix: run them in the same run, or skip the phases that need them too",
            missing.join("; ")
        );
        Err(Error::new(ExitStatus::Usage, message))
    }
}

impl<S: AsMut<Run>> Workflow<S> {
    /// Runs the selected phases one after the other. In a whole run, what a phase needs is checked before anything
    /// runs; a phase that is run by itself uses what an earlier run left.
    ///
    /// # Errors
    /// The first failure, with the phase's id before its message.
    pub(crate) fn run(&self, selection: &Selection, state: &mut S) -> Result<Vec<Ran>, Error> {
        if selection.only.is_none() {
            self.check_needs(selection)?;
        }
        let out = state.as_mut().out.clone();
        let mut ran = vec![];
        for (id, work) in self.in_order() {
            if !selection.includes(&id) {
                if selection.only.is_none() {
                    tracing::info!("phase {id}: skipped, as asked for");
                }
                out.phase(&id, "left out", None);
                continue;
            }
            tracing::info!("phase {id}: started");
            out.phase(&id, "started", None);
            state.as_mut().enter(&id);
            let start = Instant::now();
            let outcome = work(state);
            let took = start.elapsed();
            let applies = !matches!(outcome, Ok(Outcome::NotApplicable));
            let end = match &outcome {
                Ok(Outcome::Done) => "done",
                Ok(Outcome::Skipped(_) | Outcome::NotApplicable) => "skipped",
                Err(_) => "failed",
            };
            tracing::info!("phase {id}: {end} ({:.3} s)", took.as_secs_f64());
            if let Ok(Outcome::Skipped(why)) = &outcome {
                state.as_mut().log(why);
            }
            out.phase(&id, end, Some(took));
            outcome.map_err(|error| error.at(&id))?;
            if !applies {
                continue;
            }
            ran.push(Ran { id, took });
        }
        Ok(ran)
    }
}

fn walk<'a, S>(phases: &'a [Phase<S>], parent: &str, visit: &mut impl FnMut(&str, &'a Phase<S>)) {
    for phase in phases {
        let id = if parent.is_empty() { phase.name.into() } else { format!("{parent}/{}", phase.name) };
        visit(&id, phase);
        walk(phase.children(), &id, visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct State {
        run: Run,
        done: Vec<&'static str>,
    }

    impl AsMut<Run> for State {
        fn as_mut(&mut self) -> &mut Run {
            &mut self.run
        }
    }

    fn step(name: &'static str) -> Phase<State> {
        Phase::new(name, "", move |state: &mut State| {
            state.done.push(name);
            match name {
                "bad" => Err(Error::new(ExitStatus::Preflight, "broken")),
                _ => Ok(Outcome::Done),
            }
        })
    }

    fn table() -> Workflow<State> {
        Workflow {
            name: "test",
            phases: vec![
                step("a"),
                Phase::group("g", "", vec![step("x"), step("y")]).alias(&["group"]),
                step("z").needing(&["g/y"]),
                step("bad"),
            ],
            moved: &[],
        }
    }

    fn run(
        workflow: &Workflow<State>,
        selection: &Selection,
    ) -> (Vec<&'static str>, Result<Vec<Ran>, Error>) {
        let mut state = State { run: Run::for_tests(), done: vec![] };
        let result = workflow.run(selection, &mut state);
        (state.done, result)
    }

    fn run_with(only: Option<&str>, skip: &[&str]) -> (Vec<&'static str>, Result<Vec<Ran>, Error>) {
        let skip = skip.iter().map(|s| (*s).to_owned()).collect();
        run(&table(), &Selection { only: only.map(str::to_owned), skip })
    }

    #[test]
    fn phases_run_in_order_and_stop_at_the_first_failure() {
        let (done, result) = run_with(None, &[]);
        assert_eq!(done, ["a", "x", "y", "z", "bad"]);
        let error = result.unwrap_err();
        assert_eq!((error.status, error.message.as_str()), (ExitStatus::Preflight, "bad: broken"));
    }

    #[test]
    fn moved_phases_run_right_after_the_phase_they_name() {
        let workflow = Workflow {
            name: "test",
            phases: vec![step("a"), step("b"), Phase::group("g", "", vec![step("x"), step("y")]), step("z")],
            moved: &[("g/y", "a"), ("z", "g/y")],
        };
        assert_eq!(run(&workflow, &Selection::default()).0, ["a", "y", "z", "b", "x"]);
        assert_eq!(workflow.leaves(), ["a", "g/y", "z", "b", "g/x"]);
        assert_eq!(workflow.ids(), ["a", "b", "g", "g/x", "g/y", "z"], "the table keeps its order");
    }

    #[test]
    fn groups_are_selected_and_skipped_as_a_whole() {
        assert_eq!(run_with(Some("g"), &[]).0, ["x", "y"]);
        assert_eq!(run_with(Some("g/x"), &[]).0, ["x"]);
        assert_eq!(run_with(None, &["g", "z", "bad"]).0, ["a"]);
    }

    #[test]
    fn needs_are_checked_before_anything_runs() {
        let (done, result) = run_with(None, &["g/y"]);
        assert!(done.is_empty());
        assert!(result.unwrap_err().message.contains("z needs g/y"));
        assert_eq!(run_with(Some("z"), &[]).0, ["z"]);
    }

    #[test]
    fn phases_are_found_in_any_case_and_by_alias() {
        let skip = |ids: &[&str]| {
            let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
            table().select(None, &ids).map(|selection| selection.skip)
        };
        assert_eq!(skip(&["GROUP/X", "a"]).unwrap(), ["g/x", "a"]);
        assert_eq!(skip(&["g/all"]).unwrap(), ["g/all"]);
        assert!(skip(&["a/all"]).is_err(), "no group");
        assert!(skip(&["g/xx"]).unwrap_err().message.contains("did you mean \"g/x\""));
    }
}
