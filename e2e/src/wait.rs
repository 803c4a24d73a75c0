//! Waiting for what takes a while.

use std::time::{Duration, Instant};

use anyhow::Context;

/// How long between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// Tries until it succeeds.
///
/// # Errors
/// The last one, when `patience` is at its end; `what` says what was waited for.
pub(crate) fn eventually<T>(
    what: &str,
    patience: Duration,
    mut attempt: impl FnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        let result = attempt();
        if result.is_ok() || start.elapsed() >= patience {
            return result.with_context(|| format!("not within {} s: {what}", patience.as_secs()));
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tries_again_and_gives_up_with_the_last_error() {
        let mut tries = 0;
        let got = eventually("three", Duration::from_secs(5), || {
            tries += 1;
            if tries == 3 { Ok(tries) } else { anyhow::bail!("only {tries}") }
        });
        assert_eq!(got.unwrap(), 3);
        let error = eventually::<()>("never", Duration::ZERO, || anyhow::bail!("no")).unwrap_err();
        assert_eq!(format!("{error:#}"), "not within 0 s: never: no");
    }
}
