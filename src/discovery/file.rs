//! Discovery with a kubeconfig.

use std::time::Duration;

use tokio::time::Instant;

use super::cause::Cause;
use super::client::Caller;
use super::cluster_info::{ClusterInfo, PATH};
use super::retry::{Waiting, until};
use super::source::{self, Source};
use super::{Credentials, Discovered};
use crate::pki::Bundle;

/// Discovers the cluster of the kubeconfig `file`, a path or an https URL. `tls_bootstrap_token`, unless it is empty,
/// takes the place of its user from then on.
pub(super) async fn discover(
    file: &str,
    tls_bootstrap_token: &str,
    limit: Duration,
    report: &mut dyn FnMut(&Waiting<'_>),
) -> Result<Discovered, (Cause, Duration)> {
    let begin = Instant::now();
    let failed = |cause| (cause, begin.elapsed());
    let (text, dir) = until(limit, report, async || source::read(file).await).await?;
    let source = Source::parse(file, &text, dir).map_err(failed)?;
    if source.credentials.is_empty() && tls_bootstrap_token.is_empty() {
        return Err(failed(Cause::NoCredentials { file: file.to_owned() }));
    }
    let caller = Caller::with_kubeconfig(&source.kubeconfig, source.ca.as_ref(), source.credentials)
        .await
        .map_err(failed)?;
    let left = limit.saturating_sub(begin.elapsed());
    let (ca, warnings) =
        until(left, report, async || refresh(&source, &caller).await).await.map_err(|(c, _)| failed(c))?;
    let server = source.kubeconfig.current_cluster().map(|c| c.server.clone()).unwrap_or_default();
    let credentials = if tls_bootstrap_token.is_empty() {
        Credentials::Kubeconfig(&source.kubeconfig, source.credentials)
    } else {
        Credentials::Token(tls_bootstrap_token)
    };
    Ok(Discovered { warnings, ..Discovered::new(server, ca.to_pem(), credentials) })
}

/// Compares the file with the cluster's own `cluster-info`, and takes the CA from there if the file has none.
async fn refresh(source: &Source, caller: &Caller) -> Result<(Bundle, Vec<String>), Cause> {
    let answer = match (caller.get(PATH).await, &source.ca) {
        (Ok(answer), _) => answer,
        // The file says all that is needed, and the server's certificate is right. That cluster-info is for those alone
        // who show no credentials is usual.
        (Err(Cause::NotForKnown { .. }), Some(ca)) => return Ok((ca.clone(), vec![])),
        (
            Err(cause @ (Cause::Forbidden { .. } | Cause::NoClusterInfo { .. } | Cause::Anonymous { .. })),
            Some(ca),
        ) => {
            let warning = format!("{cause}: going on with what the discovery file says");
            return Ok((ca.clone(), vec![warning]));
        }
        (Err(cause), _) => return Err(cause),
    };
    let described = ClusterInfo::of(&caller.address, &answer)?.describe()?;
    let server = source.kubeconfig.current_cluster().map(|c| c.server.as_str()).unwrap_or_default();
    let mut warnings = vec![];
    if described.server.trim_end_matches('/') != server.trim_end_matches('/') {
        warnings.push(format!(
            "cluster-info names the API server {}, the discovery file {server}: the file's is used",
            described.server
        ));
    }
    Ok((source.ca.clone().unwrap_or(described.ca), warnings))
}
