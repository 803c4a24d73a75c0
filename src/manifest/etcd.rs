//! etcd's static Pod.

use askama::Template;

use super::probe::Probe;
use crate::config::Settings;
use crate::config::args::last_value;
use crate::config::release::EtcdFlags;
use crate::config::settings::join_host_port;
use crate::config::url;

/// Where etcd serves health and metrics, unless a flag says otherwise.
const METRICS_PORT: u16 = 2381;

#[derive(Template)]
#[template(path = "manifests/etcd.yml")]
pub(super) struct Manifest<'a> {
    s: &'a Settings,
    client_url: String,
    local_client_url: String,
    peer_url: String,
    metrics_url: String,
    data_dir: String,
    /// etcd before 3.6 had these settings as experimental flags.
    experimental_flags: bool,
    metrics_port: u16,
    probe: Probe,
}

impl<'a> Manifest<'a> {
    pub(super) fn new(s: &'a Settings) -> Self {
        let local = s.cluster.config.etcd.local.clone().unwrap_or_default();
        let advertised = s.node.advertise_address.to_string();
        let localhost = if s.node.advertise_address.is_ipv6() { "::1" } else { "127.0.0.1" };
        let url = |host: &str, port| format!("https://{}", join_host_port(host, port));
        let metrics = Metrics::of(last_value(&local.extra_args, "listen-metrics-urls"), localhost);
        Self {
            s,
            client_url: url(&advertised, 2379),
            local_client_url: url(localhost, 2379),
            peer_url: s.etcd_peer_url(),
            metrics_url: format!("http://{}", join_host_port(localhost, METRICS_PORT)),
            data_dir: local.data_dir,
            experimental_flags: match s.cluster.release.etcd_flags {
                EtcdFlags::Experimental => true,
                EtcdFlags::ByTag => older_than_3_6(&s.etcd_tag()),
                EtcdFlags::Current => false,
            },
            metrics_port: metrics.port,
            probe: Probe::new(s, &metrics.host, metrics.port, metrics.scheme),
        }
    }
}

/// Whether an image tag is of an etcd before 3.6; one that is no version counts as old, as for kubeadm.
fn older_than_3_6(tag: &str) -> bool {
    semver::Version::parse(tag.trim_start_matches('v')).map_or(true, |v| (v.major, v.minor) < (3, 6))
}

/// Where the health of etcd is asked: the first of `listen-metrics-urls`.
struct Metrics {
    host: String,
    port: u16,
    scheme: &'static str,
}

impl Metrics {
    fn of(flag: Option<&str>, localhost: &str) -> Self {
        let mut metrics = Self { host: localhost.into(), port: METRICS_PORT, scheme: "HTTP" };
        let Some(url) = flag.and_then(|urls| urls.split(',').next()).and_then(|u| url::parse(u).ok()) else {
            return metrics;
        };
        if url.scheme == "https" {
            metrics.scheme = "HTTPS";
        }
        if !url.host.is_empty() {
            metrics.host = url.host;
        }
        if let Some(port) = url.port.parse().ok().filter(|p| *p > 0) {
            metrics.port = port;
        }
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_asked_where_the_metrics_flag_says() {
        for (flag, host, port, scheme) in [
            (None, "127.0.0.1", 2381, "HTTP"),
            (Some("http://0.0.0.0:2381"), "0.0.0.0", 2381, "HTTP"),
            (Some("https://[fd00::1]:9,http://x:1"), "fd00::1", 9, "HTTPS"),
            (Some("http://metrics"), "metrics", 2381, "HTTP"),
            (Some("http://:99999"), "127.0.0.1", 2381, "HTTP"),
            (Some("http://metrics:x"), "127.0.0.1", 2381, "HTTP"),
            (Some("nonsense"), "127.0.0.1", 2381, "HTTP"),
        ] {
            let metrics = Metrics::of(flag, "127.0.0.1");
            assert_eq!(
                (metrics.host.as_str(), metrics.port, metrics.scheme),
                (host, port, scheme),
                "{flag:?}"
            );
        }
    }

    #[test]
    fn the_flags_follow_the_image_s_version() {
        assert!(older_than_3_6("3.5.24-0") && older_than_3_6("latest"));
        assert!(!older_than_3_6("3.6.8-0") && !older_than_3_6("v3.7.0"));
    }
}
