//! KubeProxyConfiguration as kube-proxy judges it.
//!
//! Source: `pkg/proxy/apis/config/validation`, `.../v1alpha1/defaults.go` and `conversion.go`.

use super::gates;
use super::kind::host_and_port;
use super::rule::unknown_word;
use super::verdict::Verdict;
use crate::config::duration::GoDuration;
use crate::config::kube_proxy::KubeProxyConfiguration;
use crate::config::names;

pub(super) const KIND: &str = "KubeProxyConfiguration";
/// The preflight check that reports it.
pub(super) const CHECK: &str = "KubeProxyConfiguration";

const MODES: &[&str] = &["iptables", "ipvs", "nftables"];
const LOCAL_MODES: &[&str] = &["ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix"];

/// A rule about one field: where it is, when it is broken, and what would be right.
type Row = (&'static str, fn(&KubeProxyConfiguration) -> bool, &'static str);

const NOT_NEGATIVE: &str = "must not be negative";

fn negative(duration: Option<GoDuration>) -> bool {
    duration.is_some_and(|duration| duration.0 < 0)
}

const ROWS: &[Row] = &[
    ("iptables.masqueradeBit", |c| bit(c.iptables.masquerade_bit), "must be 0 to 31"),
    ("nftables.masqueradeBit", |c| c.mode == "nftables" && bit(c.nftables.masquerade_bit), "must be 0 to 31"),
    ("ipvs.tcpTimeout", |c| c.mode == "ipvs" && c.ipvs.tcp_timeout.0 < 0, NOT_NEGATIVE),
    ("ipvs.tcpFinTimeout", |c| c.mode == "ipvs" && c.ipvs.tcp_fin_timeout.0 < 0, NOT_NEGATIVE),
    ("ipvs.udpTimeout", |c| c.mode == "ipvs" && c.ipvs.udp_timeout.0 < 0, NOT_NEGATIVE),
    ("conntrack.maxPerCore", |c| c.conntrack.max_per_core.is_some_and(|n| n < 0), NOT_NEGATIVE),
    ("conntrack.min", |c| c.conntrack.min.is_some_and(|n| n < 0), NOT_NEGATIVE),
    ("conntrack.tcpEstablishedTimeout", |c| negative(c.conntrack.tcp_established_timeout), NOT_NEGATIVE),
    ("conntrack.tcpCloseWaitTimeout", |c| negative(c.conntrack.tcp_close_wait_timeout), NOT_NEGATIVE),
    ("conntrack.udpTimeout", |c| c.conntrack.udp_timeout.0 < 0, NOT_NEGATIVE),
    ("conntrack.udpStreamTimeout", |c| c.conntrack.udp_stream_timeout.0 < 0, NOT_NEGATIVE),
    (
        "oomScoreAdj",
        |c| c.oom_score_adj.is_some_and(|n| !(-1000..=1000).contains(&n)),
        "must be -1000 to 1000",
    ),
    ("clientConnection.burst", |c| c.client_connection.burst < 0, NOT_NEGATIVE),
    ("configSyncPeriod", |c| c.config_sync_period.0 < 0, "must be longer than 0"),
    (
        "detectLocal.bridgeInterface",
        |c| c.detect_local_mode == "BridgeInterface" && c.detect_local.bridge_interface.is_empty(),
        "is needed with `detectLocalMode: BridgeInterface`",
    ),
    (
        "detectLocal.interfaceNamePrefix",
        |c| c.detect_local_mode == "InterfaceNamePrefix" && c.detect_local.interface_name_prefix.is_empty(),
        "is needed with `detectLocalMode: InterfaceNamePrefix`",
    ),
    (
        "logging.format",
        |c| !["", "text", "json"].contains(&c.logging.format.as_str()),
        "must be text or json",
    ),
    (
        "logging.vmodule",
        |c| !c.logging.vmodule.is_empty() && c.logging.format == "json",
        "works with `format: text` only",
    ),
];

fn bit(bit: Option<i32>) -> bool {
    bit.is_some_and(|bit| !(0..=31).contains(&bit))
}

/// Judges a configuration as kube-proxy of `minor` does.
pub(super) fn judge(c: &KubeProxyConfiguration, minor: u64) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> =
        ROWS.iter().filter(|(_, broken, _)| broken(c)).map(|(path, _, why)| refuse(*path, *why)).collect();
    if !c.mode.is_empty() && !MODES.contains(&c.mode.as_str()) {
        verdicts.push(refuse("mode", unknown_word(&c.mode, MODES)));
    } else if c.mode == "ipvs" && minor >= 35 {
        verdicts.push(refuse("mode", "the mode ipvs is deprecated since 1.35: use nftables").warning());
    }
    if let Err(why) = super::rules::common::hidden_metrics_version(&c.show_hidden_metrics_for_version, minor)
    {
        verdicts.push(refuse("showHiddenMetricsForVersion", why));
    }
    if !c.detect_local_mode.is_empty() && !LOCAL_MODES.contains(&c.detect_local_mode.as_str()) {
        verdicts.push(refuse("detectLocalMode", unknown_word(&c.detect_local_mode, LOCAL_MODES)));
    }
    if !c.bind_address.is_empty() && names::ip(&c.bind_address).is_none() {
        verdicts.push(refuse("bindAddress", format!("{:?} is not an IP address", c.bind_address)));
    }
    for (field, address) in
        [("healthzBindAddress", &c.healthz_bind_address), ("metricsBindAddress", &c.metrics_bind_address)]
    {
        if let Err(why) = bind_address(address) {
            verdicts.push(refuse(field, why));
        }
    }
    verdicts.extend(sync_periods(c));
    verdicts.extend(cidrs(c));
    verdicts.extend(gates::of_document(&c.feature_gates, minor, "kube-proxy", KIND));
    verdicts
}

/// kube-proxy refuses the field at `path`.
fn refuse(path: impl Into<String>, why: impl Into<String>) -> Verdict {
    let path = path.into();
    let message = format!("{path}: {}", why.into());
    Verdict::error("kube-proxy-configuration", KIND, path, message).under(CHECK)
}

/// An IP address, with or without a port.
fn bind_address(address: &str) -> Result<(), String> {
    if address.is_empty() || names::ip(address).is_some() {
        return Ok(());
    }
    let Some((host, port)) = host_and_port(address) else {
        return Err(format!("{address:?} is not an address: write `0.0.0.0:10256`"));
    };
    if names::ip(host).is_none() {
        return Err(format!("{address:?} must begin with an IP address: write `0.0.0.0:{port}`"));
    }
    if port.parse::<u16>().is_ok_and(|port| port > 0) {
        Ok(())
    } else {
        Err(format!("{address:?}: the port must be 1 to 65535"))
    }
}

/// The periods of the mode in use.
fn sync_periods(c: &KubeProxyConfiguration) -> Vec<Verdict> {
    const SECOND: i64 = 1_000_000_000;
    let (section, sync, least, least_default) = match c.mode.as_str() {
        "ipvs" => ("ipvs", c.ipvs.sync_period, c.ipvs.min_sync_period, 0),
        "nftables" => ("nftables", c.nftables.sync_period, c.nftables.min_sync_period, SECOND),
        _ => ("iptables", c.iptables.sync_period, c.iptables.min_sync_period, SECOND),
    };
    let or = |duration: GoDuration, default| if duration.0 == 0 { default } else { duration.0 };
    let (sync, least) = (or(sync, 30 * SECOND), or(least, least_default));
    let mut verdicts = vec![];
    if sync < 0 {
        verdicts.push(refuse(format!("{section}.syncPeriod"), "must be longer than 0"));
    }
    if least < 0 {
        verdicts.push(refuse(format!("{section}.minSyncPeriod"), NOT_NEGATIVE));
    }
    if least > sync {
        let why = "must not be longer than `syncPeriod` (defaults: 1s and 30s)";
        verdicts.push(refuse(format!("{section}.minSyncPeriod"), why));
    }
    verdicts
}

fn cidrs(c: &KubeProxyConfiguration) -> Vec<Verdict> {
    let mut verdicts = vec![];
    let no_cidr = |text: &str| format!("{text:?} is not a CIDR: write `10.0.0.0/24`");
    for (i, address) in c.node_port_addresses.iter().flatten().enumerate() {
        let path = format!("nodePortAddresses.{i}");
        if address == "primary" {
            if i != 0 || c.node_port_addresses.as_ref().is_some_and(|all| all.len() != 1) {
                verdicts.push(refuse(path, "`primary` excludes CIDRs"));
            }
            break;
        }
        if names::cidr(address).is_none() {
            verdicts.push(refuse(path, no_cidr(address)));
        }
    }
    for (i, cidr) in c.ipvs.exclude_cidrs.iter().flatten().enumerate() {
        if c.mode == "ipvs" && names::cidr(cidr).is_none() {
            verdicts.push(refuse(format!("ipvs.excludeCIDRs.{i}"), no_cidr(cidr)));
        }
    }
    // ClusterCIDR is the default of `detectLocalMode`.
    if !c.cluster_cidr.is_empty() && matches!(c.detect_local_mode.as_str(), "" | "ClusterCIDR") {
        let given: Vec<&str> = c.cluster_cidr.split(',').collect();
        let read: Vec<_> = given.iter().filter_map(|cidr| names::cidr(cidr)).collect();
        if read.len() != given.len() {
            verdicts.push(refuse("clusterCIDR", no_cidr(&c.cluster_cidr)));
        } else if given.len() > 2
            || matches!(read.as_slice(), [a, b] if a.addr().is_ipv6() == b.addr().is_ipv6())
        {
            verdicts.push(refuse("clusterCIDR", "must be one CIDR, or one IPv4 and one IPv6 CIDR"));
        }
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str, minor: u64) -> Vec<Verdict> {
        let value = crate::yaml::parse_values(text).unwrap().remove(0);
        judge(&KubeProxyConfiguration::from_value(value).unwrap(), minor)
    }

    #[test]
    fn what_kube_proxy_refuses_is_told_with_its_field() {
        for (text, path) in [
            ("mode: IPVS", "mode"),
            ("healthzBindAddress: ':10256'", "healthzBindAddress"),
            ("metricsBindAddress: localhost:10249", "metricsBindAddress"),
            ("metricsBindAddress: '127.0.0.1:0'", "metricsBindAddress"),
            ("bindAddress: node", "bindAddress"),
            ("mode: ipvs\nipvs: {excludeCIDRs: [10.0.0.1]}", "ipvs.excludeCIDRs.0"),
            ("nodePortAddresses: [10.0.0.0/8, primary]", "nodePortAddresses.1"),
            ("nodePortAddresses: [10.0.0.1]", "nodePortAddresses.0"),
            ("iptables: {masqueradeBit: 32}", "iptables.masqueradeBit"),
            ("iptables: {minSyncPeriod: 40s}", "iptables.minSyncPeriod"),
            ("mode: nftables\nnftables: {syncPeriod: -1s}", "nftables.syncPeriod"),
            ("conntrack: {min: -1}", "conntrack.min"),
            ("conntrack: {tcpEstablishedTimeout: -1s}", "conntrack.tcpEstablishedTimeout"),
            ("oomScoreAdj: 1001", "oomScoreAdj"),
            ("detectLocalMode: BridgeInterface", "detectLocal.bridgeInterface"),
            ("detectLocalMode: Bridge", "detectLocalMode"),
            ("detectLocalMode: ClusterCIDR\nclusterCIDR: 10.0.0.0/8,10.1.0.0/16", "clusterCIDR"),
            ("clusterCIDR: 10.0.0.0", "clusterCIDR"),
            ("featureGates: {SupportIPVSProxyMode: true}", "featureGates.SupportIPVSProxyMode"),
            ("logging: {format: xml}", "logging.format"),
            ("clientConnection: {burst: -1}", "clientConnection.burst"),
        ] {
            let found = judged(text, 36);
            assert!(
                found.iter().any(|v| v.path == path && v.severity == crate::finding::Severity::Error),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn what_kube_proxy_takes_is_left_alone() {
        for text in [
            "{}",
            "mode: iptables",
            "mode: nftables\nhealthzBindAddress: '[::]:10256'\nmetricsBindAddress: 0.0.0.0",
            "ipvs: {excludeCIDRs: [10.0.0.1]}",
            "nodePortAddresses: [primary]",
            "detectLocalMode: ClusterCIDR\nclusterCIDR: 10.0.0.0/8,fd00::/48",
            "conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s}",
            "mode: ipvs\nipvs: {minSyncPeriod: 0s, syncPeriod: 30s}",
        ] {
            assert_eq!(judged(text, 34), [], "{text}");
        }
    }
}
