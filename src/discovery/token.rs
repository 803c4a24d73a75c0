//! Discovery with a bootstrap token.

use std::time::Duration;

use super::cause::Cause;
use super::certificate;
use super::client::{Address, Answer, Caller};
use super::cluster_info::{ClusterInfo, Described, PATH};
use super::retry::{Waiting, until};
use super::{CLUSTER_NAME, Credentials, Discovered, TOKEN_USER, jws, pins};
use crate::config::token;
use crate::config::v1beta4::BootstrapTokenDiscovery;
use crate::kubeconfig::{Cluster, Kubeconfig, User};

/// A server's certificate that is not older belongs to a cluster that is being made.
const NEW_CLUSTER: time::Duration = time::Duration::minutes(10);
/// Where an API server says whether it is ready, to anybody.
const READY: &str = "/readyz";
/// What any token may read that authenticates.
const FOR_TOKENS: &str = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config";

/// Discovers the cluster, for who then asks for kubelet's certificate with `tls_bootstrap_token`.
pub(super) async fn discover(
    given: &BootstrapTokenDiscovery,
    tls_bootstrap_token: &str,
    limit: Duration,
    report: &mut dyn FnMut(&Waiting<'_>),
) -> Result<Discovered, (Cause, Duration)> {
    let at_once = |cause| (cause, Duration::ZERO);
    let url = format!("https://{}", given.api_server_endpoint);
    let by_token = ByToken { given, caller: Caller::unverified(&url).map_err(at_once)?, url };
    match until(limit, report, async || by_token.attempt().await).await {
        Ok(described) => {
            let Described { server, ca } = described;
            Ok(Discovered::new(server, ca.to_pem(), Credentials::Token(tls_bootstrap_token)))
        }
        Err((cause, after)) => Err((by_token.explain(cause).await, after)),
    }
}

struct ByToken<'a> {
    given: &'a BootstrapTokenDiscovery,
    url: String,
    /// To the endpoint, whatever its certificate.
    caller: Caller,
}

impl ByToken<'_> {
    async fn attempt(&self) -> Result<Described, Cause> {
        let (answer, seen) = self.look(&self.caller).await?;
        let (id, secret) = token::split(&self.given.token).unwrap_or_default();
        let Some(signature) = seen.signature(id) else {
            let (signed_by, new) = (seen.signed_by(), seen.is_new(answer.now()));
            return Err(Cause::NotSigned {
                address: self.caller.address.to_string(),
                id: id.into(),
                new: new && signed_by.is_empty(),
                signed_by,
                known: None,
            });
        };
        if !jws::is_valid(signature, &seen.kubeconfig, id, secret) {
            return Err(Cause::Signature { address: self.caller.address.to_string(), id: id.into() });
        }
        let described = seen.describe()?;
        if self.given.ca_cert_hashes.is_empty() {
            return Ok(described);
        }
        pins::check(&self.caller.address, &self.given.ca_cert_hashes, &described.ca)?;
        let verified = Caller::trusting(&self.url, &described.ca)?;
        let (_, again) = self.look(&verified).await?;
        if again.kubeconfig != seen.kubeconfig {
            return Err(Cause::Changed { address: verified.address.to_string() });
        }
        Ok(described)
    }

    async fn look(&self, caller: &Caller) -> Result<(Answer, ClusterInfo), Cause> {
        let address: &Address = &caller.address;
        match caller.get(PATH).await {
            Ok(answer) => {
                let seen = ClusterInfo::of(address, &answer)?;
                Ok((answer, seen))
            }
            Err(Cause::Forbidden { address: place, message, .. }) => {
                let ready = caller.fetch(READY).await.is_ok_and(|answer| answer.code == 200);
                let certificate = certificate::served(address).await;
                let new = certificate.is_some_and(|c| super::now() - c.not_before() < NEW_CLUSTER);
                Err(Cause::Forbidden { address: place, message, ready, new })
            }
            Err(other) => Err(other),
        }
    }

    /// Whether the API server knows the token that nothing is signed with. It is shown to a server only that has the
    /// certificate of a pinned CA.
    async fn explain(&self, cause: Cause) -> Cause {
        let Cause::NotSigned { address, id, signed_by, new, .. } = cause else { return cause };
        let known = self.is_known().await;
        Cause::NotSigned { address, id, signed_by, new, known }
    }

    async fn is_known(&self) -> Option<bool> {
        let (_, seen) = self.look(&self.caller).await.ok()?;
        let described = seen.describe().ok()?;
        if self.given.ca_cert_hashes.is_empty()
            || pins::check(&self.caller.address, &self.given.ca_cert_hashes, &described.ca).is_err()
        {
            return None;
        }
        let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, described.ca.to_pem());
        let cluster =
            Cluster { server: self.url.clone(), certificate_authority_data: data, ..Cluster::default() };
        let user = User { token: self.given.token.clone(), ..User::default() };
        let kubeconfig = Kubeconfig::new(CLUSTER_NAME, cluster, TOKEN_USER, user);
        let caller = Caller::with_kubeconfig(&kubeconfig, Some(&described.ca), "the token").await.ok()?;
        match caller.fetch(FOR_TOKENS).await.ok()?.code {
            401 => Some(false),
            200 | 403 | 404 => Some(true),
            _ => None,
        }
    }
}
