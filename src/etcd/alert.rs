//! Why a server closes a connection: with TLS 1.3 it judges the client's certificate after the handshake, and its alert
//! may be lost when it closes while requests are on their way.

use std::io::{self, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

use super::Credentials;
use crate::config::url;

/// How long each step may take.
const LIMIT: Duration = Duration::from_secs(1);

/// The alert with which the server at a client URL turns these credentials away, in a handshake that sends nothing
/// else; none where it sends none.
pub(super) fn received(client_url: &str, credentials: &Credentials) -> Option<String> {
    let url = url::parse(client_url).ok()?;
    let address = (url.host.as_str(), url.port.parse::<u16>().ok()?).to_socket_addrs().ok()?.next()?;
    let mut socket = TcpStream::connect_timeout(&address, LIMIT).ok()?;
    socket.set_read_timeout(Some(LIMIT)).ok()?;
    socket.set_write_timeout(Some(LIMIT)).ok()?;
    let name = ServerName::try_from(url.host).ok()?;
    let mut connection = ClientConnection::new(Arc::new(config(credentials)?), name).ok()?;
    match Stream::new(&mut connection, &mut socket).read_exact(&mut [0]) {
        Err(error) => alert(&error),
        Ok(()) => None,
    }
}

fn config(credentials: &Credentials) -> Option<ClientConfig> {
    let certificates =
        |pem: &[u8]| CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().unwrap_or_default();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(&credentials.ca));
    let key = PrivateKeyDer::from_pem_slice(&credentials.key).ok()?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_client_auth_cert(certificates(&credentials.certificate), key)
        .ok()?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Some(config)
}

fn alert(error: &io::Error) -> Option<String> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => Some(format!("{alert:?}")),
        _ => None,
    }
}
