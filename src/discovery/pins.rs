//! Pinned CAs: digests of their public keys (the `SubjectPublicKeyInfo`, as in RFC 7469), written `sha256:<hex>`.

use super::Cause;
use super::client::Address;
use crate::pki::Bundle;

/// That one of `ca`'s certificates is pinned, as kubeadm has it. No pins at all let every CA pass: the configuration
/// asks for that in so many words.
///
/// # Errors
/// When none is pinned.
pub(super) fn check(address: &Address, pins: &[String], ca: &Bundle) -> Result<(), Cause> {
    let served: Vec<String> = ca.iter().map(|c| c.spki_sha256()).collect();
    if pins.is_empty() || pins.iter().any(|pin| served.contains(&pin.to_lowercase())) {
        return Ok(());
    }
    Err(Cause::CaNotPinned {
        address: address.to_string(),
        served,
        expected: pins.iter().map(|pin| pin.to_lowercase()).collect(),
    })
}
