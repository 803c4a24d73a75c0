//! The bootstrap tokens of a cluster: listed, made, deleted.

use std::cell::Cell;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::connection::collection;
use super::object::TOKEN_SECRET_TYPE;
use super::{ClusterError, ClusterObject, KubeCluster, ObjectName, Refusal, merge};
use crate::config::token;

/// How the names of tokens' Secrets begin; the token's id follows.
const NAME: &str = "bootstrap-token-";
const NAMESPACE: &str = "kube-system";

/// A bootstrap token as a cluster has it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct StoredToken {
    /// Id and secret: a secret.
    pub token: String,
    /// What it is for; empty if nobody says.
    pub description: String,
    /// When it ends; none is never.
    pub expires: Option<OffsetDateTime>,
    /// What it can be used for, sorted.
    pub usages: Vec<String>,
    /// The groups that it authenticates as, sorted.
    pub groups: Vec<String>,
}

impl std::fmt::Debug for StoredToken {
    /// Its id only: the rest is a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StoredToken({}, ..)", self.token.split('.').next().unwrap_or_default())
    }
}

impl KubeCluster {
    /// All bootstrap tokens, by id; and, in words, the Secrets of their type that are none.
    ///
    /// # Errors
    /// When they can't be asked for.
    pub(crate) fn bootstrap_tokens(&self) -> Result<(Vec<StoredToken>, Vec<String>), ClusterError> {
        let path = collection("Secret", NAMESPACE)?;
        let object = name(&format!("{NAME}*"));
        let fields = format!("type={TOKEN_SECRET_TYPE}");
        let listed = self
            .runtime
            .block_on(self.connection.repeat("list", &object, || self.connection.list(&path, &fields)))?;
        let (mut tokens, mut odd) = (vec![], vec![]);
        for secret in listed {
            match StoredToken::of(&secret) {
                Ok(token) => tokens.push(token),
                Err(why) => {
                    let name = secret.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
                    odd.push(format!("Secret {NAMESPACE}/{name} is not a bootstrap token: {why}"));
                }
            }
        }
        tokens.sort_by(|a, b| a.token.cmp(&b.token));
        Ok((tokens, odd))
    }

    /// Creates a token's Secret; false if there is one of that name, which stays as it is.
    ///
    /// # Errors
    /// When it can't be created.
    pub(crate) fn create_bootstrap_token(&self, secret: &ClusterObject) -> Result<bool, ClusterError> {
        let path = collection(secret.kind(), secret.namespace())?;
        let again = Cell::new(false);
        let attempt = async || match self.connection.create(&path, &secret.value).await {
            Ok(_) => Ok(true),
            Err(refusal) if refusal.is_conflict() => {
                // An attempt whose answer was lost may have made it.
                let live = if again.get() { self.connection.get(&path, secret.name()).await? } else { None };
                Ok(live.is_some_and(|live| merge::covers(&live, &secret.value)))
            }
            Err(refusal) => {
                again.set(true);
                Err(refusal)
            }
        };
        self.runtime.block_on(self.connection.repeat("create", &secret.object_name(), attempt))
    }

    /// Deletes a token by its id; false if there is none.
    ///
    /// # Errors
    /// When it can't be deleted.
    pub(crate) fn delete_bootstrap_token(&self, id: &str) -> Result<bool, ClusterError> {
        let path = collection("Secret", NAMESPACE)?;
        let object = name(&format!("{NAME}{id}"));
        let attempt = async || match self.connection.delete(&path, &object.name).await {
            Ok(()) => Ok(true),
            Err(Refusal::Status { code: 404, .. }) => Ok(false),
            Err(refusal) => Err(refusal),
        };
        self.runtime.block_on(self.connection.repeat("delete", &object, attempt))
    }
}

fn name(name: &str) -> ObjectName {
    ObjectName { kind: "Secret".into(), namespace: NAMESPACE.into(), name: name.into() }
}

impl StoredToken {
    /// A token from its Secret, by the rules of Kubernetes' authenticator: id and secret are there and fit the name, an
    /// end is a time. Errors do not repeat what the Secret holds.
    pub(crate) fn of(secret: &Value) -> Result<Self, String> {
        let name = secret.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let mut data: BTreeMap<String, String> = secret
            .get("data")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| {
                let text = String::from_utf8(STANDARD.decode(value.as_str()?).ok()?).ok()?;
                Some((key.clone(), text))
            })
            .collect();
        let mut take = |key: &str| data.remove(key).unwrap_or_default();
        let token = format!("{}.{}", take("token-id"), take("token-secret"));
        let (id, _) = token::split(&token)
            .ok_or("its `token-id` and `token-secret` do not make a token such as abcdef.0123456789abcdef")?;
        if name.strip_prefix(NAME) != Some(id) {
            return Err(format!("its name is not {NAME}{id}"));
        }
        let (description, expiration, groups) =
            (take("description"), take("expiration"), take("auth-extra-groups"));
        let expires = match expiration.as_str() {
            "" => None,
            text => Some(
                OffsetDateTime::parse(text, &Rfc3339)
                    .map_err(|_| "its `expiration` is not a time".to_owned())?,
            ),
        };
        let mut groups: Vec<String> =
            groups.split(',').map(str::trim).filter(|g| !g.is_empty()).map(str::to_owned).collect();
        groups.sort();
        let usages = data.iter().filter(|(_, on)| *on == "true");
        let usages =
            usages.filter_map(|(key, _)| key.strip_prefix("usage-bootstrap-").map(str::to_owned)).collect();
        Ok(StoredToken { token, description, expires, usages, groups })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::bootstrap_token;
    use super::super::fake::FakeApi;
    use super::*;
    use crate::config::duration::GoDuration;
    use crate::config::v1beta4::BootstrapToken;
    use serde_json::json;
    use time::macros::datetime;

    const SECRETS: &str = "/api/v1/namespaces/kube-system/secrets";
    const LIMIT: Duration = Duration::from_secs(2);

    fn secret() -> ClusterObject {
        let token = BootstrapToken {
            token: "abcdef.0123456789abcdef".into(),
            description: "mine".into(),
            ttl: Some(GoDuration::from_secs(3600)),
            usages: vec!["signing".into(), "authentication".into()],
            groups: vec!["system:bootstrappers:b".into(), "system:bootstrappers:a".into()],
            ..BootstrapToken::default()
        };
        bootstrap_token::secret(&token, 0, datetime!(2026-11-23 10:00 UTC)).unwrap().remove(0)
    }

    #[test]
    fn a_token_reads_back_from_its_secret() {
        let token = StoredToken::of(&secret().value).unwrap();
        assert_eq!(token.token, "abcdef.0123456789abcdef");
        assert_eq!(
            (token.usages, token.description.as_str()),
            (vec!["authentication".into(), "signing".into()], "mine")
        );
        assert_eq!(token.groups, ["system:bootstrappers:a", "system:bootstrappers:b"]);
        assert_eq!(token.expires, Some(datetime!(2026-11-23 11:00 UTC)));
    }

    #[test]
    fn secrets_that_are_no_tokens_are_told_without_their_content() {
        let mut other = secret().value;
        other["metadata"]["name"] = json!("bootstrap-token-zzzzzz");
        assert!(StoredToken::of(&other).unwrap_err().contains("its name is not bootstrap-token-abcdef"));
        let mut bad = secret().value;
        bad["data"]["token-secret"] = json!(STANDARD.encode("hidden"));
        assert!(!StoredToken::of(&bad).unwrap_err().contains("hidden"));
        let mut late = secret().value;
        late["data"]["expiration"] = json!(STANDARD.encode("soon"));
        assert!(StoredToken::of(&late).unwrap_err().contains("expiration"));
    }

    #[test]
    fn an_existing_token_is_left_alone() {
        let api = FakeApi::new();
        let cluster = api.cluster(LIMIT, |_| None);
        assert!(cluster.create_bootstrap_token(&secret()).unwrap());
        assert!(!cluster.create_bootstrap_token(&secret()).unwrap());
        let state = api.state.lock().unwrap();
        assert_eq!(state.writes().len(), 2);
        assert!(state.objects.contains_key(&format!("{SECRETS}/bootstrap-token-abcdef")));
    }

    #[test]
    fn a_creation_whose_answer_was_lost_counts() {
        let api = FakeApi::new();
        // The first answer is lost: the object is there all the same.
        let path = format!("{SECRETS}/bootstrap-token-abcdef");
        api.put(&path, secret().value);
        let mut codes = vec![500].into_iter();
        let cluster = api.cluster(LIMIT, move |r| if r.starts_with("POST") { codes.next() } else { None });
        assert!(cluster.create_bootstrap_token(&secret()).unwrap());
    }
}
