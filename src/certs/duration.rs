//! A length of time in a word, as kubectl and kubeadm write it.

use time::Duration;

/// A length of time in its largest unit that fits: `12s`, `5m`, `3h`, `364d`, `9y`; below 8 years with the days over
/// whole years, `2y69d`. What has passed is `<invalid>` (apimachinery's durations, whose years have 365 days).
pub(crate) fn human(length: Duration) -> String {
    let seconds = length.whole_seconds();
    match seconds {
        i64::MIN..=-2 => "<invalid>".into(),
        -1..=0 => "0s".into(),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        86400..31_536_000 => format!("{}d", seconds / 86400),
        _ => {
            let (years, days) = (seconds / 31_536_000, seconds % 31_536_000 / 86400);
            if days == 0 || years >= 8 { format!("{years}y") } else { format!("{years}y{days}d") }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_unit_is_taken() {
        let of = |seconds| human(Duration::seconds(seconds));
        assert_eq!([of(-2), of(-1), of(0), of(59)], ["<invalid>", "0s", "0s", "59s"]);
        assert_eq!([of(60), of(7199), of(86399)], ["1m", "1h", "23h"]);
        // As recorded: 31535952 s and 315359952 s.
        assert_eq!([of(31_535_952), of(31_536_000), of(315_359_952)], ["364d", "1y", "9y"]);
        assert_eq!(of(800 * 86400), "2y70d");
    }
}
