//! Until when certificates last.

use std::path::PathBuf;

use time::OffsetDateTime;

use super::kubeconfig::Embedded;
use super::managed::{Managed, Pki, Place, authorities, leaves};
use crate::host::{FileError, Host};
use crate::pki::judgement::{Fault, Key, key_fault};
use crate::pki::{Bundle, PrivateKey};

/// What there is of a control plane's certificates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    /// The leaves, by name.
    pub leaves: Vec<Entry>,
    /// The CAs, by name.
    pub authorities: Vec<Entry>,
}

/// One certificate.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its name in kubeadm's `certs` commands.
    pub name: &'static str,
    /// The file that it is in.
    pub path: PathBuf,
    /// The name of its CA; none for a CA.
    pub ca_name: Option<&'static str>,
    /// The key that would sign it is not on this machine: it can't be renewed here.
    pub externally_managed: bool,
    /// How it is.
    pub state: State,
}

/// How a certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is not there.
    Missing,
    /// It is there and can't be read, and why.
    Unreadable(String),
    /// It is there.
    Present {
        /// First second of its validity.
        begins: OffsetDateTime,
        /// Last second of its validity.
        expires: OffsetDateTime,
        /// What is wrong with its private key. A CA's may be elsewhere.
        key_fault: Option<Fault>,
    },
}

impl Entry {
    /// What is wrong with it in the time until `by`, if anything: in words.
    pub(crate) fn problem(&self, now: OffsetDateTime, by: OffsetDateTime) -> Option<String> {
        match &self.state {
            State::Missing => Some("is missing".into()),
            State::Unreadable(why) => Some(format!("can't be read: {why}")),
            State::Present { expires, .. } if *expires < now => {
                Some(format!("expired {} ago", super::human(now - *expires)))
            }
            State::Present { key_fault: Some(fault), .. } => Some(format!("can't be used: {fault}")),
            State::Present { expires, .. } if *expires <= by => {
                Some(format!("expires in {}", super::human(*expires - now)))
            }
            State::Present { .. } => None,
        }
    }

    /// Whether a control plane works without it: kubeadm advises to keep super-admin.conf elsewhere, and control
    /// planes that joined have none.
    pub(crate) fn is_optional(&self) -> bool {
        self.name == "super-admin.conf"
    }
}

/// Looks at all managed certificates.
///
/// # Errors
/// When a file is there and may not be read.
pub(crate) fn survey(pki: &Pki, host: &dyn Host) -> Result<Survey, FileError> {
    let mut survey = Survey::default();
    for managed in leaves(pki.external_etcd) {
        survey.leaves.push(Entry {
            name: managed.name,
            path: managed.path(pki),
            ca_name: Some(managed.signer.name),
            externally_managed: pki.is_external(managed.signer, host),
            state: leaf_state(&managed, pki, host)?,
        });
    }
    for row in authorities(pki.external_etcd) {
        let path = pki.certificate(row);
        let state = match host.read(&path)? {
            None => State::Missing,
            Some(text) => file_state(&text, host.read(&pki.key(row))?.as_deref(), true),
        };
        let externally_managed = pki.is_external(row, host);
        survey.authorities.push(Entry { name: row.name, path, ca_name: None, externally_managed, state });
    }
    Ok(survey)
}

fn leaf_state(managed: &Managed, pki: &Pki, host: &dyn Host) -> Result<State, FileError> {
    let Some(text) = host.read(&managed.path(pki))? else { return Ok(State::Missing) };
    Ok(match managed.place {
        Place::File(row) => file_state(&text, host.read(&pki.key(row))?.as_deref(), false),
        Place::Kubeconfig(_) => match Embedded::parse(&text).and_then(|e| Ok((e.certificate()?, e.key()))) {
            Err(why) => State::Unreadable(why),
            Ok((bundle, key)) => present(&bundle, Key::read(key.as_ref())),
        },
    })
}

fn file_state(certificate: &[u8], key: Option<&[u8]>, is_ca: bool) -> State {
    let bundle = match Bundle::from_pem(certificate) {
        Err(why) => return State::Unreadable(why.to_string()),
        Ok(bundle) => bundle,
    };
    match key.map(|key| PrivateKey::from_pem(key).map_err(|e| e.to_string())) {
        None => present(&bundle, if is_ca { Key::Elsewhere } else { Key::Missing }),
        Some(key) => present(&bundle, Key::read(key.as_ref())),
    }
}

fn present(bundle: &Bundle, key: Key<'_>) -> State {
    let certificate = &bundle.certificate;
    State::Present {
        begins: certificate.not_before(),
        expires: certificate.not_after(),
        key_fault: key_fault(certificate, key),
    }
}
