//! What init made of a fault.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;
use crate::command::Output;
use crate::json::at;

/// The longest that a verdict may take.
const LIMIT: Duration = Duration::from_secs(20);

/// The verdict of one init.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Verdict {
    /// init's exit code; none when it did not end by itself.
    pub(super) code: Option<i32>,
    /// The exit code is one of those that are right.
    pub(super) code_is_right: bool,
    /// From init's start to its end.
    pub(super) seconds: f64,
    /// A statement names the cause.
    pub(super) cause: bool,
    /// That statement gives the fix.
    pub(super) fix: bool,
    /// What init said, in small letters.
    pub(super) said: Vec<String>,
}

impl Verdict {
    /// Judges what init said and how it ended.
    pub(super) fn of(fault: &Fault, output: &Output) -> Self {
        // `timeout` kills with a code of its own.
        let code = output.code.filter(|c| *c != 137);
        let statements = statements(&output.stdout);
        let naming: Vec<&String> = statements.iter().filter(|s| holds(s, fault.cause)).collect();
        let (cause, fix) = (!naming.is_empty(), naming.iter().any(|s| holds(s, fault.fix)));
        Self {
            code,
            code_is_right: code.is_some_and(|c| fault.codes.contains(&c)),
            seconds: output.elapsed.as_secs_f64(),
            cause,
            fix,
            said: statements,
        }
    }

    /// It ended in time. An init that goes through takes what it takes.
    pub(super) fn in_time(&self) -> bool {
        self.code == Some(0) || self.seconds <= LIMIT.as_secs_f64()
    }

    /// All is as it should be.
    pub(super) fn passed(&self) -> bool {
        self.code_is_right && self.in_time() && self.cause && self.fix
    }
}

/// What init says to whoever reads its events: each finding of its result whole, the result's error, each warning.
fn statements(stdout: &str) -> Vec<String> {
    let events: Vec<Value> = stdout.lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let mut statements = vec![];
    for event in &events {
        match at(event, "/event").as_str() {
            Some("warning") => statements.push(text_of(at(event, "/message"))),
            Some("result") => {
                statements.push(text_of(at(event, "/error")));
                statements.extend(at(event, "/findings").as_array().into_iter().flatten().map(text_of));
            }
            // Findings in passing: those that are no errors.
            Some("log") => {
                let message = text_of(at(event, "/message"));
                if message.starts_with("[warning") || message.starts_with("[error") {
                    statements.push(message);
                }
            }
            _ => {}
        }
    }
    statements
}

/// All texts in `value`, in small letters.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_lowercase(),
        Value::Array(items) => items.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        Value::Object(fields) => fields.values().map(text_of).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

/// Whether `text` (in small letters) holds all `words`, of those with `|` between them at least one.
fn holds(text: &str, words: &[&str]) -> bool {
    words.iter().all(|word| word.split('|').any(|w| text.contains(&w.to_lowercase())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::fault::fault;

    fn output(stdout: &str, code: i32, seconds: u64) -> Output {
        Output {
            line: String::new(),
            code: Some(code),
            stdout: stdout.to_owned(),
            stderr: String::new(),
            elapsed: Duration::from_secs(seconds),
        }
    }

    const PORT: Fault = fault("p", "", |_| Ok(()), &["port 6443", "in use|held"], &["kill 7|systemctl stop"]);

    #[test]
    fn cause_and_fix_are_those_of_one_finding() {
        let result = |first: &str, second: &str| {
            format!(
                "{{\"event\":\"log\",\"message\":\"port 6443 is in use, kill 7\"}}\nno event\n\
                 {{\"event\":\"result\",\"ok\":false,\"error\":\"refused\",\"findings\":[{first},{second}]}}\n"
            )
        };
        let named = r#"{"what":"Port 6443 is in use","evidence":["x"],"fix":"`kill 7`"}"#;
        let bare = r#"{"what":"port 6443 is held by x"}"#;
        let other = r#"{"what":"swap","fix":"`kill 7`"}"#;
        let good = Verdict::of(&PORT, &output(&result(other, named), 3, 2));
        assert!(good.passed(), "{good:?}");
        let without = Verdict::of(&PORT, &output(&result(bare, other), 3, 2));
        assert!(without.cause && !without.fix && !without.passed());
        let unnamed = Verdict::of(&PORT, &output(&result(other, other), 3, 2));
        assert!(!unnamed.cause && !unnamed.fix);
    }

    #[test]
    fn lateness_and_other_codes_fail() {
        let said = r#"{"event":"warning","message":"port 6443 is held: kill 7"}"#;
        assert!(Verdict::of(&PORT, &output(said, 4, 19)).passed());
        assert!(!Verdict::of(&PORT, &output(said, 4, 21)).passed());
        assert!(!Verdict::of(&PORT, &output(said, 1, 1)).passed());
        const WARNED: Fault = PORT.ends(&[0]);
        assert!(Verdict::of(&WARNED, &output(said, 0, 25)).passed());
        assert_eq!(Verdict::of(&PORT, &output(said, 137, 60)).code, None);
    }
}
