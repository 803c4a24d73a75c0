//! A live view of things that come up: spinners on a terminal, a line a change elsewhere.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Format, Printer};

/// A view of named things, each with a state in words.
pub(crate) struct LiveView {
    out: Printer,
    area: String,
    start: Instant,
    bars: BTreeMap<String, ProgressBar>,
    said: BTreeMap<String, (String, Duration)>,
    terminal: bool,
}

impl LiveView {
    /// An empty view; its lines bear `area`.
    pub(crate) fn new(out: &Printer, area: &str) -> Self {
        let terminal = out.format() == Format::Text && std::io::stderr().is_terminal();
        Self {
            out: out.clone(),
            area: area.to_owned(),
            start: Instant::now(),
            bars: BTreeMap::new(),
            said: BTreeMap::new(),
            terminal,
        }
    }

    /// Says how `name` stands; nothing is printed where that is no change.
    pub(crate) fn show(&mut self, name: &str, state: &str, done: bool) {
        let state = &*super::escape::one_line(state);
        if self.said.get(name).is_some_and(|(said, _)| said == state) {
            return;
        }
        let took = self.start.elapsed();
        self.said.insert(name.to_owned(), (state.to_owned(), took));
        if !self.terminal {
            self.out.log(&self.area, format!("{name}: {state} ({:.1}s)", took.as_secs_f64()));
            return;
        }
        let bar = self.bars.entry(name.to_owned()).or_insert_with(|| {
            let bar = self.out.progress().add(ProgressBar::new_spinner());
            bar.set_style(
                ProgressStyle::with_template("  {spinner} {prefix:<24} {wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.set_prefix(name.to_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        if done {
            bar.set_style(
                ProgressStyle::with_template("  ✓ {prefix:<24} {wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.finish_with_message(format!("{state} after {:.1}s", took.as_secs_f64()));
        } else {
            bar.set_message(state.to_owned());
        }
    }

    /// Takes the view off the screen and leaves what it last said as lines.
    pub(crate) fn close(self) {
        if !self.terminal {
            return;
        }
        for bar in self.bars.values() {
            bar.finish_and_clear();
        }
        for (name, (state, took)) in &self.said {
            self.out.log(&self.area, format!("{name}: {state} ({:.1}s)", took.as_secs_f64()));
        }
    }
}
