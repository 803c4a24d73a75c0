use super::*;

fn parse(text: &str) -> Result<i64, ParseDurationError> {
    text.parse::<GoDuration>().map(|duration| duration.0)
}

#[test]
fn reads_what_go_reads() {
    for (text, nanos) in [
        ("0", 0),
        ("-0", 0),
        ("+5s", 5_000_000_000),
        ("1h30m", 5_400_000_000_000),
        ("1.5h", 5_400_000_000_000),
        ("100ms", 100_000_000),
        ("-2s", -2_000_000_000),
        ("1us", 1_000),
        ("1µs", 1_000),
        ("1μs", 1_000),
        (".5s", 500_000_000),
        ("1.s", 1_000_000_000),
        ("1m1m", 120_000_000_000),
        ("0.3333333333333333333h", 1_200_000_000_000),
        ("0.9223372036854775807h", 3_320_413_933_267),
        ("9223372036854775807ns", i64::MAX),
        ("-9223372036854775808ns", i64::MIN),
        ("9223372036.854775807s", i64::MAX),
    ] {
        assert_eq!(parse(text), Ok(nanos), "{text}");
    }
}

#[test]
fn refuses_what_go_refuses_and_says_why() {
    for text in ["", "-", ".", ".s", "s", "--1s", " 1s", "1h s", "h1"] {
        let refused = parse(text).is_err();
        assert!(refused, "{text}");
    }
    let message = |text: &str| parse(text).map_err(|error| error.to_string());
    insta::assert_debug_snapshot!(
        ["90", "1m30", "1d", "1s ", "abc", "9223372036854775808ns", "99999999999999999999s"]
            .map(message),
        @r#"
    [
        Err(
            "missing unit in duration `90`: write for example `90s`",
        ),
        Err(
            "missing unit in duration `1m30`: write for example `1m30s`",
        ),
        Err(
            "unknown unit `d` in duration `1d`: the units are h, m, s, ms, us (µs), ns",
        ),
        Err(
            "unknown unit `s ` in duration `1s `: the units are h, m, s, ms, us (µs), ns",
        ),
        Err(
            "`abc` is not a duration such as `1h30m`, `90s` or `100ms`",
        ),
        Err(
            "duration `9223372036854775808ns` is out of range: the longest is about 292 years, `2562047h`",
        ),
        Err(
            "duration `99999999999999999999s` is out of range: the longest is about 292 years, `2562047h`",
        ),
    ]
    "#
    );
}

#[test]
fn writes_what_go_writes() {
    for (nanos, text) in [
        (0, "0s"),
        (1, "1ns"),
        (1_100, "1.1µs"),
        (2_200_000, "2.2ms"),
        (100_000_000, "100ms"),
        (1_500_000_000, "1.5s"),
        (60_000_000_000, "1m0s"),
        (3_600_000_000_000, "1h0m0s"),
        (3_605_000_000_001, "1h0m5.000000001s"),
        (31_536_000_000_000_000, "8760h0m0s"),
        (-90_000_000_000, "-1m30s"),
        (i64::MIN, "-2562047h47m16.854775808s"),
    ] {
        assert_eq!(GoDuration(nanos).to_string(), text);
    }
}

#[test]
fn is_a_string_in_documents() {
    let decode = |json| serde_json::from_value::<GoDuration>(json);
    assert_eq!(decode("1h".into()).unwrap(), GoDuration::from_secs(3600));
    assert!(decode(60.into()).unwrap_err().to_string().contains("expected a duration"));
    assert!(decode("".into()).is_err());
    assert_eq!(serde_json::to_value(GoDuration::ZERO).unwrap(), "0s");
}

#[test]
fn converts_to_seconds_and_to_the_standard_library() {
    assert_eq!(GoDuration::from_secs(i64::MAX), GoDuration(i64::MAX));
    assert_eq!(GoDuration::from_secs(4).as_std(), Duration::from_secs(4));
    assert_eq!(GoDuration::from_secs(-4).as_std(), Duration::ZERO);
}

proptest::proptest! {
    #[test]
    fn what_is_written_reads_back(nanos: i64) {
        proptest::prop_assert_eq!(parse(&GoDuration(nanos).to_string()), Ok(nanos));
    }
}
