//! etcd's flags, by the version of its image.

use super::judged;

#[test]
fn etcd_is_judged_by_its_own_rules() {
    let etcd = |args: &str| judged(&format!("etcd: {{local: {{extraArgs: [{args}]}}}}\n"));
    for (args, want) in [
        ("{name: quota-backend-bytes, value: 8G}", "error flag-type"),
        ("{name: quota-backend-bytes, value: '17179869184'}", "warning flag-range"),
        ("{name: auto-compaction-mode, value: hourly}", "error flag-value"),
        ("{name: auto-compaction-retention, value: 1d}", "error flag-type"),
        ("{name: election-timeout, value: '100'}", "error flag-pair"),
        ("{name: election-timeout, value: '60000'}", "error flag-range"),
        ("{name: listen-metrics-urls, value: 'http://metrics:2381'}", "error flag-value"),
        ("{name: listen-metrics-urls, value: '0.0.0.0:2381'}", "error flag-type"),
        ("{name: data-dir, value: /srv/etcd}", "warning contradiction"),
        ("{name: name, value: other}", "error flag-pair"),
        ("{name: enable-v2, value: 'true'}", "error flag-unknown"),
        ("{name: experimental-initial-corrupt-check, value: 'true'}", "error flag-pair"),
        ("{name: auth-token, value: jwt}", "error flag-value"),
        ("{name: compact-hash-check-time, value: 0s}", "error flag-range"),
        ("{name: feature-gates, value: Nonesuch=true}", "error flag-value"),
        ("{name: log-outputs, value: 'default,stderr'}", "error flag-value"),
        ("{name: enable-log-rotation, value: 'true'}", "error flag-pair"),
        ("{name: tls-min-version, value: TLS1.3}, {name: tls-max-version, value: TLS1.2}", "error flag-pair"),
        ("{name: initial-cluster, value: 'cp=https://192.0.2.99:2380'}", "error flag-pair"),
        ("{name: initial-cluster, value: cp}", "error flag-type"),
        ("{name: cert-file, value: ''}", "error flag-pair"),
        ("{name: peer-key-file, value: ''}", "error flag-pair"),
        ("{name: cipher-suites, value: TLS_RSA_WITH_AES_128_CBC_SHA}", "error flag-value"),
        ("{name: auto-compaction-mode, value: ''}", "error flag-value"),
        ("{name: listen-metrics-urls, value: 'http://127.0.0.1:2381,'}", "error flag-type"),
        ("{name: auth-token, value: 'jwt,sign-method=RS256'}", "error flag-value"),
        ("{name: auth-token, value: 'jwt,priv-key=/x,sign-method=XX'}", "error flag-value"),
        ("{name: initial-cluster-state, value: existing}", "warning contradiction"),
        (
            "{name: experimental-corrupt-check-time, value: 1h}, {name: corrupt-check-time, value: 1h}",
            "error flag-pair",
        ),
    ] {
        let found = etcd(args);
        assert!(found.iter().any(|told| told.starts_with(want)), "{args}: {found:#?}");
    }
    for args in [
        "{name: quota-backend-bytes, value: '8589934592'}, {name: auto-compaction-retention, value: 8h}",
        "{name: listen-metrics-urls, value: 'http://0.0.0.0:2381'}",
        "{name: listen-metrics-urls, value: 'HTTP://0.0.0.0:2381'}",
        "{name: log-level, value: Warning}",
        "{name: feature-gates, value: 'InitialCorruptCheck=true, CompactHashCheck=true'}",
        "{name: auth-token, value: 'jwt,priv-key=/x,sign-method=ES256'}",
        "{name: auto-compaction-mode, value: revision}, {name: auto-compaction-retention, value: '1000'}",
        "{name: election-timeout, value: '5000'}, {name: heartbeat-interval, value: '500'}",
    ] {
        assert_eq!(etcd(args), [] as [&str; 0], "{args}");
    }
    let old = "etcd: {local: {imageTag: 3.5.24-0, extraArgs: [{name: quota-backend-byte, value: x}]}}\n";
    let told = judged(old);
    assert!(told.iter().any(|told| told.contains("did you mean `quota-backend-bytes`?")), "{told:?}");
    assert!(told.iter().any(|told| told.starts_with("warning") && told.contains("`feature-gates`")));
    let proxy = |tag: &str| {
        let mut told = judged(&format!(
            "etcd: {{local: {{imageTag: {tag}, extraArgs: [{{name: proxy, value: readonly}}]}}}}\n"
        ));
        told.retain(|told| told.contains("`proxy`"));
        told
    };
    assert_eq!(proxy("3.5.24-0"), [] as [&str; 0]);
    assert_eq!(proxy("mine"), [] as [&str; 0], "whose flags nobody knows");
    assert!(proxy("3.6.8-0")[0].contains("removed in etcd 3.6"), "{:?}", proxy("3.6.8-0"));
    let level = |tag: &str| {
        judged(&format!(
            "etcd: {{local: {{imageTag: {tag}, extraArgs: [{{name: log-level, value: warning}}]}}}}\n"
        ))
    };
    assert_eq!(level("3.6.6-0"), [] as [&str; 0]);
    assert_eq!(level("3.6.5-0").len(), 1, "etcd knows the word since 3.6.6");
}
