//! Whether a kubeconfig that is already there can stay in use.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::file::Kubeconfig;
use crate::pki::Bundle;

/// Why an existing kubeconfig can't stay in use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KubeconfigError {
    /// It can't be read.
    #[error("{file} is not a kubeconfig: {reason}; move it away and run again")]
    Unreadable {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// It trusts another CA.
    #[error("{file} trusts another CA than {ca}: it is of another cluster; move it away and run again")]
    OtherCa {
        /// The file.
        file: String,
        /// The CA it should trust.
        ca: String,
    },
}

/// Checks an existing kubeconfig as kubeadm does: it parses, and trusts the CA in `ca` (PEM). `read` gets the file
/// that it names a CA by, if it embeds none. Returns a warning where it names another server than `server`.
///
/// # Errors
/// When it can't stay in use.
pub(crate) fn check_existing(
    file: &str,
    text: &str,
    ca: &Bundle,
    ca_path: &str,
    server: &str,
    read: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<Option<String>, KubeconfigError> {
    let unreadable = |reason: String| KubeconfigError::Unreadable { file: file.into(), reason };
    let kubeconfig = Kubeconfig::parse(text).map_err(unreadable)?;
    let cluster = kubeconfig
        .current_cluster()
        .ok_or_else(|| unreadable("it has no current context with a cluster".into()))?;
    let data = if cluster.certificate_authority_data.is_empty() {
        read(&cluster.certificate_authority)
            .ok_or_else(|| unreadable("it embeds no CA and names none that can be read".into()))?
    } else {
        STANDARD
            .decode(&cluster.certificate_authority_data)
            .map_err(|e| unreadable(format!("its CA is not base64: {e}")))?
    };
    let trusted = Bundle::from_pem(&data).map_err(|e| unreadable(format!("its CA: {e}")))?;
    if !ca.iter().any(|c| c.der() == trusted.certificate.der()) {
        return Err(KubeconfigError::OtherCa { file: file.into(), ca: ca_path.into() });
    }
    Ok((cluster.server != server)
        .then(|| format!("{file} names the server {}, not {server}; it is kept as it is", cluster.server)))
}
