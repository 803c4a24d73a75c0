//! The certificate that a TLS server shows.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

/// How long each step may take.
const LIMIT: Duration = Duration::from_secs(2);

/// Why a server showed no certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// Nothing listens, or not in time.
    #[error("{address} can't be reached: {source}")]
    Connect {
        /// `host:port`.
        address: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// What listens does not speak TLS, or proves no certificate.
    #[error("{address} does not present a certificate: {reason}")]
    Handshake {
        /// `host:port`.
        address: String,
        /// What went wrong.
        reason: String,
    },
}

/// The certificate (DER) that the TLS server at `address` (`host:port`) shows, and proves to have the key of. It is
/// not judged, and no client certificate is given: a server that wants one shows its own first.
///
/// # Errors
/// When there is no answer, or none in TLS.
pub(crate) fn served_certificate(address: &str) -> Result<Vec<u8>, TlsError> {
    let unreachable = |source| TlsError::Connect { address: address.to_owned(), source };
    let failed = |reason: String| TlsError::Handshake { address: address.to_owned(), reason };
    let socket = address
        .to_socket_addrs()
        .map_err(unreachable)?
        .next()
        .ok_or_else(|| unreachable(io::Error::new(io::ErrorKind::NotFound, "the name has no address")))?;
    let mut stream = TcpStream::connect_timeout(&socket, LIMIT).map_err(unreachable)?;
    stream.set_read_timeout(Some(LIMIT)).map_err(unreachable)?;
    stream.set_write_timeout(Some(LIMIT)).map_err(unreachable)?;

    let provider = Arc::new(aws_lc_rs::default_provider());
    let witness = Arc::new(Witness { provider: Arc::clone(&provider), proven: Mutex::default() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| failed(e.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&witness) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let name = ServerName::try_from(host.to_owned()).unwrap_or_else(|_| ServerName::from(socket.ip()));
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(|e| failed(e.to_string()))?;
    let ended = connection.complete_io(&mut stream);
    let proven = witness.proven.lock().unwrap_or_else(PoisonError::into_inner).take();
    // A server that wants a client certificate may end the handshake only after its own was proven.
    match (proven, ended) {
        (Some(certificate), _) => Ok(certificate),
        (None, Err(error)) => Err(failed(error.to_string())),
        (None, Ok(_)) => Err(failed("the TLS handshake ended without one".into())),
    }
}

/// Remembers the certificate whose key the server proves to have.
#[derive(Debug)]
struct Witness {
    provider: Arc<CryptoProvider>,
    proven: Mutex<Option<Vec<u8>>>,
}

impl Witness {
    fn remember(
        &self,
        certificate: &CertificateDer<'_>,
        valid: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        if valid.is_ok() {
            *self.proven.lock().unwrap_or_else(PoisonError::into_inner) = Some(certificate.to_vec());
        }
        valid
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.remember(certificate, verify_tls12_signature(message, certificate, signature, algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.remember(certificate, verify_tls13_signature(message, certificate, signature, algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;
    use rustls::server::WebPkiClientVerifier;
    use rustls::{RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion, version};
    use time::{Duration, OffsetDateTime};

    use super::*;
    use crate::pki::{Certificate, CertificateSpec, KeyAlgorithm, PrivateKey, Subject, Usages, self_sign_ca};

    /// A server with a certificate of its own; it wants one from its clients, as etcd does.
    fn server(version: &'static SupportedProtocolVersion) -> (String, Certificate) {
        let now = OffsetDateTime::now_utc();
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let spec = CertificateSpec {
            subject: Subject::new("server"),
            dns_names: vec!["server".into()],
            ip_addresses: vec![],
            usages: Usages::Ca,
            not_before: now - Duration::hours(1),
            not_after: now + Duration::hours(1),
        };
        let certificate = self_sign_ca(&spec, &key).unwrap();
        let der = CertificateDer::from(certificate.der().to_vec());
        let mut roots = RootCertStore::empty();
        roots.add(der.clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let clients =
            WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).build().unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.to_pem().unwrap().as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![der], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut connection = ServerConnection::new(config.into()).unwrap();
            let _ = connection.complete_io(&mut stream);
        });
        (address, certificate)
    }

    #[test]
    fn a_server_that_wants_a_client_certificate_shows_its_own() {
        for version in [&version::TLS12, &version::TLS13] {
            let (address, certificate) = server(version);
            assert_eq!(served_certificate(&address).unwrap(), certificate.der());
        }
    }

    #[test]
    fn who_does_not_answer_in_tls_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        });
        let error = served_certificate(&address).unwrap_err().to_string();
        assert!(error.contains("does not present a certificate") && error.contains(&address), "{error}");
        // The listener is gone by now, or will be.
        std::thread::sleep(std::time::Duration::from_millis(50));
        let error = served_certificate(&address).unwrap_err().to_string();
        assert!(error.contains("can't be reached"), "{error}");
    }
}
