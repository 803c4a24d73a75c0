//! Durations as Go writes them: `8760h0m0s`, `1m30s`, `100ms`.
//!
//! kubeadm's and the components' configurations hold `metav1.Duration`, which is read with Go's
//! `time.ParseDuration` and written with `time.Duration.String`. People compare and grep these
//! files, so both directions are Go's, down to the unit chosen.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

/// A signed length of time in nanoseconds: Go's `time.Duration`, Kubernetes' `metav1.Duration`.
///
/// Its range is about 292 years to either side of zero. In configurations it is a string; a bare
/// number is refused there, as `metav1.Duration` refuses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GoDuration(
    /// Nanoseconds.
    pub i64,
);

const NANOSECOND: u64 = 1;
const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// The magnitude of the most negative duration, one more than that of the most positive.
const LIMIT: u64 = 1 << 63;

impl GoDuration {
    /// No time at all, written `0s`.
    pub(crate) const ZERO: Self = Self(0);

    /// A number of whole seconds; the longest duration there is when that is out of range.
    #[must_use]
    pub(crate) const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(SECOND as i64))
    }

    /// The same length for the standard library; a negative one is zero there, since a timer set
    /// to it has already run out.
    #[must_use]
    pub(crate) const fn as_std(self) -> Duration {
        if self.0 > 0 { Duration::from_nanos(self.0.unsigned_abs()) } else { Duration::ZERO }
    }
}

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseDurationError {
    /// Not a sequence of decimal numbers with units.
    #[error("`{text}` is not a duration such as `1h30m`, `90s` or `100ms`")]
    Invalid {
        /// What was given.
        text: String,
    },
    /// A number has no unit after it.
    #[error("missing unit in duration `{text}`: write for example `{text}s`")]
    MissingUnit {
        /// What was given.
        text: String,
    },
    /// A number's unit is not one of Go's; there are no days, since their length differs.
    #[error("unknown unit `{unit}` in duration `{text}`: the units are h, m, s, ms, us (µs), ns")]
    UnknownUnit {
        /// The unit as written.
        unit: String,
        /// What was given.
        text: String,
    },
    /// More nanoseconds than 63 bits hold.
    #[error("duration `{text}` is out of range: the longest is about 292 years, `2562047h`")]
    OutOfRange {
        /// What was given.
        text: String,
    },
}

impl FromStr for GoDuration {
    type Err = ParseDurationError;

    /// Reads what Go's `time.ParseDuration` reads: an optional sign, then `0` alone or numbers
    /// with units, a fraction allowed in each (`1h30m`, `1.5h`, `-2s`, `.5s`).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || ParseDurationError::Invalid { text: text.to_owned() };
        let out_of_range = || ParseDurationError::OutOfRange { text: text.to_owned() };

        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        if rest.is_empty() {
            return Err(invalid());
        }

        let mut total: u64 = 0;
        while !rest.is_empty() {
            let whole;
            (whole, rest) = split_digits(rest);
            let mut fraction = "";
            if let Some(after_point) = rest.strip_prefix('.') {
                (fraction, rest) = split_digits(after_point);
            }
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }

            let name;
            (name, rest) = split_at_first(rest, |c| c == '.' || c.is_ascii_digit());
            let unit = match name {
                "" => return Err(ParseDurationError::MissingUnit { text: text.to_owned() }),
                "ns" => NANOSECOND,
                // Both the micro sign U+00B5 and the Greek mu U+03BC.
                "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
                "ms" => MILLISECOND,
                "s" => SECOND,
                "m" => MINUTE,
                "h" => HOUR,
                unit => {
                    let (unit, text) = (unit.to_owned(), text.to_owned());
                    return Err(ParseDurationError::UnknownUnit { unit, text });
                }
            };

            let number = if whole.is_empty() { Ok(0) } else { whole.parse::<u64>() };
            total = number
                .ok()
                .and_then(|number| number.checked_mul(unit))
                .and_then(|nanos| nanos.checked_add(fraction_of(fraction, unit)))
                .and_then(|nanos| nanos.checked_add(total))
                .filter(|&nanos| nanos <= LIMIT)
                .ok_or_else(out_of_range)?;
        }
        let signed = if negative { -i128::from(total) } else { i128::from(total) };
        i64::try_from(signed).map(Self).map_err(|_| out_of_range())
    }
}

/// The nanoseconds in `0.<digits>` of a unit, cut off. Digits that 63 bits have no room for are
/// dropped, and the product goes through floating point: both as Go does, for equal results.
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let mut value: u64 = 0;
    let mut scale = 1.0;
    for digit in digits.bytes().map(|byte| u64::from(byte - b'0')) {
        let Some(longer) = value.checked_mul(10).filter(|&tens| tens < LIMIT) else { break };
        let longer = longer + digit;
        if longer > LIMIT {
            break;
        }
        value = longer;
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

fn split_digits(text: &str) -> (&str, &str) {
    split_at_first(text, |c| !c.is_ascii_digit())
}

fn split_at_first(text: &str, stop: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(stop).unwrap_or(text.len()))
}

impl fmt::Display for GoDuration {
    /// Writes what Go's `Duration.String` writes: below a second in the largest fitting unit of
    /// `ms`, `µs` and `ns`, from there on in seconds, minutes and hours without leading zero parts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        let mut text = String::new();
        if self.0 < 0 {
            text.push('-');
        }
        match nanos {
            0 => text.push_str("0s"),
            _ if nanos < MICROSECOND => text.push_str(&format!("{nanos}ns")),
            _ if nanos < MILLISECOND => text.push_str(&(decimal(nanos, 3) + "µs")),
            _ if nanos < SECOND => text.push_str(&(decimal(nanos, 6) + "ms")),
            _ => {
                if nanos >= HOUR {
                    text.push_str(&format!("{}h", nanos / HOUR));
                }
                if nanos >= MINUTE {
                    text.push_str(&format!("{}m", nanos % HOUR / MINUTE));
                }
                text.push_str(&(decimal(nanos % MINUTE, 9) + "s"));
            }
        }
        f.pad(&text)
    }
}

/// `value / 10^places` as a decimal number without trailing zeros.
fn decimal(value: u64, places: usize) -> String {
    let digits = format!("{value:0width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = GoDuration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration with a unit, such as \"1m30s\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<GoDuration, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests;
