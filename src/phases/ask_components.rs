//! Components are asked themselves whether they accept their command lines, before anything is written: each image's own
//! program parses its flags in a container of its own, and with `--version` does nothing else.
//!
//! That takes a tenth of a second of a processor for each, so those are not asked whose answer is known: of the images that
//! Kubernetes ships the flags are listed, and have been judged before.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;

use super::preflight::refuse;
use crate::components::Subject;
use crate::config::settings::IMAGE_REPOSITORY;
use crate::error::Error;
use crate::host::cri::{ContainerJob, CriError, JobEnd};
use crate::manifest::Component;
use crate::preflight::{Finding, ignore};
use crate::workflow::{Run, patched_pod};

/// The check's name, by which it can be ignored.
const NAME: &str = "ComponentFlags";
/// Longer than any component takes to tell its version.
const LIMIT: Duration = Duration::from_secs(15);

/// The components that are to be asked: those that a patch changes or that Kubernetes did not ship, and those with flags
/// that the lists do not tell all about.
pub(super) struct Asking(Vec<Question>);

/// One of them.
struct Question {
    /// Where the configuration has its flags.
    place: String,
    job: ContainerJob,
}

impl Asking {
    /// Who is asked what: the containers of the static Pods, patches applied.
    ///
    /// # Errors
    /// When a patch can't be applied.
    pub(super) fn of(run: &Run) -> Result<Self, Error> {
        let subject = Subject::of(&run.settings);
        let patches = run.patches()?;
        let mut questions = vec![];
        for (component, pod) in &subject.pods {
            let is_patched = patches.patches.iter().any(|patch| patch.target == component.name());
            let pod = if is_patched { patched_pod(run, component.name(), pod)? } else { pod.clone() };
            let Some(job) = job(*component, &pod) else { continue };
            let is_shipped = job.image.starts_with(&format!("{IMAGE_REPOSITORY}/"));
            if is_patched || !is_shipped || !subject.knows_flags(*component) {
                questions.push(Question { place: subject.place_of_args(*component), job });
            }
        }
        Ok(Self(questions))
    }

    /// Whether there is somebody to ask, and no image has to be pulled before.
    pub(super) fn is_ready(&self, run: &Run) -> bool {
        let facts = run.machine.runtime();
        !self.0.is_empty()
            && facts.is_ok_and(|facts| self.0.iter().all(|asked| facts.holds(&asked.job.image)))
    }

    /// Asks them, all at once.
    ///
    /// # Errors
    /// When one of them refuses its command line.
    pub(super) fn ask(mut self, run: &Run) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        if !self.is_ready(run) {
            // Images were pulled since the checks.
            let Ok(facts) = run.runtime.facts() else { return Ok(()) };
            self.0.retain(|asked| facts.holds(&asked.job.image));
        }
        let (places, jobs): (Vec<String>, Vec<ContainerJob>) =
            self.0.into_iter().map(|asked| (asked.place, asked.job)).unzip();
        let ends = ends(&jobs, |jobs| run.runtime.run_together(jobs));
        let told = places.iter().zip(&jobs).zip(ends);
        let mut findings: Vec<Finding> =
            told.filter_map(|((place, job), end)| answer(job, place, end)).collect();
        ignore(&mut findings, &run.settings.node.registration.ignore_preflight_errors);
        run.findings(&findings);
        refuse(&findings)
    }
}

/// How each container ended. kubelet, where it runs, removes every two seconds what it does not know: those that it hit are
/// run again, which takes less than that.
fn ends(
    jobs: &[ContainerJob],
    mut run: impl FnMut(&[ContainerJob]) -> Vec<Result<JobEnd, CriError>>,
) -> Vec<Result<JobEnd, CriError>> {
    let was_hit = |end: &Result<JobEnd, CriError>| match end {
        Ok(end) => ended_by_a_signal(end),
        Err(_) => true,
    };
    let mut ends = run(jobs);
    for _ in 0..MORE_TRIES {
        let hit: Vec<_> = jobs.iter().zip(&mut ends).filter(|(_, end)| was_hit(end)).collect();
        if hit.is_empty() {
            break;
        }
        let again: Vec<ContainerJob> = hit.iter().map(|(job, _)| (*job).clone()).collect();
        for ((_, end), now) in hit.into_iter().zip(run(&again)) {
            *end = now;
        }
    }
    ends
}

/// How often a container that was ended from outside is run again.
const MORE_TRIES: u32 = 2;
/// The exit codes of SIGKILL and SIGTERM.
const ENDED_BY_A_SIGNAL: [i32; 2] = [137, 143];

/// Whether it was killed from outside. A Go program that is its container's first process can't die of SIGTERM, since the
/// kernel spares that process: its runtime then exits with 2, without a word.
fn ended_by_a_signal(end: &JobEnd) -> bool {
    ENDED_BY_A_SIGNAL.contains(&end.exit_code) || (end.exit_code == 2 && end.output.is_empty())
}

/// A component's container; none where a patch put something else before its program.
fn job(component: Component, pod: &Pod) -> Option<ContainerJob> {
    let containers = &pod.spec.as_ref()?.containers;
    let container = containers.iter().find(|container| container.name == component.name())?;
    let words = container.command.iter().chain(&container.args).flatten();
    let mut command: Vec<String> = words.cloned().collect();
    if !command.first()?.ends_with(component.name()) {
        return None;
    }
    command.push("--version".into());
    Some(ContainerJob {
        name: format!("version-of-{}", component.name()),
        image: container.image.clone()?,
        command,
        mounts: vec![],
        limit: LIMIT,
    })
}

/// What one says.
fn answer(job: &ContainerJob, place: &str, end: Result<JobEnd, CriError>) -> Option<Finding> {
    let program = job.command.first().map_or("", String::as_str);
    let finding = match end {
        Ok(end) => judgement(program, &job.image, place, &end)?,
        // That images can't be run at all, other checks tell.
        Err(error) => not_asked(program, &job.image, error.to_string()),
    };
    Some(Finding { check: NAME.into(), ..finding })
}

/// The finding, where a component does not accept its command line, or did not answer.
fn judgement(program: &str, image: &str, place: &str, end: &JobEnd) -> Option<Finding> {
    if end.exit_code == 0 {
        return None;
    }
    if ended_by_a_signal(end) {
        let why = "its container ended without a word, as when it is killed from outside: a running kubelet kills containers that it does not know";
        return Some(not_asked(program, image, why.into()));
    }
    // Usage may follow or precede the reason, which names the flag.
    let said = |word: &str| end.output.iter().find(|line| line.to_lowercase().contains(word));
    let reason = ["invalid", "unknown", "not defined", "error"].into_iter().find_map(said);
    let Some(reason) = reason.or(end.output.last()) else {
        // A component that refuses a flag names it.
        let why = format!("its container exited with {} and logged nothing", end.exit_code);
        return Some(not_asked(program, image, why));
    };
    Some(
        Finding::error(format!("{program} of {image} does not accept its command line"))
            .evidence(reason.clone())
            .cause("its own program was run with `--version` added, and exited with an error")
            .fix(format!(
                "correct the flag in {place}, or in the patch that adds it; or name an image that has it"
            )),
    )
}

/// No answer is no refusal: what `why` tells proves nothing about the flags.
fn not_asked(program: &str, image: &str, why: String) -> Finding {
    Finding::warning(format!("{program} of {image} could not be asked about its flags")).evidence(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::Severity;
    use crate::preflight::fake::settings;

    fn end(exit_code: i32, output: &[&str]) -> JobEnd {
        JobEnd { exit_code, output: output.iter().map(|line| (*line).to_owned()).collect() }
    }

    fn judged(exit_code: i32, output: &[&str]) -> Option<Finding> {
        judgement("etcd", "i", "etcd.local.extraArgs", &end(exit_code, output))
    }

    #[test]
    fn container_that_was_ended_from_outside_is_run_again() {
        let jobs = ["a", "b", "c"].map(|name| ContainerJob { name: name.into(), ..ContainerJob::default() });
        let mut runs = vec![];
        let ends = ends(&jobs, |jobs| {
            runs.push(jobs.iter().map(|job| job.name.clone()).collect::<Vec<_>>());
            let exit_code = |name: &str| match (name, runs.len()) {
                ("b", 1) => 2,
                ("c", _) => 137,
                ("a", _) => 1,
                _ => 0,
            };
            jobs.iter().map(|job| Ok(end(exit_code(&job.name), &[]))).collect()
        });
        assert_eq!(runs, [vec!["a", "b", "c"], vec!["b", "c"], vec!["c"]]);
        let codes: Vec<i32> = ends.iter().map(|end| end.as_ref().unwrap().exit_code).collect();
        assert_eq!(codes, [1, 0, 137]);
    }

    #[test]
    fn refusal_names_the_flag_and_not_the_usage_around_it() {
        assert_eq!(judged(0, &["etcd Version: 3.6.8"]), None);
        for (lines, reason) in [
            (
                &["Error: unknown flag: --foo", "Usage:", "  kube-apiserver [flags]"][..],
                "Error: unknown flag: --foo",
            ),
            (
                &[
                    "Usage:",
                    "  kube-apiserver [flags]",
                    "invalid argument \"30d\" for \"--audit-log-maxage\" flag: parsing",
                ],
                "invalid argument \"30d\" for \"--audit-log-maxage\" flag: parsing",
            ),
            (&["flag provided but not defined: -foo", "usage:"], "flag provided but not defined: -foo"),
            (&["what it says last"], "what it says last"),
        ] {
            let refusal = judged(1, lines).unwrap();
            assert_eq!(refusal.severity, Severity::Error);
            assert_eq!(refusal.evidence, [reason]);
        }
    }

    #[test]
    fn container_that_ends_without_words_proves_nothing() {
        for exit_code in [1, 2, 137, 143] {
            assert_eq!(judged(exit_code, &[]).unwrap().severity, Severity::Warning, "{exit_code}");
        }
        let ended = judged(137, &["error: what it said before it was ended"]).unwrap();
        assert_eq!(ended.severity, Severity::Warning);
    }

    #[test]
    fn command_line_is_the_pod_s_and_asks_for_the_version() {
        let settings = settings("");
        for (component, mut pod) in Subject::of(&settings).pods {
            let asked = job(component, &pod).unwrap();
            assert_eq!(asked.command.first().unwrap(), component.name());
            assert_eq!(asked.command.last().unwrap(), "--version");
            assert!(asked.command.len() > 5, "{asked:?}");
            let container = pod.spec.as_mut().unwrap().containers.first_mut().unwrap();
            container.command = Some(vec!["sh".into(), "-c".into(), "exec etcd".into()]);
            assert_eq!(job(component, &pod), None, "what a shell would do is not known");
        }
    }
}
