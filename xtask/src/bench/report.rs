//! The table, with the limits.

use super::measure::{Run, median};
use e2e::say;

/// The program's size that is allowed, in bytes.
const SIZE: f64 = 15e6;
const MEGABYTE: f64 = 1e6;

/// A median, with the least and the most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    median: f64,
    least: f64,
    most: f64,
}

impl Measured {
    /// Of what `value` takes from each run.
    pub(super) fn of(runs: &[Run], value: impl Fn(&Run) -> f64) -> Self {
        let values = || runs.iter().map(&value);
        Self {
            median: median(values()),
            least: values().fold(f64::INFINITY, f64::min),
            most: values().fold(f64::NEG_INFINITY, f64::max),
        }
    }

    fn text(self, scale: f64, unit: &str) -> String {
        let digits = if unit == "s" { 2 } else { 1 };
        let [median, least, most] = [self.median, self.least, self.most].map(|v| v / scale);
        format!("{median:.digits$} {unit} ({least:.digits$} to {most:.digits$})")
    }
}

/// The table so far: it is printed row by row.
#[derive(Debug, Default)]
pub(super) struct Report {
    over: Vec<String>,
    title: String,
}

impl Report {
    /// Starts a section in which kubestrap is held against kubeadm.
    pub(super) fn section(&mut self, title: &str) {
        self.section_of(title, ["kubeadm", "kubestrap"]);
    }

    /// Starts a section with two columns of figures.
    pub(super) fn section_of(&mut self, title: &str, [first, second]: [&str; 2]) {
        self.title = title.to_owned();
        say::line(format_args!("\n{title}"));
        say::line(format_args!("  {:<24}{first:>26}{second:>26}{:>8}{:>8}", "", "ratio", "limit"));
    }

    /// The programs' sizes, in bytes.
    pub(super) fn sizes(&mut self, theirs: u64, ours: u64) {
        self.section("program");
        #[expect(clippy::cast_precision_loss, reason = "no program has 2^53 bytes")]
        let [theirs, ours] = [theirs, ours].map(|size| size as f64);
        let shown = |size: f64| format!("{:.1} MB", size / MEGABYTE);
        let ratio = ours / theirs;
        self.judge("size", &shown(theirs), &shown(ours), ratio, &shown(SIZE), ours <= SIZE);
    }

    /// A row of times: ours must be at most `limit` times theirs.
    pub(super) fn seconds(&mut self, name: &str, theirs: Measured, ours: Measured, limit: f64) {
        self.row(name, theirs, ours, limit, 1.0, "s");
    }

    /// A row of memory.
    pub(super) fn memory(&mut self, name: &str, theirs: Measured, ours: Measured, limit: f64) {
        self.row(name, theirs, ours, limit, MEGABYTE, "MB");
    }

    /// A row of times without a limit.
    pub(super) fn unlimited(&self, name: &str, theirs: Measured, ours: Measured) {
        let ratio = ours.median / theirs.median;
        let (theirs, ours) = (theirs.text(1.0, "s"), ours.text(1.0, "s"));
        say::line(format_args!("  {name:<24}{theirs:>26}{ours:>26}{ratio:>8.2}{:>8}", "-"));
    }

    /// A row whose second figure may be at most `limit`, in seconds or bytes, whatever the first is.
    pub(super) fn at_most(&mut self, name: &str, first: Measured, second: Measured, limit: f64, unit: &str) {
        let scale = if unit == "s" { 1.0 } else { MEGABYTE };
        let ratio = second.median / first.median;
        let within = second.median <= limit;
        let limit = format!("{:.0} {unit}", limit / scale);
        self.judge(name, &first.text(scale, unit), &second.text(scale, unit), ratio, &limit, within);
    }

    /// A row that shows and judges nothing.
    pub(super) fn figure(&self, name: &str, value: &str) {
        say::line(format_args!("  {name:<24}{value:>52}"));
    }

    fn row(&mut self, name: &str, theirs: Measured, ours: Measured, limit: f64, scale: f64, unit: &str) {
        let ratio = ours.median / theirs.median;
        let (theirs, ours) = (theirs.text(scale, unit), ours.text(scale, unit));
        // Not a number is not within the limit.
        self.judge(name, &theirs, &ours, ratio, &format!("{limit:.2}"), ratio <= limit);
    }

    fn judge(&mut self, name: &str, theirs: &str, ours: &str, ratio: f64, limit: &str, within: bool) {
        let mark = if within { "" } else { "  OVER" };
        say::line(format_args!("  {name:<24}{theirs:>26}{ours:>26}{ratio:>8.2}{limit:>8}{mark}"));
        if !within {
            self.over.push(format!("{}: {name}", self.title));
        }
    }

    /// Whether all is within the limits; says what is not.
    pub(super) fn within_limits(&self) -> bool {
        if !self.over.is_empty() {
            say::line(format_args!("\nover the limit: {}", self.over.join("; ")));
        }
        self.over.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(seconds: f64) -> Measured {
        Measured::of(&[Run { seconds, ..Run::default() }], |r| r.seconds)
    }

    #[test]
    fn a_limit_that_is_passed_is_kept_in_mind() {
        let mut report = Report::default();
        report.section("a");
        report.seconds("wall time", measured(2.0), measured(1.0), 0.6);
        assert!(report.within_limits());
        report.seconds("wall time", measured(2.0), measured(1.5), 0.6);
        assert!(!report.within_limits());
        assert_eq!(report.over, ["a: wall time"]);
    }

    #[test]
    fn nothing_measured_is_not_within_the_limit() {
        let mut report = Report::default();
        report.seconds("wall time", Measured::of(&[], |r| r.seconds), measured(1.0), 0.6);
        assert!(!report.within_limits());
    }
}
