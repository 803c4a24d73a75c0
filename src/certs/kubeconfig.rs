//! The certificate in a kubeconfig: reading it, and putting another in its place with all else kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::pki::{Bundle, Certificate, PrivateKey};
use crate::yaml;

/// A kubeconfig, whole, with what its current context names. Its text is never repeated in an error: it holds keys.
pub(crate) struct Embedded {
    document: Value,
    user: String,
    cluster: String,
}

impl Embedded {
    /// Reads a kubeconfig's text.
    ///
    /// # Errors
    /// In words, when it is none, or has no current context.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let form = || "it does not have the form of a kubeconfig".to_owned();
        let text = std::str::from_utf8(text).map_err(|_| form())?;
        let documents = yaml::parse_values(text).map_err(|_| form())?;
        let document = documents.into_iter().next().filter(Value::is_object).ok_or_else(form)?;
        let current = document.get("current-context").and_then(Value::as_str).unwrap_or_default();
        let context = named(&document, "contexts", current, "context").ok_or("it has no current context")?;
        let name = |key: &str| context.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (user, cluster) = (name("user"), name("cluster"));
        Ok(Self { document, user, cluster })
    }

    fn user(&self, key: &str) -> Option<Vec<u8>> {
        decode(named(&self.document, "users", &self.user, "user")?.get(key)?)
    }

    /// The client certificate of its user, and what follows it in the same data.
    ///
    /// # Errors
    /// In words, when it embeds none that can be read.
    pub(crate) fn certificate(&self) -> Result<Bundle, String> {
        let data = self
            .user("client-certificate-data")
            .ok_or("its user embeds no client certificate (`client-certificate-data`)")?;
        Bundle::from_pem(&data).map_err(|e| format!("its client certificate: {e}"))
    }

    /// The key of its user.
    ///
    /// # Errors
    /// In words, when it embeds none that can be read.
    pub(super) fn key(&self) -> Result<PrivateKey, String> {
        let data = self.user("client-key-data").ok_or("its user embeds no key (`client-key-data`)")?;
        PrivateKey::from_pem(&data).map_err(|e| format!("its key: {e}"))
    }

    /// The CA that it trusts.
    ///
    /// # Errors
    /// In words, when it embeds none that can be read.
    pub(crate) fn authority(&self) -> Result<Bundle, String> {
        let cluster = named(&self.document, "clusters", &self.cluster, "cluster");
        let data = cluster
            .and_then(|c| decode(c.get("certificate-authority-data")?))
            .ok_or("its cluster embeds no CA (`certificate-authority-data`)")?;
        Bundle::from_pem(&data).map_err(|e| format!("its CA: {e}"))
    }

    /// The URL of its API server.
    pub(super) fn server(&self) -> &str {
        let cluster = named(&self.document, "clusters", &self.cluster, "cluster");
        cluster.and_then(|c| c.get("server")).and_then(Value::as_str).unwrap_or_default()
    }

    /// The file's text with another certificate, its key and CA; everything else as it was.
    ///
    /// # Errors
    /// In words, when it can't be written.
    pub(super) fn replaced(
        mut self,
        certificate: &Certificate,
        key: &PrivateKey,
        ca: &Bundle,
    ) -> Result<String, String> {
        let key = key.to_pem().map_err(|e| e.to_string())?;
        let user = self.user.clone();
        self.set("users", &user, "user", "client-certificate-data", certificate.to_pem().as_bytes());
        self.set("users", &user, "user", "client-key-data", key.as_bytes());
        self.with_authority(ca)
    }

    /// The file's text with another CA; everything else as it was.
    ///
    /// # Errors
    /// In words, when it can't be written.
    pub(crate) fn with_authority(mut self, ca: &Bundle) -> Result<String, String> {
        let cluster = self.cluster.clone();
        self.set("clusters", &cluster, "cluster", "certificate-authority-data", ca.to_pem().as_bytes());
        yaml::to_string(&self.document).map_err(|e| e.to_string())
    }

    fn set(&mut self, list: &str, name: &str, inner: &str, field: &str, data: &[u8]) {
        let entries = self.document.get_mut(list).and_then(Value::as_array_mut);
        let entry =
            entries.into_iter().flatten().find(|e| e.get("name").and_then(Value::as_str) == Some(name));
        if let Some(fields) = entry.and_then(|e| e.get_mut(inner)).and_then(Value::as_object_mut) {
            fields.insert(field.into(), STANDARD.encode(data).into());
        }
    }
}

/// The inner object of the entry `name` of a kubeconfig's list.
fn named<'a>(document: &'a Value, list: &str, name: &str, inner: &str) -> Option<&'a Value> {
    let entries = document.get(list)?.as_array()?;
    entries.iter().find(|e| e.get("name").and_then(Value::as_str) == Some(name))?.get(inner)
}

fn decode(data: &Value) -> Option<Vec<u8>> {
    // People wrap long lines; client-go's decoder skips line breaks too.
    let text: String = data.as_str()?.split_whitespace().collect();
    if text.is_empty() { None } else { STANDARD.decode(text).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_kubeconfig_is_told_without_its_text() {
        let secret = "c2VjcmV0";
        for text in
            [secret.to_owned(), format!("{secret}: ["), String::new(), format!("users: [{{name: {secret}}}]")]
        {
            let error = Embedded::parse(text.as_bytes()).err().unwrap();
            assert!(!error.contains(secret) && error.starts_with("it "), "{error}");
        }
        assert!(Embedded::parse(&[0xff]).is_err());
        let text = format!(
            "current-context: c\ncontexts: [{{name: c, context: {{user: u, cluster: k}}}}]\nusers: [{{name: u, user: {{client-certificate-data: {secret}, client-key-data: {secret}}}}}]"
        );
        let embedded = Embedded::parse(text.as_bytes()).unwrap();
        for error in [
            embedded.certificate().err().unwrap(),
            embedded.key().err().unwrap(),
            embedded.authority().err().unwrap(),
        ] {
            assert!(!error.contains(secret) && !error.contains("secret"), "{error}");
        }
    }
}
