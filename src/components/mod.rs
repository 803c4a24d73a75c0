//! What the components say about their configuration, before they run: names, kinds and values of flags,
//! KubeletConfiguration, KubeProxyConfiguration, feature gates, and the static Pods as a whole.
//!
//! Pure: settings in, [`Verdict`]s out. `config validate` reports them with file, line and column; preflight reports the
//! same under names that can be ignored. Rules are rows, or short functions beside the name of the source they follow; an
//! error is only what the real component refuses.

mod command;
mod command_line;
mod contradictions;
mod files;
mod gates;
mod gone;
mod kind;
mod known;
mod kube_proxy;
mod kubelet;
mod pod;
mod ports;
mod program;
mod rule;
mod rules;
mod static_pod;
mod subject;
mod verdict;

use crate::config::kubelet::KubeletConfiguration;
use crate::config::v1beta4::Arg;
use crate::manifest::Component;
use command::Command;
pub(crate) use command_line::judge_kubelet_flags;
use command_line::{command_line, flags};
pub(crate) use files::{ApiServerFiles, Row as FileRow};
use program::Program;
use static_pod::static_pod;
pub(crate) use subject::{Registration, Subject};
pub(crate) use verdict::Verdict;

/// What a taint can do.
const TAINT_EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// The minors whose components are known.
const KNOWN: std::ops::RangeInclusive<u64> = 33..=37;

/// Those whose flags are recorded from the components themselves.
const RECORDED: std::ops::RangeInclusive<u64> = 33..=36;

/// Judges all of it; nothing of a minor that is not known.
pub(crate) fn judge(subject: &Subject<'_>) -> Vec<Verdict> {
    let mut verdicts = vec![];
    if !KNOWN.contains(&subject.minor) {
        return verdicts;
    }
    let mut commands = vec![];
    for component in Component::ALL {
        let extra = subject.args(component);
        let program = Program::of(component);
        let pod = subject.pods.iter().find(|(c, _)| *c == component).map(|(_, pod)| pod);
        let command = match pod {
            Some(pod) => Command::new(program, subject.minor, &command_line(pod), extra),
            None => Command::of_args(program, subject.minor, extra),
        };
        verdicts.extend(flags(&command, subject));
        if let Some(pod) = pod {
            verdicts.extend(static_pod(component, pod, subject));
            commands.push(command);
        }
    }
    let args = subject.registrations.iter().find(|registration| registration.is_of_this_node());
    let args = args.map_or(&[][..], |registration| registration.kubelet_args);
    let command = Command::of_args(Program::Kubelet, subject.kubelet_minor, args);
    let kubelet = kubelet::Kubelet::new(&command, subject.kubelet);
    verdicts.extend(ports::judge(subject, &commands, &kubelet));
    verdicts.extend(commands.iter().filter_map(|command| ports::probed(command, subject)));
    verdicts.extend(contradictions::judge(subject, &commands, &kubelet));
    for registration in &subject.registrations {
        let command = Command::of_args(Program::Kubelet, subject.kubelet_minor, registration.kubelet_args);
        let of_kind = |verdict: Verdict| Verdict { kind: registration.kind, ..verdict };
        // A JoinConfiguration alone does not tell the cluster's KubeletConfiguration.
        let known = registration.is_of_this_node();
        let configuration = subject.kubelet.filter(|_| known);
        let of_fields = kubelet::judge_flags(&command, configuration, known);
        verdicts.extend(flags(&command, subject).into_iter().chain(of_fields).map(of_kind));
        verdicts.extend(taints(registration));
    }
    if let Some(configuration) = subject.kubelet {
        verdicts.extend(kubelet::judge(configuration, subject.kubelet_minor));
    }
    if let Some(configuration) = subject.kube_proxy {
        verdicts.extend(kube_proxy::judge(configuration, subject.minor));
    }
    verdicts
}

/// kubelet's configuration with these flags, which win over it.
pub(crate) fn with_kubelet_flags(
    configuration: Option<&KubeletConfiguration>,
    args: &[Arg],
) -> KubeletConfiguration {
    let command = Command::of_args(Program::Kubelet, *KNOWN.end(), args);
    kubelet::Kubelet::new(&command, configuration).fields
}

/// A Node's taints, by the API server's rules.
fn taints(registration: &Registration<'_>) -> Vec<Verdict> {
    let mut verdicts = vec![];
    for (i, taint) in registration.taints.iter().enumerate() {
        let path = format!("nodeRegistration.taints.{i}");
        let mut refuse = |field: &str, why: String| {
            let message = format!("{path}.{field}: {why}");
            let verdict = Verdict::error("taint", registration.kind, format!("{path}.{field}"), message);
            verdicts.push(verdict.under("Taints").because("the API server refuses such a Node"));
        };
        if !rules::kubelet::qualified(&taint.key) {
            refuse("key", format!("{:?} is not a valid key of a taint", taint.key));
        }
        if let Some(value) = taint.value.as_deref().filter(|v| !v.is_empty() && !rules::kubelet::name(v)) {
            refuse("value", format!("{value:?} is not a valid value of a taint"));
        }
        if !TAINT_EFFECTS.contains(&taint.effect.as_str()) {
            refuse("effect", format!("{:?} must be NoSchedule, PreferNoSchedule or NoExecute", taint.effect));
        }
    }
    verdicts
}

#[cfg(test)]
mod tests;
