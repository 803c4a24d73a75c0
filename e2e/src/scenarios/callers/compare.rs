//! What two runs said, compared as the caller reads it.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_yaml::Value;

use super::lines::{Line, Reads};

/// How a run ended, and what it said; the machine's own name and address are replaced already.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// What differs from run to run: pattern, and what stands for it.
static PASSING: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let rows = [
        (r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b", "TOKEN"),
        (r"\b[0-9a-f]{64}\b", "HEX"),
        (r"[A-Za-z0-9+/]{80,}={0,2}", "DATA"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
        (r"[A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d UTC", "DATE"),
        // How long something lasts yet, in table and seconds.
        (r"\b(23h|364d|9y)\b *", "REST "),
        (r#""residualTime": ?[0-9.e+]+"#, "\"residualTime\": 0"),
        (r"residualTime: [0-9.e+]+", "residualTime: 0"),
    ];
    rows.into_iter().filter_map(|(pattern, instead)| Some((Regex::new(pattern).ok()?, instead))).collect()
});

/// Text without what differs from run to run.
fn lasting(text: &str) -> String {
    PASSING
        .iter()
        .fold(text.to_owned(), |text, (pattern, instead)| pattern.replace_all(&text, *instead).into_owned())
}

/// How the two differ, a line each.
pub(super) fn said(line: &Line, theirs: &Said, ours: &Said) -> Vec<String> {
    let mut differences = vec![];
    if theirs.code != ours.code {
        let code = |said: &Said| said.code.map_or("a signal".to_owned(), |code| code.to_string());
        let last = |said: &Said| said.stderr.trim_end().lines().last().unwrap_or_default().to_owned();
        differences.push(format!(
            "exit code: kubeadm {} ({}), kubestrap {} ({})",
            code(theirs),
            last(theirs),
            code(ours),
            last(ours)
        ));
    }
    if theirs.code != Some(line.code) {
        differences.push(format!("table: kubeadm ends with {:?}, not {}", theirs.code, line.code));
    }
    let (their_text, our_text) = (read(line.reads, theirs), read(line.reads, ours));
    let same = match line.reads {
        Reads::Json => objects(&their_text) == objects(&our_text),
        Reads::Yaml => same_yaml(&their_text, &our_text),
        _ => their_text == our_text,
    };
    if !same {
        differences.push(format!("output: {}", first_difference(&their_text, &our_text)));
    }
    if let Reads::Says(words) = line.reads
        && !their_text.is_empty()
        && their_text == "no"
    {
        differences.push(format!("table: kubeadm does not say {words:?}"));
    }
    let (their_phases, our_phases) = (phases(&theirs.stdout), phases(&ours.stdout));
    let misplaced = phases(&ours.stderr);
    let misplaced: Vec<&String> =
        their_phases.iter().filter(|p| misplaced.contains(p) && !our_phases.contains(p)).collect();
    if !misplaced.is_empty() {
        differences.push(format!("streams: kubeadm logs {misplaced:?} on stdout, kubestrap on stderr"));
    }
    if theirs.stdout.is_empty() && !our_phases.is_empty() {
        differences.push(format!("streams: kubeadm prints nothing, kubestrap logs {our_phases:?} on stdout"));
    }
    differences
}

/// What the caller reads.
fn read(reads: Reads, said: &Said) -> String {
    let both = || format!("{}\n{}", said.stdout, said.stderr);
    let text = match reads {
        Reads::Code => String::new(),
        Reads::Text => results(&said.stdout),
        Reads::Json | Reads::Yaml => said.stdout.clone(),
        Reads::Last => said.stdout.trim_end().lines().last().unwrap_or_default().to_owned(),
        Reads::Lines(part) => said.stdout.lines().filter(|l| l.contains(part)).collect::<Vec<_>>().join("\n"),
        Reads::After(part) => {
            both().lines().skip_while(|l| !l.contains(part)).nth(1).unwrap_or_default().to_owned()
        }
        Reads::Says(part) => if both().contains(part) { "yes" } else { "no" }.to_owned(),
    };
    lasting(&text)
}

/// Standard output without log lines. Columns are as wide as what is in them, and of a list of tokens the order is that
/// of their random names.
fn results(stdout: &str) -> String {
    let is_result = |line: &&str| !line.starts_with('[');
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut lines: Vec<String> = stdout.lines().filter(is_result).map(words).map(|l| lasting(&l)).collect();
    if lines.first().is_some_and(|line| line.starts_with("TOKEN ")) {
        lines.sort();
    }
    lines.join("\n").trim().to_owned()
}

/// A stream of JSON objects, in an order that does not depend on random names; nothing where it is none.
fn objects(text: &str) -> Option<Vec<String>> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<serde_json::Value>();
    let mut values: Vec<String> =
        values.map(|value| value.map(|v| v.to_string())).collect::<Result<_, _>>().ok()?;
    values.sort();
    Some(values)
}

/// The phases whose log lines are on this stream, each once.
fn phases(stream: &str) -> Vec<String> {
    let names = stream.lines().filter_map(|line| line.strip_prefix('[')?.split_once(']'));
    let mut names: Vec<String> = names.map(|(name, _)| name.to_owned()).collect();
    names.sort();
    names.dedup();
    names
}

/// Whether both are the same documents, in whatever order; what is no YAML is compared as text.
pub(super) fn same_yaml(one: &str, other: &str) -> bool {
    let (one, other) = (lasting(one), lasting(other));
    match (documents(&one), documents(&other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

fn documents(text: &str) -> Option<Vec<Value>> {
    let documents = serde_yaml::Deserializer::from_str(text).map(Value::deserialize);
    let documents = documents.collect::<Result<Vec<_>, _>>().ok()?;
    let mut documents: Vec<Value> =
        documents.into_iter().filter(|document| !document.is_null()).map(strings_joined).collect();
    documents.sort_by_key(|document| serde_json::to_string(document).unwrap_or_default());
    Some(documents)
}

/// etcd's members, in the order of their random ids.
const MEMBERS: &str = "--initial-cluster=";

/// A document in which text that is itself YAML is compared as such: kubeconfigs and configurations in ConfigMaps.
fn strings_joined(value: Value) -> Value {
    match value {
        Value::Mapping(map) => {
            Value::Mapping(map.into_iter().map(|(key, value)| (key, strings_joined(value))).collect())
        }
        Value::Sequence(list) => Value::Sequence(list.into_iter().map(strings_joined).collect()),
        Value::String(text) if text.starts_with(MEMBERS) => {
            let mut members: Vec<&str> = text.trim_start_matches(MEMBERS).split(',').collect();
            members.sort_unstable();
            Value::String(members.join(","))
        }
        Value::String(text) if text.contains(": ") && text.contains('\n') => {
            serde_yaml::from_str::<Value>(&text).map_or(Value::String(text), strings_joined)
        }
        other => other,
    }
}

/// The first lines that differ.
pub(super) fn first_difference(theirs: &str, ours: &str) -> String {
    let (theirs, ours) = (lasting(theirs), lasting(ours));
    let (mut their_lines, mut our_lines) = (theirs.lines(), ours.lines());
    loop {
        match (their_lines.next(), our_lines.next()) {
            (None, None) => return "the same lines".to_owned(),
            (their, our) if their != our => {
                return format!(
                    "kubeadm {:?}, kubestrap {:?}",
                    their.unwrap_or("(end)"),
                    our.unwrap_or("(end)")
                );
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said_by(stdout: &str) -> Said {
        Said { code: Some(0), stdout: stdout.to_owned(), stderr: String::new() }
    }

    fn line(reads: Reads) -> Line {
        Line { tool: "t", source: "s", line: "l", reads, code: 0 }
    }

    #[test]
    fn secrets_and_times_do_not_count_and_words_do() {
        let text = |token: &str, words: &str| said_by(&format!("{token} {words}\n"));
        let one = text("abcdef.0123456789abcdef", "2026-01-01T00:00:00Z");
        let other = text("ghijkl.0123456789abcdef", "2027-01-01T00:00:00Z");
        assert_eq!(said(&line(Reads::Text), &one, &other), Vec::<String>::new());
        assert_eq!(said(&line(Reads::Text), &one, &text("abcdef.0123456789abcdef", "x")).len(), 1);
        assert_eq!(said(&line(Reads::Code), &one, &said_by("")), Vec::<String>::new());
    }

    #[test]
    fn a_caller_sees_what_it_reads() {
        let said = said_by("[upload-certs] Using certificate key:\nkey\nx: 1\n");
        assert_eq!(read(Reads::After("certificate key:"), &said), "key");
        assert_eq!(read(Reads::Last, &said), "x: 1");
        assert_eq!(read(Reads::Lines("x"), &said), "x: 1");
        assert_eq!(read(Reads::Says("nothing"), &said), "no");
        assert_eq!(phases(&said.stdout), ["upload-certs"]);
    }

    #[test]
    fn documents_are_compared_whatever_their_form() {
        assert!(same_yaml("a: x\nb: [1, 2]\n", "b:\n- 1\n- 2\na: \"x\"\n"));
        assert!(same_yaml("---\na: 1\n---\nb: 2\n", "b: 2\n---\na: 1\n"));
        assert!(!same_yaml("a: 1\n", "a: \"1\"\n"));
        assert!(same_yaml("- --initial-cluster=a=1,b=2\n", "- --initial-cluster=b=2,a=1\n"));
        assert!(same_yaml("d: |\n  a: 1\n  b: x\n", "d: |\n  b: \"x\"\n  a: 1\n"));
        assert!(same_yaml("{not yaml", "{not yaml") && !same_yaml("{not yaml", "{not yam"));
    }
}
