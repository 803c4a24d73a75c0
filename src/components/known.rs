//! The flags that each program knows: from its list, and from what is gone.

use super::gone::{GONE, Gone};
use super::program::Program;

/// A flag of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flag {
    /// Its name.
    pub(super) name: &'static str,
    /// The kind of its value ([`super::kind`]).
    pub(super) kind: &'static str,
    /// The first and last minor of the program that have it.
    minors: (u64, u64),
    /// Whether the program warns of it, and what it advises.
    pub(super) deprecated: Option<&'static str>,
}

/// What a program makes of a flag's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It has the flag.
    Yes(Flag),
    /// It has it no longer, or not yet, or never had it; in words.
    No(String),
}

impl Program {
    /// Its flags, one a line: name, kind of value, minors where not all have it, and whether it is deprecated. Those of
    /// 1.33 to 1.36 are recorded from the components' `--help` and completed with the hidden ones from their source;
    /// 1.37's are 1.36's with the changes of its release notes. etcd's are those of 3.5 and 3.6, with its own minors.
    fn list(self) -> &'static str {
        match self {
            Self::Etcd => include_str!("../../templates/flags/etcd.txt"),
            Self::ApiServer => include_str!("../../templates/flags/kube-apiserver.txt"),
            Self::ControllerManager => include_str!("../../templates/flags/kube-controller-manager.txt"),
            Self::Scheduler => include_str!("../../templates/flags/kube-scheduler.txt"),
            Self::Kubelet => include_str!("../../templates/flags/kubelet.txt"),
        }
    }

    /// All its flags, of any minor.
    pub(super) fn flags(self) -> impl Iterator<Item = Flag> {
        self.list().lines().filter_map(flag)
    }

    /// What the program of `minor` makes of the flag `name`, which is written with dashes.
    pub(super) fn knows(self, name: &str, minor: u64) -> Known {
        if let Some(flag) = self.flags().find(|flag| flag.name == name) {
            let (first, last) = flag.minors;
            return match minor {
                m if m > last => Known::No(self.gone(name).map_or_else(
                    || format!("{}.{last} was the last minor that had it", self.major()),
                    |gone| gone.to_string(),
                )),
                m if m < first => Known::No(format!("it came with {}.{first}", self.major())),
                _ => Known::Yes(flag),
            };
        }
        if let Some(gone) = self.gone(name) {
            return Known::No(gone.to_string());
        }
        if name.starts_with('-') {
            return Known::No("names of flags are written without dashes here".to_owned());
        }
        let near = self
            .flags()
            .filter(|flag| (flag.minors.0..=flag.minors.1).contains(&minor) && flag.deprecated.is_none())
            .map(|flag| (strsim::damerau_levenshtein(flag.name, name), flag.name))
            .min()
            .filter(|(distance, known)| *distance <= 1 + known.len().min(name.len()) / 5);
        Known::No(near.map_or_else(
            || format!("it is not among the flags of {}", self.name()),
            |(_, known)| format!("did you mean `{known}`?"),
        ))
    }

    /// What its minors belong to.
    fn major(self) -> &'static str {
        if self == Self::Etcd { "etcd 3" } else { "1" }
    }

    fn gone(self, name: &str) -> Option<&'static Gone> {
        GONE.iter().find(|gone| gone.program == self && gone.name == name)
    }
}

/// A line of a list of flags.
fn flag(line: &'static str) -> Option<Flag> {
    let (line, deprecated) = match line.split_once(" deprecated") {
        Some((line, advice)) => (line, Some(advice.trim_start_matches(':').trim())),
        None => (line, None),
    };
    let mut words = line.split(' ');
    let (name, kind) = (words.next()?, words.next()?);
    let minors = words.next().and_then(|range| {
        let (first, last) = range.split_once('-')?;
        Some((first.parse().ok()?, last.parse().ok()?))
    });
    Some(Flag { name, kind, minors: minors.unwrap_or((0, u64::MAX)), deprecated })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::kind;

    const ALL: [Program; 5] =
        [Program::Etcd, Program::ApiServer, Program::ControllerManager, Program::Scheduler, Program::Kubelet];

    #[test]
    fn every_line_of_the_lists_is_a_flag_with_a_known_kind() {
        for (program, least) in ALL.into_iter().zip([130, 175, 147, 60, 150]) {
            let lines = program.list().lines().count();
            assert!(lines >= least, "{program:?} has {lines}");
            assert_eq!(program.flags().count(), lines);
            for flag in program.flags() {
                assert!(kind::is_known(flag.kind), "{program:?} {flag:?}");
                assert!(flag.minors.0 <= flag.minors.1 && !flag.name.starts_with('-'), "{flag:?}");
            }
        }
    }

    fn no(program: Program, name: &str, minor: u64) -> String {
        match program.knows(name, minor) {
            Known::No(why) => why,
            Known::Yes(flag) => panic!("{flag:?}"),
        }
    }

    #[test]
    fn hidden_flags_are_known() {
        for name in [
            "apiserver-count",
            "kubelet-port",
            "default-watch-cache-size",
            "audit-webhook-batch-initial-backoff",
        ] {
            let Known::Yes(flag) = Program::ApiServer.knows(name, 36) else { panic!("{name}") };
            assert!(flag.deprecated.is_some(), "{flag:?}");
        }
        assert!(matches!(Program::ControllerManager.knows("node-sync-period", 33), Known::Yes(_)));
    }

    #[test]
    fn flags_that_are_gone_name_their_replacement_and_no_lookalike() {
        for (program, name, want) in [
            (Program::ApiServer, "insecure-port", "`secure-port`"),
            (Program::ApiServer, "port", "`secure-port`"),
            (Program::ApiServer, "cloud-provider", "1.33"),
            (Program::ControllerManager, "pod-eviction-timeout", "1.27"),
            (
                Program::ControllerManager,
                "experimental-cluster-signing-duration",
                "`cluster-signing-duration`",
            ),
            (Program::Etcd, "enable-v2", "etcd 3.6"),
            (Program::Kubelet, "container-runtime", "1.27"),
        ] {
            let told = no(program, name, 36);
            assert!(told.contains(want) && !told.contains("did you mean"), "{name}: {told}");
        }
        assert_eq!(no(Program::ApiServer, "audit-policyfile", 36), "did you mean `audit-policy-file`?");
        assert_eq!(no(Program::ApiServer, "tls-curve-preferences", 33), "it came with 1.36");
        assert_eq!(no(Program::Etcd, "feature-gates", 5), "it came with etcd 3.6");
        assert!(matches!(Program::Etcd.knows("enable-v2", 5), Known::Yes(_)));
        assert!(no(Program::Kubelet, "pod-infra-container-image", 35).contains("1.34 was the last"));
    }

    #[test]
    fn no_flag_is_both_known_and_gone() {
        for gone in GONE {
            assert!(!gone.program.flags().any(|f| f.name == gone.name && f.minors.1 >= 37), "{}", gone.name);
        }
    }
}
