//! All rules about one program's command line.

use k8s_openapi::api::core::v1::Pod;

use super::command::Command;
use super::program::Program;
use super::rule::{self, Judge};
use super::rules;
use super::subject::Subject;
use super::verdict::Verdict;
use crate::config::v1beta4::Arg;

/// Judges flags of kubelet that are in no configuration: each verdict with the place of its flag among them.
pub(crate) fn judge_kubelet_flags(args: &[Arg], minor: u64) -> Vec<(Option<usize>, Verdict)> {
    let command = Command::of_args(Program::Kubelet, minor, args);
    let mut judge = Judge::new(&command);
    of_kubelet(&mut judge);
    let index = |verdict: &Verdict| verdict.path.split('.').find_map(|step| step.parse().ok());
    judge.verdicts.into_iter().map(|verdict| (index(&verdict), verdict)).collect()
}

fn of_kubelet(judge: &mut Judge<'_>) {
    rule::names_and_kinds(judge, judge.command.minor, true);
    rule::words(judge, rules::common::WORDS);
    rule::ranges(judge, rules::kubelet::RANGES);
    rules::common::feature_gates(judge);
    rules::common::logging(judge);
    rules::common::http2(judge);
    rules::common::client(judge);
    rules::kubelet::rules(judge);
}

/// The flags of a Pod's first container.
pub(super) fn command_line(pod: &Pod) -> Vec<String> {
    let container = pod.spec.as_ref().and_then(|spec| spec.containers.first());
    let words = container.map(|c| c.command.iter().flatten().skip(1).chain(c.args.iter().flatten()));
    words.into_iter().flatten().filter(|word| word.starts_with("--")).cloned().collect()
}

pub(super) fn flags(command: &Command, subject: &Subject<'_>) -> Vec<Verdict> {
    let mut judge = Judge::new(command);
    if command.program == Program::Kubelet {
        of_kubelet(&mut judge);
        return judge.verdicts;
    }
    let etcd = command.program == Program::Etcd;
    let etcd_minor = rules::etcd::minor(&subject.etcd_tag, subject.minor);
    // An etcd of the user's, by a tag that does not tell its version, may have other flags.
    let minor = if etcd { etcd_minor } else { Some(command.minor) };
    rule::names_and_kinds(&mut judge, minor.unwrap_or(6), minor.is_some());
    let of_etcd =
        if etcd_minor == Some(5) { rules::etcd::WORDS_OF_3_5 } else { rules::etcd::WORDS_SINCE_3_6 };
    for words in [rules::common::WORDS, rules::apiserver::WORDS, rules::etcd::WORDS, of_etcd] {
        rule::words(&mut judge, words);
    }
    for ranges in [
        rules::common::RANGES,
        rules::apiserver::RANGES,
        rules::controller_manager::RANGES,
        rules::etcd::RANGES,
    ] {
        rule::ranges(&mut judge, ranges);
    }
    if !etcd {
        rules::common::feature_gates(&mut judge);
        rules::common::leader_election(&mut judge);
        rules::common::request_headers(&mut judge);
        rules::common::logging(&mut judge);
        rules::common::hidden_metrics(&mut judge);
        rules::common::http2(&mut judge);
        rules::common::emulation(&mut judge);
        rules::common::client(&mut judge);
        rules::common::serving_pair(&mut judge);
    }
    rule::version_and_help(&mut judge, subject.patch);
    match command.program {
        Program::ApiServer => {
            rules::apiserver::rules(&mut judge, subject.made_up_address);
            rules::admission::plugins(&mut judge);
            rules::runtime_config::groups(&mut judge);
            rules::oidc::flags(&mut judge);
        }
        Program::ControllerManager => rules::controller_manager::rules(&mut judge),
        Program::Etcd => {
            let data_dir = subject.cluster.etcd.local.as_ref().map_or("", |local| &local.data_dir);
            let data_dir = if data_dir.is_empty() { "/var/lib/etcd" } else { data_dir };
            if subject.etcd_tag.starts_with("3.7.") {
                rules::etcd::experimental_is_gone(&mut judge);
            }
            let made_up = subject.made_up_address || subject.made_up_name;
            rules::etcd::rules(&mut judge, &subject.etcd_tag, data_dir, made_up);
        }
        Program::Kubelet | Program::Scheduler => {}
    }
    judge.verdicts
}
