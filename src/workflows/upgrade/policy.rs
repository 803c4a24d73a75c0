//! Which versions a cluster may be upgraded to: kubeadm's rules, a row each.

use crate::config::{KubernetesVersion, Release};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::finding::Finding;

/// How many minors kubelet may be older than the API server.
const KUBELET_SKEW: u64 = 3;

/// What is known of an upgrade before anything is done.
#[derive(Clone, Debug)]
pub(crate) struct Step<'a> {
    /// The cluster's version: that of its newest API server.
    pub(crate) current: &'a KubernetesVersion,
    /// The version to upgrade to.
    pub(crate) target: &'a KubernetesVersion,
    /// Alphas, betas and release candidates are allowed.
    pub(crate) allow_experimental: bool,
    /// Release candidates are allowed.
    pub(crate) allow_candidates: bool,
    /// API servers by node, and their versions.
    pub(crate) api_servers: &'a [(String, KubernetesVersion)],
    /// kubelets by node, and their versions.
    pub(crate) kubelets: &'a [(String, KubernetesVersion)],
}

/// A rule.
struct Rule {
    /// `--force` does not help.
    mandatory: bool,
    /// What is wrong, with the way out, if anything is.
    broken: fn(&Step<'_>) -> Option<String>,
}

const RULES: &[Rule] = &[
    Rule { mandatory: true, broken: |s| Release::of(s.target).err().map(|e| e.to_string()) },
    Rule {
        mandatory: true,
        broken: |s| {
            let next = s.current.minor() + 1;
            (s.target.minor() > next).then(|| {
                format!(
                    "{} is more than one minor above the cluster's {}: upgrade to 1.{next} first, or have every minor between done with `--through-minors` (one control plane only)",
                    s.target, s.current
                )
            })
        },
    },
    Rule {
        mandatory: true,
        broken: |s| {
            (s.target.minor() < s.current.minor()).then(|| {
                format!(
                    "{} is a lower minor than the cluster's {}: what etcd stores may not be readable to it, so the control plane can't go back",
                    s.target, s.current
                )
            })
        },
    },
    Rule {
        mandatory: true,
        broken: |s| {
            let behind = |version: &KubernetesVersion| version.minor() + 1 < s.target.minor();
            let behind: Vec<String> =
                s.api_servers.iter().filter(|(_, v)| behind(v)).map(|(n, v)| format!("{n} ({v})")).collect();
            (!behind.is_empty() && s.current.minor() + 1 >= s.target.minor()).then(|| {
                format!(
                    "API servers may be one minor apart, and with {} these would be two: {}: run `kubestrap upgrade node` there first",
                    s.target,
                    behind.join(", ")
                )
            })
        },
    },
    Rule {
        mandatory: false,
        broken: |s| {
            (s.target.minor() == s.current.minor() && s.target < s.current)
                .then(|| format!("{} is older than the cluster's {}", s.target, s.current))
        },
    },
    Rule {
        mandatory: false,
        broken: |s| {
            let release = Release::of(s.target).ok()?;
            (s.target.patch() > release.newest_patch).then(|| {
                format!(
                    "{} is newer than the newest 1.{minor} that this kubestrap knows (v1.{minor}.{}): a newer kubestrap may know of changes in it",
                    s.target,
                    release.newest_patch,
                    minor = release.minor
                )
            })
        },
    },
    Rule {
        mandatory: false,
        broken: |s| {
            let flag = match s.target.unstable()? {
                "rc" if s.allow_candidates || s.allow_experimental => return None,
                "rc" => "--allow-release-candidate-upgrades",
                _ if s.allow_experimental => return None,
                _ => "--allow-experimental-upgrades",
            };
            Some(format!("{} is an unstable version: allow it with `{flag}`", s.target))
        },
    },
    Rule {
        mandatory: false,
        broken: |s| {
            let old: Vec<String> = s
                .kubelets
                .iter()
                .filter(|(_, v)| v.minor() + KUBELET_SKEW < s.target.minor())
                .map(|(n, v)| format!("{n} ({v})"))
                .collect();
            (!old.is_empty()).then(|| {
                format!(
                    "kubelet may be at most {KUBELET_SKEW} minors older than the API server: upgrade kubelet on {} first",
                    old.join(", ")
                )
            })
        },
    },
];

impl Step<'_> {
    /// What is wrong with it, as a plan tells it.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let finding = |rule: &Rule| {
            let finding = Finding { check: "Version".into(), ..Finding::error((rule.broken)(self)?) };
            Some(if rule.mandatory {
                finding
            } else {
                finding.fix("choose another version, or pass `--force` to `upgrade apply`")
            })
        };
        RULES.iter().filter_map(finding).collect()
    }

    /// Refuses a step that breaks a rule; `force` passes over those that are not mandatory.
    ///
    /// # Errors
    /// With every rule that is broken.
    pub(crate) fn check(&self, force: bool) -> Result<(), Error> {
        let broken = |mandatory: bool| -> Vec<String> {
            let rules = RULES.iter().filter(|rule| rule.mandatory == mandatory);
            rules.filter_map(|rule| (rule.broken)(self)).collect()
        };
        let (mandatory, skippable) = (broken(true), broken(false));
        let list = |lines: &[String]| lines.iter().map(|l| format!("\n  - {l}")).collect::<String>();
        if !mandatory.is_empty() {
            let all = [mandatory, skippable].concat();
            let message = format!("the cluster can't be upgraded to version {}:{}", self.target, list(&all));
            return Err(Error::new(ExitStatus::Preflight, message));
        }
        if skippable.is_empty() || force {
            return Ok(());
        }
        let message = format!(
            "the cluster should not be upgraded to version {}:{}\n  fix: choose another version, or bypass this with `--force`",
            self.target,
            list(&skippable)
        );
        Err(Error::new(ExitStatus::Preflight, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> KubernetesVersion {
        text.parse().unwrap()
    }

    fn refused(current: &str, target: &str, force: bool) -> Option<String> {
        refused_with(current, target, force, &[("n1", current)], &[])
    }

    fn refused_with(
        current: &str,
        target: &str,
        force: bool,
        servers: &[(&str, &str)],
        kubelets: &[(&str, &str)],
    ) -> Option<String> {
        let list =
            |l: &[(&str, &str)]| -> Vec<_> { l.iter().map(|(n, v)| ((*n).to_owned(), version(v))).collect() };
        let step = Step {
            current: &version(current),
            target: &version(target),
            allow_experimental: false,
            allow_candidates: false,
            api_servers: &list(servers),
            kubelets: &list(kubelets),
        };
        step.check(force).err().map(|e| e.message)
    }

    #[test]
    fn one_minor_up_or_a_newer_patch_is_allowed() {
        for target in ["v1.35.6", "v1.35.7", "v1.36.0"] {
            assert_eq!(refused("v1.35.6", target, false), None, "{target}");
        }
    }

    #[test]
    fn other_minors_are_refused_even_with_force() {
        for (target, part) in
            [("v1.37.1", "--through-minors"), ("v1.34.2", "lower minor"), ("v1.38.0", "1.33 to 1.37")]
        {
            let message = refused("v1.35.6", target, true).unwrap();
            assert!(message.contains(part) && message.contains(target), "{message}");
        }
    }

    #[test]
    fn force_passes_over_what_is_only_unwise() {
        for (target, part) in [
            ("v1.35.0", "older than"),
            ("v1.36.99", "newest 1.36"),
            ("v1.36.1-rc.1", "release-candidate"),
            ("v1.36.1-beta.0", "experimental"),
        ] {
            let message = refused("v1.35.6", target, false).unwrap();
            assert!(message.contains(part) && message.contains("--force"), "{message}");
            assert_eq!(refused("v1.35.6", target, true), None);
        }
    }

    #[test]
    fn api_servers_never_get_two_minors_apart() {
        let servers = [("n1", "v1.35.6"), ("n2", "v1.34.9")];
        let message = refused_with("v1.35.6", "v1.36.2", true, &servers, &[]).unwrap();
        assert!(message.contains("n2 (v1.34.9)") && message.contains("upgrade node"), "{message}");
        assert_eq!(refused_with("v1.35.6", "v1.35.7", true, &servers, &[]), None);
    }

    #[test]
    fn kubelets_that_would_be_too_old_are_named() {
        let message = refused_with("v1.36.2", "v1.37.0", false, &[], &[("w1", "v1.33.1"), ("w2", "v1.34.0")]);
        let message = message.unwrap();
        assert!(message.contains("w1 (v1.33.1)") && !message.contains("w2"), "{message}");
    }
}
