//! `certs check-expiration`.

use clap::Args;
use time::Duration;

use super::source::SourceFlags;
use crate::cli::output_api::PrintFlags;
use crate::commands::certs::check_expiration::Request;
use crate::config::duration::{GoDuration, ParseDurationError};

/// Show when certificates expire
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kubestrap certs check-expiration\n  kubestrap certs check-expiration -o json\n  kubestrap certs check-expiration --fail-within 30d || mail -s 'certificates' root"
)]
pub(super) struct CheckExpiration {
    #[command(flatten)]
    source: SourceFlags,
    /// Exit with 1 if a certificate expires within this time (30d, 720h), has expired, is missing or can't be used;
    /// only super-admin.conf may be missing
    #[arg(long, value_name = "DURATION", value_parser = days)]
    fail_within: Option<Duration>,
    #[command(flatten)]
    print: PrintFlags,
}

impl CheckExpiration {
    /// What is asked for.
    pub(super) fn request(&self) -> Request {
        Request {
            location: self.source.location(),
            format: self.print.format(),
            fail_within: self.fail_within,
        }
    }
}

/// A duration as Go writes it, with days before it, as in `30d` or `1d12h`.
fn days(text: &str) -> Result<Duration, String> {
    let (days, rest) = match text.split_once('d') {
        Some((days, rest)) => (days.parse().map_err(|_| format!("`{days}` is not a number of days"))?, rest),
        None => (0, text),
    };
    let rest: GoDuration = match (days, rest) {
        (1.., "") => GoDuration::ZERO,
        _ => rest.parse().map_err(|e: ParseDurationError| format!("{e}; or days, as in `30d`"))?,
    };
    let days = i64::from(days) * 86400;
    let length = Duration::seconds(days).saturating_add(Duration::nanoseconds(rest.0));
    if length.is_negative() { Err("a time to come can't be negative".into()) } else { Ok(length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_what_go_reads() {
        assert_eq!(days("30d").unwrap(), Duration::days(30));
        assert_eq!(days("1d12h").unwrap(), Duration::hours(36));
        assert_eq!(days("720h").unwrap(), Duration::days(30));
        assert_eq!(days("0").unwrap(), Duration::ZERO);
        for bad in ["", "d", "30", "-1h", "1.5d", "30x", "xd", "1d1d"] {
            assert!(days(bad).is_err(), "{bad}");
        }
    }
}
