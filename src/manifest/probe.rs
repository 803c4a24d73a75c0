//! Where kubelet probes a component.

use std::net::IpAddr;

use crate::config::Settings;
use crate::config::settings::last_value;
use crate::config::v1beta4::Arg;

/// The parts of the probes that depend on settings.
#[derive(Debug)]
pub(super) struct Probe {
    /// The address; none is the Pod's own, for addresses that stand for all.
    pub(super) host: Option<String>,
    /// The port, by name or (before 1.34) by number.
    pub(super) port: String,
    /// `HTTP` or `HTTPS`.
    pub(super) scheme: &'static str,
    /// How many failures the start may take: the time for it by the period of 10 s, rounded up.
    pub(super) startup_failures: u64,
}

impl Probe {
    pub(super) fn new(settings: &Settings, host: &str, port: u16, scheme: &'static str) -> Self {
        let seconds = settings.timeouts.control_plane.as_secs_f64();
        Self {
            host: Some(host).filter(|h| !h.is_empty()).map(str::to_owned),
            port: if settings.release.named_probe_ports { "probe-port".into() } else { port.to_string() },
            scheme,
            startup_failures: (seconds / 10.0).ceil() as u64,
        }
    }

    /// For a component that binds to 127.0.0.1 unless its flag `bind-address` says otherwise.
    pub(super) fn bound(settings: &Settings, args: &[Arg], port: u16) -> Self {
        let host = last_value(args, "bind-address").unwrap_or("127.0.0.1");
        Self::new(settings, &unless_unspecified(host), port, "HTTPS")
    }
}

/// An address to reach a server at that listens on `host`: none if it listens on all.
pub(super) fn unless_unspecified(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(ip) if ip.is_unspecified() => String::new(),
        _ => host.to_owned(),
    }
}
