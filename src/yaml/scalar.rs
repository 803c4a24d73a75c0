//! What a plain scalar means in YAML 1.1 (<https://yaml.org/type/>), as Kubernetes' reader takes it.

use super::node::NodeKind;

/// Resolves a plain (unquoted) scalar.
pub(super) fn resolve_plain(text: &str) -> NodeKind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return NodeKind::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            return NodeKind::Bool(true, text.to_owned());
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            return NodeKind::Bool(false, text.to_owned());
        }
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return NodeKind::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return NodeKind::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return NodeKind::Float(f64::NAN),
        _ => {}
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return NodeKind::String(text.to_owned());
    }
    integer(text).or_else(|| float(text)).unwrap_or_else(|| NodeKind::String(text.to_owned()))
}

fn integer(text: &str) -> Option<NodeKind> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        // YAML 1.1's octals: 0400 is 256.
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        0i64.checked_sub_unsigned(magnitude).map(NodeKind::Int)
    } else {
        Some(i64::try_from(magnitude).map_or(NodeKind::Uint(magnitude), NodeKind::Int))
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, underscores left out.
fn float(text: &str) -> Option<NodeKind> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((m, e)) => (m, Some(e.strip_prefix(['+', '-']).unwrap_or(e))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let shape = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|e| !e.is_empty() && digits(e));
    // What no number holds stays a string.
    let number = if shape { plain.parse::<f64>().ok() } else { None };
    number.filter(|x| x.is_finite()).map(NodeKind::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_yaml_1_1_says() {
        let bool_of = |s: &str, b| assert_eq!(resolve_plain(s), NodeKind::Bool(b, s.into()));
        bool_of("on", true);
        bool_of("N", false);
        for (text, want) in [
            ("0400", NodeKind::Int(256)),
            ("0o17", NodeKind::Int(15)),
            ("0x1F", NodeKind::Int(31)),
            ("-0b11", NodeKind::Int(-3)),
            ("1_000", NodeKind::Int(1000)),
            ("9223372036854775808", NodeKind::Uint(9_223_372_036_854_775_808)),
            ("-9223372036854775808", NodeKind::Int(i64::MIN)),
            ("1e3", NodeKind::Float(1000.0)),
            (".5", NodeKind::Float(0.5)),
            ("1.", NodeKind::Float(1.0)),
            ("~", NodeKind::Null),
            ("1e400", NodeKind::String("1e400".into())),
            ("08", NodeKind::Float(8.0)),
        ] {
            assert_eq!(resolve_plain(text), want, "{text}");
        }
        // Kubernetes' reader leaves sexagesimals and dates as the strings they look like.
        for text in [
            "12:30:45",
            "2001-01-01",
            "v1",
            "1.2.3",
            "10.0.0.0/8",
            "-",
            "+",
            ".",
            "0x",
            "1e",
            "abc",
            "=",
            "--x",
        ] {
            assert_eq!(resolve_plain(text), NodeKind::String(text.into()), "{text}");
        }
    }
}
