//! What is wrong with the certificate of a server that TLS refused.

use super::cause::Cause;
use super::client::{Address, Caller};
use crate::config::names;
use crate::host::tls::served_certificate;
use crate::pki::{Bundle, Certificate, ChainError};

/// Looks at the certificate that the server at `address` shows, which a client that trusts `ca` (the machine's CAs if
/// none) refused with `reason`.
pub(super) async fn judge(address: &Address, ca: Option<&Bundle>, reason: String) -> Cause {
    let Some(certificate) = served(address).await else {
        return Cause::Handshake { address: address.to_string(), reason };
    };
    let now = super::now();
    let validity = certificate.check_validity(now);
    let validity = validity.and_then(|()| ca.map_or(Ok(()), |ca| ca.certificate.check_validity(now)));
    if let Err(why) = validity {
        return Cause::Validity { address: address.to_string(), why, server_time: time_of(address).await };
    }
    let names = names_of(&certificate);
    if !bears(&certificate, &address.host) {
        return Cause::WrongName { address: address.to_string(), host: address.host.clone(), names };
    }
    Cause::OtherCa {
        address: address.to_string(),
        issuer: certificate.issuer_text().to_owned(),
        subject: certificate.subject_text().to_owned(),
        trusted: ca.map(|ca| ca.iter().map(|c| c.subject_text().to_owned()).collect()),
        reason,
    }
}

/// The certificate that a server shows, whoever signed it.
pub(super) async fn served(address: &Address) -> Option<Certificate> {
    let address = address.to_string();
    let shown = tokio::task::spawn_blocking(move || served_certificate(&address)).await;
    Certificate::from_der(&shown.ok()?.ok()?).ok()
}

/// What a server takes for the time: any answer tells it.
async fn time_of(address: &Address) -> Option<time::OffsetDateTime> {
    let caller = Caller::unverified(&format!("https://{address}")).ok()?;
    // Boxed, since a failure to answer is judged here too.
    Box::pin(caller.fetch("/version")).await.ok()?.date
}

/// The names and addresses that a certificate is for.
fn names_of(certificate: &Certificate) -> Vec<String> {
    let addresses = certificate.ip_addresses().iter().map(ToString::to_string);
    certificate.dns_names().iter().cloned().chain(addresses).collect()
}

fn bears(certificate: &Certificate, host: &str) -> bool {
    match names::ip(host) {
        Some(ip) => certificate.ip_addresses().contains(&ip),
        None => {
            let host = host.trim_end_matches('.').to_lowercase();
            certificate.dns_names().iter().map(|n| n.to_lowercase()).any(|name| {
                let wildcard = name.strip_prefix("*.").zip(host.split_once('.'));
                name == host || wildcard.is_some_and(|(domain, (_, parent))| domain == parent)
            })
        }
    }
}

/// A certificate's validity in words, against the time of two clocks.
pub(super) fn clocks(why: &ChainError, server_time: Option<time::OffsetDateTime>) -> Option<String> {
    let now = match why {
        ChainError::NotYetValid { now, .. } | ChainError::Expired { now, .. } => *now,
        _ => return None,
    };
    let apart = server_time? - now;
    let seconds = apart.whole_seconds();
    (seconds.abs() > 60).then(|| {
        let direction = if seconds > 0 { "behind" } else { "ahead of" };
        let duration =
            crate::config::duration::GoDuration::from_secs(seconds.unsigned_abs().try_into().unwrap_or(0));
        format!("the clock of this machine is {duration} {direction} the server's")
    })
}
