//! Rules held against evidence.

use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder};

use super::diagnosis::{Diagnosis, last_words, plain, shortened};
use super::evidence::{ComponentEvidence, Evidence};
use super::place::Place;
use super::rule::{Proof, Rule, Source};
use super::{probe, rules, state};
use crate::finding::{Finding, fill};
use crate::health::Stage;
use crate::manifest::Component;
use crate::preflight::Machine;

/// The causes that the evidence shows, the root first: those of the machine, the runtime and kubelet before those of
/// components, and these in the order in which they need each other. Without a machine to look at, the evidence is all
/// there is.
pub(crate) fn diagnose(evidence: &Evidence, place: &Place, machine: Option<&dyn Machine>) -> Vec<Diagnosis> {
    let mut found: Vec<Diagnosis> = vec![];
    let mut explained: Vec<String> = vec![];
    let mut texts = Texts::default();
    for (rule, words) in all_words() {
        let lines = texts.of(rule.source, evidence);
        if lines.is_empty() {
            continue;
        }
        let Some(words) = words.get_or_init(|| pattern(rule.words)) else { continue };
        // The newest first: of several lines that say the same, the last one counts.
        for text in lines.iter().rev() {
            let Some(captures) = words.captures(text.line.as_bytes()) else { continue };
            // What one rule has explained, a more general one need not explain again.
            if explained.contains(&text.line) {
                continue;
            }
            let group = |name: &str| {
                let known = words.capture_names().flatten().any(|n| n == name);
                let said = || captures.name(name).map(|m| String::from_utf8_lossy(m.as_bytes()).into_owned());
                known.then(|| said().unwrap_or_default())
            };
            let diagnosis = conclude(rule, text, &group, &Scene { evidence, place, machine });
            explained.push(text.line.clone());
            let said = |f: &Diagnosis| f.finding.check == rule.name && f.subject == text.subject;
            if !found.iter().any(said) {
                found.push(diagnosis);
            }
        }
    }
    found.extend(state::diagnose(evidence, place, machine, &found));
    if let Some(machine) = machine {
        // First: what the component says while it is killed is no cause.
        found.splice(0..0, probe::diagnose(evidence, place, machine));
        let init = machine.init_system();
        found = found.into_iter().map(|d| Diagnosis { finding: d.finding.in_words_of(init), ..d }).collect();
    }
    found.sort_by_key(|d| d.subject);
    let proven = found.iter().map(|d| d.proof).max();
    // What merely may be is noise beside what is.
    if proven > Some(Proof::Possible) {
        found.retain(|d| d.proof > Proof::Possible);
    }
    found
}

/// Why the Node is missing, though kubelet and the API server are healthy, as far as `evidence` from that time and the
/// machine tell.
pub(crate) fn diagnose_absent_node(
    evidence: &Evidence,
    place: &Place,
    machine: &dyn Machine,
) -> Vec<Diagnosis> {
    let told = state::absent_node(place, machine);
    told.map_or_else(|| diagnose(evidence, place, Some(machine)), |diagnosis| vec![diagnosis])
}

/// A line that rules are held against, and whom it is about.
struct Text {
    subject: Option<Component>,
    line: String,
}

/// A rule, and its words once they are compiled: none where they are no pattern.
type Worded = (&'static Rule, OnceLock<Option<Regex>>);

/// The words of each rule, compiled when there is first a line to hold them against: a run needs few of them, and the
/// many joins that may go on at once share a machine's memory with what they wait for.
fn all_words() -> &'static [Worded] {
    static WORDS: LazyLock<Vec<Worded>> =
        LazyLock::new(|| rules::all().map(|rule| (rule, OnceLock::new())).collect());
    &WORDS
}

/// `words` as a pattern on bytes, where a letter is an ASCII letter: those of Unicode take more memory than all else that
/// a run needs. That every rule's words are a pattern is tested.
pub(super) fn pattern(words: &str) -> Option<Regex> {
    RegexBuilder::new(words).unicode(false).build().ok()
}

/// The lines of each source, gathered when the first rule looks there.
#[derive(Default)]
struct Texts(Vec<(Source, Vec<Text>)>);

impl Texts {
    fn of(&mut self, source: Source, evidence: &Evidence) -> &[Text] {
        let at = self.0.iter().position(|(known, _)| *known == source).unwrap_or_else(|| {
            self.0.push((source, texts(source, evidence)));
            self.0.len() - 1
        });
        self.0.get(at).map_or(&[], |(_, texts)| texts)
    }
}

/// The lines in which `source` has rules look, oldest first.
fn texts(source: Source, evidence: &Evidence) -> Vec<Text> {
    let kubelet = &evidence.kubelet;
    let line = |subject, line: &str| Text { subject, line: plain(line) };
    let ailing = |of: &[Component]| -> Vec<(Component, &ComponentEvidence)> {
        let all = evidence.components.iter().filter(|(_, c)| c.stage != Stage::Healthy);
        all.filter(|(component, _)| of.contains(component)).map(|(c, e)| (*c, e)).collect()
    };
    match source {
        Source::Kubelet if kubelet.health.is_none() => vec![],
        Source::Server if !evidence.is_up(Component::ApiServer) => vec![],
        Source::Kubelet | Source::Node | Source::Server => {
            kubelet.log.iter().map(|l| line(None, l)).collect()
        }
        Source::Pod(stage) => {
            let about = kubelet.log.iter().filter_map(|l| Some((component_of(l)?, l)));
            let pending = about.filter(|(c, _)| evidence.components.get(c).is_some_and(|e| e.stage < stage));
            pending.map(|(c, l)| line(Some(c), l)).collect()
        }
        Source::Ended(of) => {
            let ended = ailing(of).into_iter().filter(|(_, e)| e.exit_code.is_some());
            ended.flat_map(|(c, e)| e.log.iter().map(move |l| line(Some(c), l))).collect()
        }
        Source::Exit => ailing(&Component::ALL)
            .into_iter()
            .filter_map(|(c, e)| Some(line(Some(c), &format!("exit code {}, {}", e.exit_code?, e.reason))))
            .collect(),
        Source::Running(of) => {
            let running = ailing(of).into_iter().filter(|(_, e)| e.stage == Stage::Running);
            running.flat_map(|(c, e)| e.log.iter().map(move |l| line(Some(c), l))).collect()
        }
        Source::Health(of) => ailing(of)
            .into_iter()
            .filter(|(_, e)| e.stage == Stage::Running)
            .map(|(c, e)| line(Some(c), &e.health))
            .collect(),
        Source::Runtime => evidence.runtime.iter().map(|l| line(None, l)).collect(),
    }
}

/// The component that a line of kubelet's log is about: it names the Pod, its container, or its manifest.
fn component_of(line: &str) -> Option<Component> {
    static NAMES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let names: Vec<&str> = Component::ALL.iter().map(|c| c.name()).collect();
        let names = names.join("|");
        pattern(&format!(r"(?:kube-system/|/manifests/|[pP]od \\*\x22)({names})[-._]"))
    });
    let name = NAMES.as_ref()?.captures(line.as_bytes())?.get(1)?.as_bytes();
    Component::ALL.into_iter().find(|c| c.name().as_bytes() == name)
}

/// All that a conclusion is drawn from, beside the line.
struct Scene<'a> {
    evidence: &'a Evidence,
    place: &'a Place,
    machine: Option<&'a dyn Machine>,
}

fn conclude(
    rule: &Rule,
    text: &Text,
    group: &dyn Fn(&str) -> Option<String>,
    scene: &Scene<'_>,
) -> Diagnosis {
    let say =
        |template: &str| fill(template, &|name| group(name).or_else(|| scene.place.name(name, text.subject)));
    let mut finding = Finding::error(say(rule.what));
    finding.check = rule.name.to_owned();
    finding = finding.evidence(shortened(&text.line));
    if let Some(machine) = scene.machine {
        finding = finding.evidences(rule.look.see(machine, scene.place, group("port").as_deref()));
    }
    if let Some(component) = text.subject.and_then(|c| scene.evidence.components.get(&c)) {
        finding = finding.evidences(last_words(component, &text.line));
    }
    if !rule.cause.is_empty() {
        finding = finding.cause(say(rule.cause));
    }
    let own_words = matches!(rule.source, Source::Ended(_) | Source::Running(_) | Source::Health(_));
    let follows = own_words && !rule.alone && text.subject.is_some_and(|c| !scene.evidence.needs_are_up(c));
    // It ended when what it needs may not have been there yet, and has been started again since.
    let is_past = matches!(rule.source, Source::Ended(_) | Source::Exit)
        && text.subject.is_some_and(|c| scene.evidence.is_tried_again(c));
    let starts = text.subject.and_then(|c| scene.evidence.components.get(&c)).map_or(0, |c| c.starts);
    let proof = match rule.proof {
        Proof::Persisting if follows || is_past => Proof::Possible,
        // It was started again and gave up again, with nobody else to blame.
        Proof::Persisting if rule.alone && starts > 1 => Proof::Proven,
        proof => proof,
    };
    Diagnosis { finding: finding.fix(say(rule.fix)), proof, subject: text.subject }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_about_the_component_they_name() {
        let of = |line: &str| component_of(line).map(Component::name);
        assert_eq!(of(r#"x err="y" pod="kube-system/kube-apiserver-n1" podUID"#), Some("kube-apiserver"));
        assert_eq!(of(r#"path="/etc/kubernetes/manifests/etcd.yaml""#), Some("etcd"));
        assert_eq!(of(r#"volume \"x\" pod \"kube-scheduler-n1\" (UID"#), Some("kube-scheduler"));
        assert_eq!(of(r#"pod="kube-system/coredns-7d764666f9-x""#), None);
        assert_eq!(of("etcd is gone"), None);
    }

    #[test]
    fn quotes_within_quotes_are_plain() {
        assert_eq!(plain(r#"err="failed to \"Start\" \\\"x\\\"""#), r#"err="failed to "Start" "x"""#);
    }
}
