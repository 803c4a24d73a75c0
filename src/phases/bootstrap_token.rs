//! `bootstrap-token`: tokens with which nodes join, what they may do, and `cluster-info`, by which they find us.

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
    objects.retain(|o| !kept.iter().any(|id| o.name() == format!("bootstrap-token-{id}")));
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
    let generated = context.settings.generated_tokens.len();
    if context.tokens_stored || keep_earlier_tokens(context)?.len() == generated {
        return Ok(());
    }
    Err(PhaseError::new(
        Failure::Failed,
        "the cluster has no join token that lasts for another hour: make one with `kubestrap init phase bootstrap-token`, or with `kubestrap token create --print-join-command`",
    ))
}

/// Where nobody gave a token, one that an earlier run made and that lives for a while yet does: running init again
/// leaves no trail of tokens. Returns the ids of those.
fn keep_earlier_tokens(context: &mut InitContext) -> Result<Vec<String>, PhaseError> {
    let mut kept = vec![];
    if context.settings.generated_tokens.is_empty() {
        return Ok(kept);
    }
    let secrets = context.cluster.list("Secret", "kube-system")?;
    for index in context.settings.generated_tokens.clone() {
        let Some(wanted) = context.settings.init.bootstrap_tokens.get_mut(index) else { continue };
        let same = |secret: &Value| {
            let found = earlier_token(secret, wanted, context.started)?;
            (!kept.contains(&found.0)).then_some(found)
        };
        if let Some((id, secret)) = secrets.iter().find_map(same) {
            wanted.token = format!("{id}.{secret}");
            context.out.log("bootstrap-token", format!("Keeping the join token {id} of an earlier run"));
            kept.push(id);
        }
    }
    Ok(kept)
}

/// Id and secret of a token, if it is what init would make anew.
fn earlier_token(secret: &Value, wanted: &BootstrapToken, now: OffsetDateTime) -> Option<(String, String)> {
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
    let lives = match text("expiration") {
        None => true,
        Some(end) => OffsetDateTime::parse(&end, &Rfc3339).is_ok_and(|end| end > now + LEAST_LIFE),
    };
    (usages && groups && description && lives).then(|| Some((text("token-id")?, text("token-secret")?)))?
}
