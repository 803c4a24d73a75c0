//! `bootstrap-token`: tokens with which nodes join, what they may do, and `cluster-info`, by which they find us.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::context::InitContext;
use super::phase::{Failure, Outcome, Phase, PhaseError, PhaseResult};
use crate::cluster::bootstrap_token;
use crate::config::v1beta4::BootstrapToken;
use crate::kubeconfig::Kubeconfig;

/// How long an earlier token must live yet to be worth showing again.
const LEAST_LIFE: Duration = Duration::hours(1);

/// The phase.
pub(super) fn phase() -> Phase<InitContext> {
    Phase::new("bootstrap-token", "Make the tokens with which nodes join, and let them", run)
        .alias(&["bootstraptoken"])
}

fn run(context: &mut InitContext) -> PhaseResult {
    let path = context.settings.paths.kubeconfig("admin.conf");
    let Some(text) = context.host.read(&path)? else {
        return Err(PhaseError::new(
            Failure::Failed,
            format!("{} is missing: make it with `kubestrap init phase kubeconfig admin`", path.display()),
        ));
    };
    let kubeconfig = Kubeconfig::parse(&String::from_utf8_lossy(&text))
        .map_err(|e| PhaseError::new(Failure::Failed, format!("{}: {e}", path.display())))?;
    let Some(cluster) = kubeconfig.current_cluster() else {
        return Err(PhaseError::new(
            Failure::Failed,
            format!("{} has no current context with a cluster", path.display()),
        ));
    };
    context.out.log(
        "bootstrap-token",
        "Storing join tokens, what they may do, and ConfigMap kube-public/cluster-info",
    );
    let kept = keep_earlier_tokens(context)?;
    let mut objects = bootstrap_token::objects(&context.settings, cluster, context.started)?;
    objects.retain(|o| !kept.values().any(|id| o.name() == format!("bootstrap-token-{id}")));
    context.apply("bootstrap-token", objects)?;
    context.tokens_stored = true;
    Ok(Outcome::Done)
}

/// Makes the tokens of the settings those with which nodes can join: the ones that this run stored or that were given,
/// else those of an earlier run.
///
/// # Errors
/// When there are none.
pub(super) fn settle(context: &mut InitContext) -> Result<(), PhaseError> {
    if context.tokens_stored {
        return Ok(());
    }
    let kept = keep_earlier_tokens(context)?;
    if context.settings.generated_tokens.iter().all(|index| kept.contains_key(index)) {
        return Ok(());
    }
    Err(PhaseError::new(
        Failure::Failed,
        "the cluster has no join token that lasts for another hour: make one with `kubestrap init phase bootstrap-token`, or with `kubestrap token create --print-join-command`",
    ))
}

/// Where nobody gave a token, one that an earlier run made and that lives for a while yet does: running init again
/// leaves no trail of tokens. One that was given with a life time keeps its end while half of that is left: else no two
/// runs would leave the same. Returns the ids of those, by their places in the settings.
fn keep_earlier_tokens(context: &mut InitContext) -> Result<BTreeMap<usize, String>, PhaseError> {
    let mut kept: BTreeMap<usize, String> = BTreeMap::new();
    let generated = context.settings.generated_tokens.clone();
    let tokens = &mut context.settings.init.bootstrap_tokens;
    let ends_later = |t: &BootstrapToken| t.expires.is_none() && t.ttl.is_some_and(|ttl| ttl.0 > 0);
    if generated.is_empty() && !tokens.iter().any(ends_later) {
        return Ok(kept);
    }
    let secrets = context.cluster.list("Secret", "kube-system")?;
    for (index, wanted) in tokens.iter_mut().enumerate() {
        let lives = match wanted.ttl {
            _ if generated.contains(&index) => Lives::For(LEAST_LIFE),
            Some(ttl) if ends_later(wanted) => Lives::HalfOf(Duration::nanoseconds(ttl.0)),
            _ => continue,
        };
        let found = secrets.iter().filter_map(|s| earlier_token(s, wanted, lives, context.started));
        let Some((id, token)) = found.into_iter().find(|(id, _)| !kept.values().any(|k| k == id)) else {
            continue;
        };
        if generated.contains(&index) {
            context.out.log("bootstrap-token", format!("Keeping the join token {id} of an earlier run"));
        }
        wanted.token = token;
        kept.insert(index, id);
    }
    Ok(kept)
}

/// Which earlier token serves.
#[derive(Clone, Copy)]
enum Lives {
    /// Any that lives for so long yet.
    For(Duration),
    /// The given one, with half of its life time left.
    HalfOf(Duration),
}

/// The id of a token, and the token, if it is what init would make anew and `lives`.
fn earlier_token(
    secret: &Value,
    wanted: &BootstrapToken,
    lives: Lives,
    now: OffsetDateTime,
) -> Option<(String, String)> {
    if secret.get("type")?.as_str()? != bootstrap_token::SECRET_TYPE {
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
        // One that ends later was given with another life time.
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
        let mut secret = json!({ "type": bootstrap_token::SECRET_TYPE, "data": {
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
    fn a_token_that_init_would_make_up_is_kept_while_it_lives_for_another_hour() {
        let kept = |end| found(end, Lives::For(LEAST_LIFE), "").is_some();
        assert!(kept(None) && kept(Some("2026-11-24T13:00:01Z")));
        assert!(!kept(Some("2026-11-24T12:59:00Z")) && !kept(Some("soon")));
    }

    #[test]
    fn a_given_token_keeps_its_end_while_half_of_its_life_is_left() {
        let own = "abcdef.0123456789abcdef";
        let kept = |end| found(end, Lives::HalfOf(Duration::hours(24)), own).is_some();
        assert!(kept(Some("2026-11-25T12:00:00Z")) && kept(Some("2026-11-25T00:01:00Z")));
        assert!(!kept(Some("2026-11-24T23:59:00Z")), "less than half is left");
        assert!(!kept(Some("2026-11-26T12:00:00Z")), "it was given a longer life");
        assert!(!kept(None), "it was given no end");
        let another = found(Some("2026-11-25T12:00:00Z"), Lives::HalfOf(Duration::hours(24)), "ghijkl.x");
        assert_eq!(another, None);
    }
}
