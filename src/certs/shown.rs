//! Until when the certificates last that servers show, on this machine or another.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::host::tls::served_certificate;
use crate::pki::Certificate;

/// A server to ask for its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    /// What the certificate is called in kubeadm's `certs` commands.
    pub(crate) certificate: &'static str,
    /// `host:port`.
    pub(crate) address: String,
}

/// Until when a server's certificate lasts, or why that can't be seen.
pub(crate) type Expiry = Result<OffsetDateTime, String>;

/// Asks all servers at the same time. One that has not answered after `limit` holds up no other.
pub(crate) fn expiries(servers: &[Server], limit: Duration) -> Vec<Expiry> {
    ask(servers, limit, |address| {
        let der = served_certificate(address).map_err(|e| e.to_string())?;
        let certificate = Certificate::from_der(&der).map_err(|e| format!("{address}: {e}"))?;
        Ok(certificate.not_after())
    })
}

fn ask(
    servers: &[Server],
    limit: Duration,
    one: impl Fn(&str) -> Expiry + Send + Sync + 'static,
) -> Vec<Expiry> {
    let one = Arc::new(one);
    let (sender, receiver) = mpsc::channel();
    for (index, server) in servers.iter().enumerate() {
        let (sender, one, address) = (sender.clone(), Arc::clone(&one), server.address.clone());
        // A thread that does not end in time is left to itself: its answer goes nowhere.
        std::thread::spawn(move || {
            let _ = sender.send((index, one(&address)));
        });
    }
    drop(sender);
    let silent =
        |server: &Server| Err(format!("{} did not answer within {} s", server.address, limit.as_secs()));
    let mut expiries: Vec<Expiry> = servers.iter().map(silent).collect();
    let start = Instant::now();
    while let Ok((index, expiry)) = receiver.recv_timeout(limit.saturating_sub(start.elapsed())) {
        if let Some(slot) = expiries.get_mut(index) {
            *slot = expiry;
        }
    }
    expiries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(address: &str) -> Server {
        Server { certificate: "apiserver", address: address.into() }
    }

    #[test]
    fn silent_server_holds_up_no_other() {
        let start = Instant::now();
        let found = ask(&[server("dead:1"), server("live:1")], Duration::from_millis(200), |address| {
            if address == "dead:1" {
                std::thread::sleep(Duration::from_secs(5));
            }
            Ok(OffsetDateTime::UNIX_EPOCH)
        });
        assert!(start.elapsed() < Duration::from_secs(2));
        assert_eq!(found[0], Err("dead:1 did not answer within 0 s".into()));
        assert_eq!(found[1], Ok(OffsetDateTime::UNIX_EPOCH));
    }

    #[test]
    fn nothing_listening_is_told_with_the_address() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let found = expiries(&[server(&address)], Duration::from_secs(5));
        assert!(found[0].as_ref().unwrap_err().contains(&address), "{found:?}");
    }
}
