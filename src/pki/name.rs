//! Distinguished names: who a certificate is for.

use std::fmt;

use super::der;

/// The two attributes that Kubernetes reads: the user name (CN) and the groups (O).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Subject {
    /// CN: the user name, for a client certificate. Left out of the certificate when empty.
    pub common_name: String,
    /// O: the user's groups, for a client certificate.
    pub organizations: Vec<String>,
}

impl Subject {
    /// A subject of a common name alone.
    pub fn new(common_name: impl Into<String>) -> Self {
        Self { common_name: common_name.into(), organizations: Vec::new() }
    }

    /// The same subject, member of these groups.
    pub fn with_organizations(self, organizations: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { organizations: organizations.into_iter().map(Into::into).collect(), ..self }
    }

    /// True when nothing is in it: then the names must be critical (RFC 5280 §4.2.1.6).
    pub(super) fn is_empty(&self) -> bool {
        self.common_name.is_empty() && self.organizations.is_empty()
    }

    /// The DER `Name`, byte for byte as Go's `pkix.Name` gives it: O before CN, each attribute type
    /// one set that holds all its values.
    pub(super) fn to_der(&self) -> Vec<u8> {
        let organizations = attributes(ORGANIZATION, self.organizations.iter().map(String::as_str));
        let common_name =
            attributes(COMMON_NAME, Some(self.common_name.as_str()).filter(|cn| !cn.is_empty()));
        der::element(der::SEQUENCE, &[&organizations, &common_name])
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for organization in &self.organizations {
            write!(f, "O={organization}, ")?;
        }
        write!(f, "CN={}", self.common_name)
    }
}

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANIZATION: &[u8] = &[0x55, 4, 10];

/// One `RelativeDistinguishedName` of several values; nothing for no values.
fn attributes<'a>(oid: &[u8], values: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let oid = der::element(der::OBJECT_IDENTIFIER, &[oid]);
    let mut attributes: Vec<_> = values
        .into_iter()
        .map(|value| der::element(der::SEQUENCE, &[&oid, &directory_string(value)]))
        .collect();
    if attributes.is_empty() {
        return Vec::new();
    }
    // X.690 §11.6: the members of a DER set stand in the order of their encodings.
    attributes.sort();
    der::element(der::SET, &attributes.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Go's choice of string type: PrintableString when every character may stand in one.
fn directory_string(value: &str) -> Vec<u8> {
    let printable = |byte: u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&byte);
    let tag = if value.bytes().all(printable) { der::PRINTABLE_STRING } else { der::UTF8_STRING };
    der::element(tag, &[value.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::prelude::{FromDer, X509Name};

    #[test]
    fn string_type_follows_the_characters() {
        for (value, tag) in [
            ("kubeadm:cluster-admins", der::PRINTABLE_STRING),
            ("system:node:host-1.example.com", der::PRINTABLE_STRING),
            ("a_b", der::UTF8_STRING),
            ("*.example.com", der::UTF8_STRING),
            ("R&D", der::UTF8_STRING),
            ("Zürich", der::UTF8_STRING),
        ] {
            assert_eq!(directory_string(value)[0], tag, "{value}");
        }
    }

    #[test]
    fn several_organizations_are_one_sorted_set_before_the_common_name() {
        let subject = Subject::new("jane").with_organizations(["ops", "devs", "a-longer-group"]);
        let der = subject.to_der();
        let (rest, name) = X509Name::from_der(&der).unwrap();
        assert!(rest.is_empty());
        let sets: Vec<Vec<_>> =
            name.iter_rdn().map(|set| set.iter().map(|a| a.as_str().unwrap()).collect()).collect();
        // DER order: the shorter encoding has the smaller length byte.
        assert_eq!(sets, [vec!["ops", "devs", "a-longer-group"], vec!["jane"]]);
    }

    #[test]
    fn an_empty_subject_is_an_empty_sequence() {
        assert_eq!(Subject::default().to_der(), [der::SEQUENCE, 0]);
        assert!(Subject::default().is_empty());
    }

    #[test]
    fn bytes_as_go_writes_them() {
        let expected = b"\x30\x21\x31\x0e\x30\x0c\x06\x03\x55\x04\x0a\x13\x05nodes\x31\x0f\x30\x0d\x06\x03\x55\x04\x03\x13\x06node-a";
        assert_eq!(Subject::new("node-a").with_organizations(["nodes"]).to_der(), expected);
    }
}
