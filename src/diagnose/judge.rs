//! When to give up: what is proven ends the wait at once, what persists does so after a while without progress.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::diagnosis::Diagnosis;
use super::rule::Proof;
use crate::health::Progress;
use crate::manifest::Component;

/// How long something must persist until it counts as proven: longer than a runtime takes to restart, shorter than
/// kubelet's first back-off.
const PATIENCE: Duration = Duration::from_secs(8);

/// Remembers since when each cause is seen.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    since: BTreeMap<String, Instant>,
    progress: Progress,
}

impl Judge {
    /// Whether these diagnoses, seen `now` with the control plane as far as `progress`, prove that waiting is in vain.
    pub(crate) fn gives_up(&mut self, diagnoses: &[Diagnosis], progress: &Progress, now: Instant) -> bool {
        let moved: Vec<Option<Component>> = progress
            .iter()
            .filter(|(who, far)| self.progress.get(who) < Some(far))
            .map(|(who, _)| *who)
            .collect();
        for who in &moved {
            self.progress.extend(progress.get(who).map(|far| (*who, *far)));
        }
        // What merely may be so has not begun to persist.
        let standing = diagnoses.iter().filter(|d| d.proof == Proof::Persisting);
        // Where it moves, whatever was wrong is being got over.
        let stuck = standing.filter(|d| match d.subject {
            None => moved.is_empty(),
            subject => !moved.contains(&subject),
        });
        let stuck: Vec<String> = stuck.map(Diagnosis::key).collect();
        self.since.retain(|key, _| stuck.contains(key));
        for key in stuck {
            self.since.entry(key).or_insert(now);
        }
        diagnoses.iter().any(|d| match d.proof {
            Proof::Proven => true,
            Proof::Persisting => {
                self.since.get(&d.key()).is_some_and(|since| now.duration_since(*since) >= PATIENCE)
            }
            Proof::Possible => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;

    fn seen(what: &str, proof: Proof) -> Diagnosis {
        Diagnosis { finding: Finding::error(what), proof, subject: None }
    }

    fn far(etcd: usize, scheduler: usize) -> Progress {
        [(None, 1), (Some(Component::Etcd), etcd), (Some(Component::Scheduler), scheduler)].into()
    }

    #[test]
    fn what_is_proven_ends_it_at_once_and_what_is_possible_never() {
        let now = Instant::now();
        assert!(Judge::default().gives_up(&[seen("a", Proof::Proven)], &far(0, 0), now));
        let mut judge = Judge::default();
        for seconds in 0..600 {
            let later = now + Duration::from_secs(seconds);
            assert!(!judge.gives_up(&[seen("a", Proof::Possible)], &far(0, 0), later));
        }
        // Only now does it begin to persist.
        assert!(!judge.gives_up(&[seen("a", Proof::Persisting)], &far(0, 0), now + Duration::from_secs(600)));
    }

    #[test]
    fn what_persists_ends_it_unless_something_moves_or_it_goes_away() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let stuck = || [seen("a", Proof::Persisting)];
        let mut judge = Judge::default();
        assert!(!judge.gives_up(&[], &far(1, 1), after(0)));
        assert!(!judge.gives_up(&stuck(), &far(1, 1), after(0)));
        assert!(!judge.gives_up(&stuck(), &far(1, 1), after(7)));
        assert!(judge.gives_up(&stuck(), &far(1, 1), after(8)));
        let mut judge = Judge::default();
        assert!(!judge.gives_up(&[], &far(1, 1), after(0)));
        assert!(!judge.gives_up(&stuck(), &far(1, 1), after(0)));
        assert!(!judge.gives_up(&stuck(), &far(1, 2), after(7)), "it moves");
        assert!(!judge.gives_up(&stuck(), &far(1, 1), after(8)));
        assert!(!judge.gives_up(&stuck(), &far(1, 2), after(15)), "it comes back to where it was");
        assert!(judge.gives_up(&stuck(), &far(1, 2), after(16)));
        let mut judge = Judge::default();
        assert!(!judge.gives_up(&stuck(), &far(1, 1), after(0)));
        assert!(!judge.gives_up(&[], &far(1, 1), after(7)), "it went away");
        assert!(!judge.gives_up(&stuck(), &far(1, 1), after(9)));
    }

    #[test]
    fn what_is_wrong_with_one_is_not_got_over_by_another_s_progress() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let stuck = [Diagnosis { subject: Some(Component::Scheduler), ..seen("image", Proof::Persisting) }];
        let mut judge = Judge::default();
        assert!(!judge.gives_up(&[], &far(1, 1), after(0)));
        assert!(!judge.gives_up(&stuck, &far(1, 1), after(0)));
        assert!(!judge.gives_up(&stuck, &far(2, 1), after(4)));
        assert!(judge.gives_up(&stuck, &far(3, 1), after(8)));
    }
}
