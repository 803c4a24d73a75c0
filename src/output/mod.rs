//! The only place that prints: log lines and warnings to stderr, results to stdout, or events for machines.

mod answer;
pub(crate) mod closing;
pub(crate) mod escape;
mod event;
mod join_command;
mod object;
mod progress;
pub(crate) mod table;
pub(crate) mod template;
mod wrap;

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::MultiProgress;
use serde::Serialize;
use serde_json::{Value, json};

use crate::finding::{Finding, Severity};
use crate::program;

pub(crate) use answer::Answer;
pub(crate) use event::Event;
pub(crate) use join_command::JoinCommand;
pub(crate) use object::{API_VERSION, ObjectFormat};
pub(crate) use progress::LiveView;

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, on stdout.
    Json,
}

/// Prints what a run says. Clones print to the same place.
#[derive(Clone)]
pub(crate) struct Printer {
    format: Format,
    quiet: bool,
    logs_to_stdout: bool,
    warnings: Arc<Mutex<Vec<String>>>,
    progress: MultiProgress,
    #[cfg(test)]
    kept: Option<Arc<Mutex<String>>>,
}

impl Printer {
    /// A printer in `format`.
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            quiet: false,
            logs_to_stdout: false,
            warnings: Arc::default(),
            progress: MultiProgress::new(),
            #[cfg(test)]
            kept: None,
        }
    }

    /// A printer that keeps what it prints instead.
    #[cfg(test)]
    fn keeping(format: Format, kept: &Arc<Mutex<String>>) -> Self {
        Self { kept: Some(Arc::clone(kept)), ..Self::new(format) }
    }

    /// The same, of warnings and results alone.
    #[must_use]
    pub(crate) fn quiet(&self) -> Self {
        Self { quiet: true, ..self.clone() }
    }

    /// The same, with log lines on stdout, where callers of kubeadm read those of its workflows. Warnings and findings
    /// stay on stderr.
    #[must_use]
    pub(crate) fn logs_to_stdout(self) -> Self {
        Self { logs_to_stdout: true, ..self }
    }

    /// The same, for a command that prints an object in this format: what a program reads stands alone on stdout.
    #[must_use]
    pub(crate) fn beside(&self, format: &ObjectFormat) -> Self {
        Self { logs_to_stdout: self.logs_to_stdout && *format == ObjectFormat::Text, ..self.clone() }
    }

    /// How it prints.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Where live views are drawn; log lines go above them.
    pub(crate) fn progress(&self) -> &MultiProgress {
        &self.progress
    }

    /// A log line, `[area] text`.
    pub(crate) fn log(&self, area: &str, text: impl AsRef<str>) {
        let text = program::in_own_words(text.as_ref());
        if self.quiet {
            return;
        }
        match self.format {
            Format::Text if self.logs_to_stdout => {
                self.progress
                    .suspend(|| self.stdout(&format!("{}\n", escape::message(&format!("[{area}] {text}")))));
            }
            Format::Text => self.stderr(&format!("[{area}] {text}")),
            Format::Json => self.event(&Event::new("log", json!({ "area": area, "message": text }))),
        }
    }

    /// Something odd, on stderr; counted and said again at the end.
    pub(crate) fn warn(&self, area: &str, text: impl AsRef<str>) {
        let text = program::in_own_words(text.as_ref());
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(text.clone().into_owned());
        match self.format {
            Format::Text => self.stderr(&format!("[{area}] WARNING: {text}")),
            Format::Json => self.event(&Event::new("warning", json!({ "area": area, "message": text }))),
        }
    }

    /// Tells at the end how many warnings there were.
    pub(crate) fn count_warnings(&self, area: &str) {
        match self.warnings.lock().unwrap_or_else(PoisonError::into_inner).len() {
            0 => {}
            1 => self.remark(area, "1 warning above"),
            count => self.remark(area, format!("{count} warnings above")),
        }
    }

    /// A log line that kubeadm does not have: on stderr, as some of its callers count the lines on stdout.
    pub(crate) fn remark(&self, area: &str, text: impl AsRef<str>) {
        Self { logs_to_stdout: false, ..self.clone() }.log(area, text);
    }

    /// A line in kubeadm's words that its callers may look for: on stdout, and only where we stand in for kubeadm. It may
    /// show a secret that the closing message shows too.
    pub(crate) fn kubeadms_line(&self, area: &str, text: &str) {
        if self.format == Format::Text && self.logs_to_stdout {
            self.progress.suspend(|| self.data(&format!("[{area}] {text}\n")));
        }
    }

    /// What was found: errors and warnings as log lines in kubeadm's form, with what that lacks: evidence, cause, fix.
    pub(crate) fn findings(&self, area: &str, findings: &[Finding]) {
        for finding in findings.iter().filter(|finding| finding.severity > Severity::Info) {
            self.remark(area, finding_text(finding));
        }
    }

    /// What became of a phase. Text shows phases by their log lines.
    pub(crate) fn phase(&self, id: &str, status: &str, took: Option<Duration>) {
        if self.format == Format::Json && !self.quiet {
            let mut data = json!({ "phase": id, "status": status });
            if let (Some(fields), Some(took)) = (data.as_object_mut(), took) {
                fields.insert("seconds".into(), json!((took.as_secs_f64() * 1000.0).round() / 1000.0));
            }
            self.event(&Event::new("phase", data));
        }
    }

    /// The result of a run: for machines the last event, for people `text` on stdout.
    pub(crate) fn result(&self, data: Value, text: &str) {
        match self.format {
            Format::Text => self.data(text),
            Format::Json => self.event(&Event::new("result", data)),
        }
    }

    /// A failure: for machines the last event; for people lines on stderr.
    pub(crate) fn failure(&self, data: Value, text: &str) {
        match self.format {
            Format::Text => self.stderr(text),
            Format::Json => self.event(&Event::new("result", data)),
        }
    }

    /// Text on stdout, with control characters escaped.
    pub(crate) fn data(&self, text: &str) {
        self.stdout(&escape::lines(text));
    }

    /// A document of a dry run: text prints it as YAML; machines get it as an event.
    pub(crate) fn document(&self, name: &str, text: &str) {
        match self.format {
            Format::Text => self.data(&format!("---\n# {name}\n{text}")),
            Format::Json => self.event(&Event::new("document", json!({ "name": name, "content": text }))),
        }
    }

    fn event(&self, event: &impl Serialize) {
        if let Ok(line) = serde_json::to_string(event) {
            self.stdout(&format!("{}\n", escape::json(&line)));
        }
    }

    fn stderr(&self, text: &str) {
        let text = program::in_own_words(&escape::message(text)).into_owned();
        let text = match wrap::terminal_width() {
            Some(width) => wrap::wrapped(&text, width),
            None => text,
        };
        #[cfg(test)]
        if self.keep(&format!("{text}\n")) {
            return;
        }
        self.progress.suspend(|| {
            // In one go: nobody else's words come in between.
            let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
        });
    }

    fn stdout(&self, text: &str) {
        #[cfg(test)]
        if self.keep(text) {
            return;
        }
        // A reader that went away (`| head`) is no failure of ours.
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }

    #[cfg(test)]
    fn keep(&self, text: &str) -> bool {
        let Some(kept) = &self.kept else { return false };
        kept.lock().unwrap().push_str(text);
        true
    }
}

/// A finding as lines of text: all but the first are indented.
pub(crate) fn finding_text(finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
        Severity::Info => "INFO",
    };
    let field = |text: &str| escape::field(text, "    ");
    let mut text = format!("[{level} {}]: {}", finding.check, field(&finding.what));
    for line in &finding.evidence {
        text.push_str(&format!("\n    | {}", escape::field(line, "    | ")));
    }
    for (label, line) in [("cause", &finding.cause), ("fix", &finding.fix)] {
        if let Some(line) = line {
            text.push_str(&format!("\n    {label}: {}", field(line)));
        }
    }
    text
}
