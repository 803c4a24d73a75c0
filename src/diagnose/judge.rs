//! When to give up: what is proven ends the wait at once, what persists does so after a while without progress.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::diagnosis::Diagnosis;
use super::rule::Proof;

/// How long something must persist until it counts as proven: longer than a runtime takes to restart, shorter than
/// kubelet's first back-off.
const PATIENCE: Duration = Duration::from_secs(8);

/// Remembers since when each cause is seen.
#[derive(Debug, Default)]
pub struct Judge {
    since: BTreeMap<String, Instant>,
    progress: usize,
}

impl Judge {
    /// Whether these diagnoses, seen `now` with the control plane as far as `progress`, prove that waiting is in vain.
    pub fn gives_up(&mut self, diagnoses: &[Diagnosis], progress: usize, now: Instant) -> bool {
        if progress > self.progress {
            // It moves: whatever was wrong is being got over.
            self.since.clear();
            self.progress = progress;
        }
        let standing: Vec<String> = diagnoses.iter().map(Diagnosis::key).collect();
        self.since.retain(|key, _| standing.contains(key));
        for key in standing {
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

    #[test]
    fn what_is_proven_ends_it_at_once_and_what_is_possible_never() {
        let now = Instant::now();
        assert!(Judge::default().gives_up(&[seen("a", Proof::Proven)], 0, now));
        let mut judge = Judge::default();
        for seconds in 0..600 {
            let later = now + Duration::from_secs(seconds);
            assert!(!judge.gives_up(&[seen("a", Proof::Possible)], 0, later));
        }
    }

    #[test]
    fn what_persists_ends_it_unless_something_moves_or_it_goes_away() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let stuck = || [seen("a", Proof::Persisting)];
        let mut judge = Judge::default();
        assert!(!judge.gives_up(&stuck(), 1, after(0)));
        assert!(!judge.gives_up(&stuck(), 1, after(7)));
        assert!(judge.gives_up(&stuck(), 1, after(8)));
        let mut judge = Judge::default();
        assert!(!judge.gives_up(&stuck(), 1, after(0)));
        assert!(!judge.gives_up(&stuck(), 2, after(7)), "it moves");
        assert!(!judge.gives_up(&stuck(), 2, after(14)));
        assert!(judge.gives_up(&stuck(), 2, after(15)));
        let mut judge = Judge::default();
        assert!(!judge.gives_up(&stuck(), 1, after(0)));
        assert!(!judge.gives_up(&[], 1, after(7)), "it went away");
        assert!(!judge.gives_up(&stuck(), 1, after(9)));
    }
}
