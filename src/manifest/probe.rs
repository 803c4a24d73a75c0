//! Where kubelet probes a component.

use crate::config::Settings;
use crate::config::args::last_value;
use crate::config::v1beta4::Arg;

/// How long it is from one try of the startup probe to the next.
const PERIOD_SECONDS: f64 = 10.0;

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
    pub(super) startup_failures: i32,
}

impl Probe {
    pub(super) fn new(settings: &Settings, host: &str, port: u16, scheme: &'static str) -> Self {
        let limit = settings.node.timeouts.control_plane;
        Self {
            host: Some(host).filter(|h| !h.is_empty()).map(str::to_owned),
            port: if settings.cluster.release.named_probe_ports {
                "probe-port".into()
            } else {
                port.to_string()
            },
            scheme,
            startup_failures: (limit.as_secs_f64() / PERIOD_SECONDS).ceil() as i32,
        }
    }

    /// For a component that binds to 127.0.0.1 unless its flag `bind-address` says otherwise.
    pub(super) fn bound(settings: &Settings, args: &[Arg], port: u16) -> Self {
        let host = last_value(args, "bind-address").unwrap_or("127.0.0.1");
        Self::new(settings, &unless_unspecified(host), port, "HTTPS")
    }
}

/// An address to reach a server at that listens on `host`: none if it listens on all. (kubeadm knows `0.0.0.0` and `::`
/// as written only.)
pub(super) fn unless_unspecified(host: &str) -> String {
    if ["0.0.0.0", "::"].contains(&host) { String::new() } else { host.to_owned() }
}
