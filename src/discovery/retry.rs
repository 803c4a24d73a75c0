//! Repeating what fails while it may succeed still.

use std::mem::discriminant;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Cause;

/// The first pause; each further one is longer by a quarter: what a fresh cluster lacks comes within seconds.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often it is told that something still fails.
const REPORTS: Duration = Duration::from_secs(5);

/// How long something that looks final is doubted: a cluster, or what is in front of it, may be starting, and a
/// machine's clock be set.
const DOUBT: Duration = Duration::from_secs(10);
/// How long a new cluster may take until its API server is ready, and until kube-controller-manager has signed
/// cluster-info.
const FIRST_SIGNATURE: Duration = Duration::from_secs(60);
/// How long `init` may take from an API server that is ready to a cluster-info that anybody may read: it waits for the
/// other components in between.
const REST_OF_INIT: Duration = Duration::from_secs(15);

/// What is waited for.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    /// What failed the last time.
    pub(crate) cause: &'a Cause,
    /// For how long it has been tried.
    pub(crate) elapsed: Duration,
    /// When it is given up if nothing changes, counted from the beginning.
    pub(crate) limit: Duration,
}

/// How long a cause may stay before it counts as proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// It is proven.
    None,
    /// It may pass within this time.
    For(Duration),
    /// As long as there is time.
    Limit,
}

impl Cause {
    /// How long it may stay before it counts as proven.
    pub(super) fn patience(&self) -> Patience {
        match self {
            Self::Refused { .. }
            | Self::Silent { .. }
            | Self::Unreachable { .. }
            | Self::Broken { .. }
            | Self::Unavailable { .. }
            | Self::Unresolved { definite: false, .. } => Patience::Limit,
            Self::NotSigned { new: true, .. } | Self::Forbidden { ready: false, .. } => {
                Patience::For(FIRST_SIGNATURE)
            }
            Self::Forbidden { new: true, .. } => Patience::For(REST_OF_INIT),
            Self::Unresolved { .. }
            | Self::NotTls { .. }
            | Self::Handshake { .. }
            | Self::Validity { .. }
            | Self::NotKubernetes { .. }
            | Self::Anonymous { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotForKnown { .. }
            | Self::NoClusterInfo { .. }
            | Self::ClusterInfo { .. }
            | Self::Changed { .. }
            | Self::NotSigned { .. } => Patience::For(DOUBT),
            Self::WrongName { .. }
            | Self::OtherCa { .. }
            | Self::Signature { .. }
            | Self::CaNotPinned { .. }
            | Self::Unreadable { .. }
            | Self::Kubeconfig { .. }
            | Self::Plugin { .. }
            | Self::NoCredentials { .. }
            | Self::NotAllowed { .. }
            | Self::OtherServer { .. }
            | Self::Client { .. }
            | Self::Nothing => Patience::None,
        }
    }
}

/// Repeats `attempt` until it succeeds, the time is up, or its failure is proven to stay.
pub(super) async fn until<T>(
    limit: Duration,
    report: &mut dyn FnMut(&Waiting<'_>),
    mut attempt: impl AsyncFnMut() -> Result<T, Cause>,
) -> Result<T, (Cause, Duration)> {
    let begin = Instant::now();
    let mut pause = FIRST_PAUSE;
    // Since when the same kind of failure, as doubtful as before, comes back, and when it was told.
    let mut same: Option<((std::mem::Discriminant<Cause>, Patience), Instant)> = None;
    let mut told: Option<Instant> = None;
    loop {
        let cause = match attempt().await {
            Ok(value) => return Ok(value),
            Err(cause) => cause,
        };
        let kind = (discriminant(&cause), cause.patience());
        let since = match same {
            Some((last, since)) if last == kind => since,
            Some(_) | None => {
                told = None;
                let now = Instant::now();
                same = Some((kind, now));
                now
            }
        };
        let end = match cause.patience() {
            Patience::None => return Err((cause, begin.elapsed())),
            Patience::For(patience) => limit.min(since - begin + patience),
            Patience::Limit => limit,
        };
        let left = end.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return Err((cause, begin.elapsed()));
        }
        if told.is_none_or(|at| at.elapsed() >= REPORTS) {
            report(&Waiting { cause: &cause, elapsed: begin.elapsed(), limit: end });
            told = Some(Instant::now());
        }
        sleep(pause.min(left)).await;
        pause = (pause * 5 / 4).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Cause {
        Cause::Refused { address: "a:1".into() }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_repeated_and_told_now_and_then() {
        let mut told = vec![];
        let mut report = |w: &Waiting<'_>| told.push((w.elapsed.as_secs(), w.cause.to_string()));
        let result = until(Duration::from_secs(30), &mut report, async || Err::<(), _>(refused())).await;
        let (cause, after) = result.unwrap_err();
        assert!(matches!(cause, Cause::Refused { .. }));
        assert!((30..=31).contains(&after.as_secs()), "{after:?}");
        assert!((4..=6).contains(&told.len()), "{told:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_proven_ends_it() {
        let mut attempts = 0;
        let result = until(Duration::from_secs(300), &mut |_| {}, async || {
            attempts += 1;
            Err::<(), _>(if attempts < 4 {
                refused()
            } else {
                Cause::Signature { address: String::new(), id: "abcdef".into() }
            })
        })
        .await;
        let (cause, after) = result.unwrap_err();
        assert!(matches!(cause, Cause::Signature { .. }) && after.as_secs() < 2, "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_doubtful_cause_is_given_its_time_from_when_it_began() {
        let begin = Instant::now();
        let absent = || Cause::NoClusterInfo { address: "a:1".into() };
        let result = until(Duration::from_secs(300), &mut |_| {}, async || {
            Err::<(), _>(if begin.elapsed().as_secs() < 60 { refused() } else { absent() })
        })
        .await;
        let (cause, after) = result.unwrap_err();
        assert!(matches!(cause, Cause::NoClusterInfo { .. }), "{cause}");
        assert!((70..=73).contains(&after.as_secs()), "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_only_init_can_mend_is_given_its_time_from_when_the_api_server_is_ready() {
        let begin = Instant::now();
        let result = until(Duration::from_secs(300), &mut |_| {}, async || {
            let ready = begin.elapsed().as_secs() >= 5;
            Err::<(), _>(Cause::Forbidden { address: "a:1".into(), message: String::new(), ready, new: true })
        })
        .await;
        let (_, after) = result.unwrap_err();
        assert!((20..=23).contains(&after.as_secs()), "{after:?}");
    }
}
