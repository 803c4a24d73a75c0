//! From the names that a user writes to the phases of a workflow.

use super::phase::Phase;
use super::runner::Workflow;
use super::selection::Selection;
use crate::error::Error;
use crate::exit_status::ExitStatus;

impl<S> Workflow<S> {
    /// The phases to run: `only` one, or all but those that `skip` names as a user writes them.
    ///
    /// # Errors
    /// When the workflow has no phase of such a name; then with the nearest that it has.
    pub(crate) fn select(&self, only: Option<String>, skip: &[String]) -> Result<Selection, Error> {
        // As in kubeadm, phases to skip are for the whole workflow, not for single phases.
        let skip = if only.is_none() { self.resolve(skip)? } else { vec![] };
        Ok(Selection { only, skip })
    }

    /// Resolves ids as a user writes them (any case, aliases) to those of the table.
    fn resolve(&self, wanted: &[String]) -> Result<Vec<String>, Error> {
        let known = self.ids();
        wanted
            .iter()
            .map(|want| {
                let lower = want.trim().to_lowercase();
                let found =
                    find(&self.phases, &lower).or_else(|| known.contains(&lower).then(|| lower.clone()));
                found.ok_or_else(|| {
                    let near = known.iter().min_by_key(|k| strsim::levenshtein(k, &lower));
                    let message = format!(
                        "`{}` has no phase {want:?}\n  did you mean {:?}? All phases: {}",
                        self.name,
                        near.map_or("", String::as_str),
                        known.join(", ")
                    );
                    Error::new(ExitStatus::Usage, message)
                })
            })
            .collect()
    }
}

fn find<S>(phases: &[Phase<S>], path: &str) -> Option<String> {
    let (head, rest) = path.split_once('/').map_or((path, None), |(h, r)| (h, Some(r)));
    let phase = phases.iter().find(|p| p.name == head || p.aliases.contains(&head))?;
    match rest {
        None => Some(phase.name.to_owned()),
        // A command for all phases of a group, not a phase of the workflow: kubeadm accepts it and skips nothing.
        Some("all") if !phase.children().is_empty() => Some(format!("{}/all", phase.name)),
        Some(rest) => find(phase.children(), rest).map(|r| format!("{}/{r}", phase.name)),
    }
}
