//! `bootstrap-token`: tokens with which nodes join, what they may do, and `cluster-info`, by which joining nodes discover
//! the cluster.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::cluster::{TOKEN_SECRET_TYPE, bootstrap_token};
use crate::config::v1beta4::BootstrapToken;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::kubeconfig::Kubeconfig;
use crate::workflow::{Outcome, PhaseResult, Run, Verb};

/// How long an earlier token must live to be worth showing again.
const LEAST_LIFE: Duration = Duration::hours(1);

/// The tokens that a run of `init` creates, or finds.
#[derive(Clone, Default)]
pub(crate) struct Tokens {
    /// The tokens; secrets.
    pub(crate) tokens: Vec<BootstrapToken>,
    /// Which of them were generated: an earlier run's may be used instead.
    pub(crate) generated: Vec<usize>,
    /// They are in the cluster.
    stored: bool,
}

impl Tokens {
    /// Tokens that are not in the cluster yet.
    pub(crate) fn new(tokens: Vec<BootstrapToken>, generated: Vec<usize>) -> Self {
        Self { tokens, generated, stored: false }
    }
}

/// Stores the tokens, the rights of joining nodes, and `cluster-info`.
///
/// # Errors
/// When admin.conf can't be used, or an object can't be stored.
pub(crate) fn store(run: &mut Run, tokens: &mut Tokens) -> PhaseResult {
    let path = run.settings.node.paths.kubeconfig("admin.conf");
    let fail = |what: String| Error::new(ExitStatus::Failed, format!("{} {what}", path.display()));
    let Some(text) = run.host.read(&path)? else {
        return Err(fail(
            "does not exist\n  fix: write it with `kubestrap init phase kubeconfig admin`".into(),
        ));
    };
    let kubeconfig = Kubeconfig::parse(&String::from_utf8_lossy(&text))
        .map_err(|e| fail(format!("is not a kubeconfig: {e}")))?;
    let Some(cluster) = kubeconfig.current_cluster() else {
        return Err(fail("has no current context with a cluster".into()));
    };
    run.act(
        Verb::Store,
        "bootstrap tokens, their RBAC roles, and the \"cluster-info\" ConfigMap in the \"kube-public\" Namespace",
    );
    let kept = keep_earlier(run, tokens)?;
    let mut objects = bootstrap_token::objects(&run.settings, &tokens.tokens, cluster, run.started)?;
    objects.retain(|o| !kept.values().any(|id| o.name() == format!("bootstrap-token-{id}")));
    run.apply(objects)?;
    tokens.stored = true;
    Ok(Outcome::Done)
}

/// Makes `tokens` those with which nodes can join: the ones that this run stored or that were given, else those of an
/// earlier run.
///
/// # Errors
/// When there are none.
pub(crate) fn settle(run: &mut Run, tokens: &mut Tokens) -> Result<(), Error> {
    if tokens.stored {
        return Ok(());
    }
    let kept = keep_earlier(run, tokens)?;
    if tokens.generated.iter().all(|index| kept.contains_key(index)) {
        return Ok(());
    }
    Err(Error::new(
        ExitStatus::Failed,
        "the cluster has no bootstrap token that is valid for another hour\n  fix: create one with `kubestrap init phase bootstrap-token`, or with `kubestrap token create --print-join-command`",
    ))
}

/// Replaces generated tokens by those of an earlier run that are valid for a while, so that running init again leaves
/// no trail of tokens. A given token with a time to live keeps its expiration while half of that is left: else no two
/// runs would leave the same. Returns the ids of the tokens that stay, by their places.
fn keep_earlier(run: &mut Run, tokens: &mut Tokens) -> Result<BTreeMap<usize, String>, Error> {
    let mut kept: BTreeMap<usize, String> = BTreeMap::new();
    let expires = |t: &BootstrapToken| t.expires.is_none() && t.ttl.is_some_and(|ttl| ttl.0 > 0);
    if tokens.generated.is_empty() && !tokens.tokens.iter().any(expires) {
        return Ok(kept);
    }
    let secrets = run.cluster.list("Secret", "kube-system")?;
    for (index, wanted) in tokens.tokens.iter_mut().enumerate() {
        let generated = tokens.generated.contains(&index);
        let lives = match wanted.ttl {
            _ if generated => Lives::For(LEAST_LIFE),
            Some(ttl) if expires(wanted) => Lives::HalfOf(Duration::nanoseconds(ttl.0)),
            _ => continue,
        };
        let found = secrets.iter().filter_map(|s| earlier_token(s, wanted, lives, run.started));
        let Some((id, token)) = found.into_iter().find(|(id, _)| !kept.values().any(|k| k == id)) else {
            continue;
        };
        if generated {
            run.log(format!("Using existing bootstrap token {id}"));
        }
        wanted.token = token;
        kept.insert(index, id);
    }
    Ok(kept)
}

/// Which earlier tokens can be used.
#[derive(Clone, Copy)]
enum Lives {
    /// Any that is valid for so long.
    For(Duration),
    /// The given one, with half of its time to live left.
    HalfOf(Duration),
}

/// The id of a token, and the token, if init would create one like it and `lives` holds.
fn earlier_token(
    secret: &Value,
    wanted: &BootstrapToken,
    lives: Lives,
    now: OffsetDateTime,
) -> Option<(String, String)> {
    if secret.get("type")?.as_str()? != TOKEN_SECRET_TYPE {
        return None;
    }
    let text = |key: &str| {
        let data = secret.get("data")?.get(key)?.as_str()?;
        String::from_utf8(STANDARD.decode(data).ok()?).ok()
    };
    let usages = ["signing", "authentication"].iter().all(|usage| {
        (text(&format!("usage-bootstrap-{usage}")).as_deref() == Some("true"))
            == wanted.usages.iter().any(|u| u == usage)
    });
    let groups = text("auth-extra-groups").unwrap_or_default() == wanted.groups.join(",");
    let description = text("description").unwrap_or_default() == wanted.description;
    let (id, token) = (text("token-id")?, format!("{}.{}", text("token-id")?, text("token-secret")?));
    let end = text("expiration").map(|end| OffsetDateTime::parse(&end, &Rfc3339));
    let serves = match (lives, end) {
        (Lives::For(_), None) => true,
        (Lives::For(least), Some(Ok(end))) => end > now + least,
        // One that expires later was given with another ttl.
        (Lives::HalfOf(ttl), Some(Ok(end))) => {
            token == wanted.token && end > now + ttl / 2 && end <= now + ttl
        }
        (Lives::HalfOf(_), None) | (_, Some(Err(_))) => false,
    };
    (usages && groups && description && serves).then_some((id, token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn found(end: Option<&str>, lives: Lives, wanted: &str) -> Option<String> {
        let encoded = |text: &str| STANDARD.encode(text);
        let mut secret = json!({ "type": TOKEN_SECRET_TYPE, "data": {
            "token-id": encoded("abcdef"), "token-secret": encoded("0123456789abcdef"),
            "usage-bootstrap-signing": encoded("true"), "auth-extra-groups": encoded("g"),
        }});
        if let Some(end) = end {
            secret["data"]["expiration"] = json!(encoded(end));
        }
        let wanted = BootstrapToken {
            token: wanted.into(),
            usages: vec!["signing".into()],
            groups: vec!["g".into()],
            ..BootstrapToken::default()
        };
        earlier_token(&secret, &wanted, lives, NOW).map(|(_, token)| token)
    }

    #[test]
    fn earlier_generated_token_is_kept_while_valid_for_an_hour() {
        let kept = |end| found(end, Lives::For(LEAST_LIFE), "").is_some();
        assert!(kept(None) && kept(Some("2026-11-24T13:00:01Z")));
        assert!(!kept(Some("2026-11-24T12:59:00Z")) && !kept(Some("soon")));
    }

    #[test]
    fn given_token_keeps_its_expiration_while_half_of_its_ttl_is_left() {
        let own = "abcdef.0123456789abcdef";
        let kept = |end| found(end, Lives::HalfOf(Duration::hours(24)), own).is_some();
        assert!(kept(Some("2026-11-25T12:00:00Z")) && kept(Some("2026-11-25T00:01:00Z")));
        assert!(!kept(Some("2026-11-24T23:59:00Z")), "less than half is left");
        assert!(!kept(Some("2026-11-26T12:00:00Z")), "it was given a longer ttl");
        assert!(!kept(None), "it was given no expiration");
        let another = found(Some("2026-11-25T12:00:00Z"), Lives::HalfOf(Duration::hours(24)), "ghijkl.x");
        assert_eq!(another, None);
    }
}
