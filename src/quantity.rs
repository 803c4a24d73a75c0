//! Resource quantities (`500m`, `1.5Gi`) in the form in which Kubernetes writes them.

mod decimal;

use thiserror::Error;

use decimal::Decimal;

/// A text that is not a resource quantity.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum QuantityError {
    /// There is no number in front of the suffix.
    #[error("`{text}` is not a quantity: a number is expected first, as in `500m` or `1.5Gi`")]
    NoNumber {
        /// The text as given.
        text: String,
    },
    /// What follows the number is no suffix.
    #[error(
        "`{text}` is not a quantity: `{suffix}` is not one of the suffixes n u m k M G T P E, Ki Mi Gi Ti Pi Ei, \
         nor an exponent such as e3"
    )]
    UnknownSuffix {
        /// The text as given.
        text: String,
        /// What follows the number.
        suffix: String,
    },
}

const DECIMAL_SUFFIXES: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

/// In order of their powers of 1024, beginning with the first.
const BINARY_SUFFIXES: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// Nothing smaller than a billionth is kept: smaller parts are rounded up to it.
const NANO: i64 = -9;

/// The cap on quantities with a binary suffix.
const MAX_BINARY: u128 = i64::MAX as u128;

/// What a quantity was written with, and so is written with again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Suffix {
    /// A power of ten by letter: `m`, `k`, `G`.
    Decimal(i32),
    /// A power of ten by number: `e3`.
    Exponent(i32),
    /// A power of 1024: `Ki`, `Gi`.
    Binary(u32),
}

/// How many units the suffixes stand for that amounts of memory and disk are written with.
pub(crate) fn factor(suffix: &str) -> Option<u64> {
    Some(match suffix {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => return None,
    })
}

impl Suffix {
    fn parse(text: &str) -> Option<Self> {
        if let Some((_, exponent)) = DECIMAL_SUFFIXES.iter().find(|(name, _)| *name == text) {
            return Some(Self::Decimal(*exponent));
        }
        if let Some(position) = BINARY_SUFFIXES.iter().position(|name| *name == text) {
            return u32::try_from(position + 1).ok().map(Self::Binary);
        }
        text.strip_prefix(['e', 'E'])?.parse().ok().map(Self::Exponent)
    }
}

/// A quantity as written, taken apart.
struct Parts<'a> {
    negative: bool,
    /// Digits before the point, without leading zeros; `0` if there is none.
    whole: &'a str,
    /// Digits after the point.
    fraction: &'a str,
    suffix: Suffix,
}

/// The canonical form of a quantity, as `k8s.io/apimachinery/pkg/api/resource` writes it.
///
/// No precision is lost, no fraction is written, and the suffix is the largest that allows that:
/// `0.5` is `500m`, `1024Mi` is `1Gi`, `1.5Gi` is `1536Mi`. Below 1024, and for fractions of a
/// byte, a binary suffix gives way to a decimal one. Kubernetes keeps some texts as they are,
/// without computing anything (`+1`, `1.500`, `1E3`): so does this.
///
/// Three absurdities of the original are not kept: a suffix alone is an error there only
/// sometimes, `1000E` is written as `1` (here `1e21`), and an exponent is cut to 32 bits.
///
/// # Errors
/// [`QuantityError`] if `text` is no quantity; whitespace around it is allowed.
pub(crate) fn canonical(text: &str) -> Result<String, QuantityError> {
    let text = text.trim();
    let parts = split(text)?;
    if kept_as_written(&parts) {
        return Ok(text.to_owned());
    }
    let exponent = match parts.suffix {
        Suffix::Decimal(exponent) | Suffix::Exponent(exponent) => exponent,
        Suffix::Binary(_) => 0,
    };
    let mut amount = Decimal::new(parts.whole, parts.fraction, exponent.into());
    let mut suffix = parts.suffix;
    if let Suffix::Binary(power) = suffix {
        amount = (0..power).fold(amount, |amount, _| amount.times(1024)).rounded_up(NANO);
        let whole = amount.integer_part();
        if whole >= MAX_BINARY {
            amount = Decimal::new(&MAX_BINARY.to_string(), "", 0);
        } else if whole < 1024 || amount.has_fraction() {
            suffix = Suffix::Decimal(0);
        }
    } else {
        amount = amount.rounded_up(NANO);
    }
    if amount.is_zero() {
        return Ok("0".to_owned());
    }
    let sign = if parts.negative { "-" } else { "" };
    Ok(sign.to_owned() + &written(&amount, suffix))
}

fn split(text: &str) -> Result<Parts<'_>, QuantityError> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, rest) = leading_digits(unsigned);
    let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), leading_digits);
    if whole.is_empty() && fraction.is_empty() {
        return Err(QuantityError::NoNumber { text: text.to_owned() });
    }
    let Some(suffix) = Suffix::parse(suffix) else {
        return Err(QuantityError::UnknownSuffix { text: text.to_owned(), suffix: suffix.to_owned() });
    };
    let significant = whole.trim_start_matches('0');
    Ok(Parts {
        negative: text.starts_with('-'),
        whole: if significant.is_empty() { "0" } else { significant },
        fraction,
        suffix,
    })
}

fn leading_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Whether Kubernetes takes the text for canonical without looking further. It does so for
/// numbers that fit its fast path (18 digits) when no larger suffix would do.
fn kept_as_written(parts: &Parts<'_>) -> bool {
    let digits = parts.whole.len() + parts.fraction.len();
    match parts.suffix {
        Suffix::Decimal(exponent) | Suffix::Exponent(exponent) => {
            let places = i64::try_from(parts.fraction.len()).unwrap_or(i64::MAX);
            let scale = i64::from(exponent).saturating_sub(places);
            let ends_in_zeros = [parts.whole, parts.fraction].concat().ends_with("000");
            digits <= 18 && scale >= NANO && scale % 3 == 0 && !ends_in_zeros && !parts.whole.starts_with('0')
        }
        Suffix::Binary(power) => {
            let fast = parts.fraction.is_empty() && digits + 3 * power as usize <= 14;
            fast && parts.whole.parse::<u64>().is_ok_and(|value| value % 8 != 0)
        }
    }
}

fn written(amount: &Decimal, suffix: Suffix) -> String {
    if let Suffix::Binary(_) = suffix {
        let (mut number, mut power) = (amount.integer_part(), 0);
        while number >= 1024 && number % 1024 == 0 {
            number /= 1024;
            power += 1;
        }
        let name = usize::checked_sub(power, 1).and_then(|index| BINARY_SUFFIXES.get(index));
        return format!("{number}{}", name.unwrap_or(&""));
    }
    let (digits, exponent) = amount.to_thousands();
    let letter = DECIMAL_SUFFIXES.iter().find(|(_, power)| i64::from(*power) == exponent);
    match (suffix, letter) {
        (_, Some(("", _))) => digits,
        (Suffix::Decimal(_), Some((letter, _))) => digits + letter,
        _ => format!("{digits}e{exponent}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Results of `k8s.io/apimachinery` itself (release 1.36), recorded by running it.
    #[test]
    fn the_canonical_form_is_that_of_kubernetes() {
        for (text, expected) in [
            // Decimal.
            ("0", "0"),
            ("-0", "0"),
            ("0m", "0"),
            ("0.000", "0"),
            ("1", "1"),
            ("1000m", "1"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("1.", "1."),
            ("1.5", "1500m"),
            ("1.0", "1"),
            ("-0.1", "-100m"),
            ("100000k", "100M"),
            ("1000", "1k"),
            ("1000000", "1M"),
            ("1024", "1024"),
            ("1500", "1500"),
            ("0.1n", "1n"),
            ("1.0000000001", "1000000001n"),
            ("1234.5678k", "1234567800m"),
            ("123456789012345678901", "123456789012345678901"),
            ("1E", "1E"),
            (" 250m ", "250m"),
            // Binary.
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("2048Ki", "2Mi"),
            ("1Ki", "1Ki"),
            ("512Mi", "512Mi"),
            ("0.5Ki", "512"),
            ("0.5Mi", "512Ki"),
            ("0.0001Ki", "102400u"),
            ("1.1Ki", "1126400m"),
            ("-1.5Gi", "-1536Mi"),
            ("16Ei", "9223372036854775807"),
            ("1024Pi", "1Ei"),
            // Exponents.
            ("1e3", "1e3"),
            ("12e6", "12e6"),
            ("1e4", "10e3"),
            ("1000e3", "1e6"),
            ("1.5e3", "1500"),
            ("1e-1", "100e-3"),
            ("1e-10", "1e-9"),
            ("1e25", "10e24"),
            // What Kubernetes doesn't touch.
            ("+1", "+1"),
            ("007", "007"),
            ("1.500", "1.500"),
            ("1E3", "1E3"),
            ("1e+3", "1e+3"),
            ("+5Mi", "+5Mi"),
            ("+8Mi", "8Mi"),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn numbers_beyond_the_suffixes_keep_their_value() {
        assert_eq!(canonical("1000E").as_deref(), Ok("1e21"));
    }

    #[test]
    fn what_is_no_quantity_is_refused_with_the_reason() {
        for text in ["", "m", "Mi", ".", "abc", "--1", "+"] {
            assert!(matches!(canonical(text), Err(QuantityError::NoNumber { .. })), "{text}");
        }
        for (text, suffix) in
            [("1X", "X"), ("1mi", "mi"), ("1 Gi", " Gi"), ("1.2.3", ".3"), ("1e", "e"), ("1GB", "GB")]
        {
            let expected = QuantityError::UnknownSuffix { text: text.to_owned(), suffix: suffix.to_owned() };
            assert_eq!(canonical(text), Err(expected));
        }
        assert!(canonical("1e99999999999").is_err());
    }

    proptest! {
        #[test]
        fn canonical_forms_stay_as_they_are(text in r"[+-]?[0-9]{0,22}(\.[0-9]{0,12})?([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,3})?") {
            if let Ok(once) = canonical(&text) {
                prop_assert_eq!(canonical(&once), Ok(once));
            }
        }
    }
}
