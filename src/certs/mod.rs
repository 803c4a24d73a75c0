//! The certificates of a control plane after init: how long they last, renewing them, requests for an outside CA,
//! which of them the running components use, and what is wrong with them.
//!
//! - [`Managed`]: the leaves that kubeadm manages, in files and in kubeconfigs
//! - [`survey`]: what there is, and until when
//! - [`renew`]: the same certificate with a new key and a new time
//! - [`requests`]: keys and requests for somebody else to sign
//! - [`serving`]: what the running components use
//! - [`roll`]: restarting them, one at a time
//! - `rotation`: two generations of CAs, while one takes over from the other
//! - `of_other_cas`: what is left of a CA that was exchanged
//! - [`inspect`]: chains, names and keys, and what a fault breaks
//!
//! Files go through [`crate::host::Host`]; nothing here prints.

mod demands;
mod duration;
mod expiration;
pub(crate) mod inspect;
mod kubeconfig;
mod managed;
mod names;
mod renewal;
pub(crate) mod requests;
mod restart;
pub(crate) mod rotation;
pub(crate) mod serving;
mod shown;
mod spec;
mod trust;

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

pub(crate) use duration::human;
pub(crate) use expiration::{Entry, State, Survey, survey};
pub(crate) use kubeconfig::Embedded;
pub(crate) use managed::component_of;
pub(crate) use managed::{Managed, Pki, Place, authorities, leaves};
pub(crate) use names::of as names_of;
pub(crate) use renewal::{NewKeys, Outcome, Terms, renew};
pub(crate) use restart::{Restart, roll};
pub(crate) use shown::{Expiry, Server, expiries};
pub(crate) use spec::{CLOCK_SKEW, client, leaf};
pub(crate) use trust::of_other_cas;

/// A time in UTC and whole seconds, RFC 3339, as Kubernetes writes it.
pub(crate) fn utc(time: OffsetDateTime) -> String {
    let utc = time.checked_to_offset(UtcOffset::UTC).unwrap_or(time);
    let whole = utc.replace_nanosecond(0).unwrap_or(utc);
    whole.format(&Rfc3339).unwrap_or_else(|_| whole.to_string())
}
