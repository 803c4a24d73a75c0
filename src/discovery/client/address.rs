//! Where a server is asked: its host and port.

use std::fmt;

use crate::host::net;

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::discovery) struct Address {
    /// Without brackets.
    pub(in crate::discovery) host: String,
    pub(in crate::discovery) port: u16,
}

impl Address {
    /// Of a URL with https, or with http, which has no certificate to check.
    ///
    /// # Errors
    /// In words, when it is none.
    pub(in crate::discovery) fn of_url(url: &str) -> Result<(Self, http::Uri), String> {
        let uri = net::server_url(url)?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("http") { 80 } else { 443 });
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok((Self { host, port }, uri))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::config::settings::join_host_port(&self.host, self.port))
    }
}
