//! What kube-apiserver says when it ends or does not become healthy.

use super::{API_SERVER, rule};
use crate::diagnose::rule::{Rule, Source};

const ENDED: Source = Source::Ended(API_SERVER);
const RUNNING: Source = Source::Running(API_SERVER);
const HEALTH: Source = Source::Health(API_SERVER);

const ETCD_TRUST: &str = r#"(?:authentication handshake failed: (?<why>(?:tls|x509|remote error|EOF)[^"]*)|(?<bad>remote error: tls: [^"]*))"#;
const ETCD_TRUSTS: [&str; 3] = [
    "kube-apiserver and etcd do not trust each other: {why}{bad}",
    "apiserver-etcd-client.crt and etcd's certificates must come from the same etcd CA (or, for an external etcd, be those that it accepts)",
    "`kubestrap certs inspect` shows who signed what; put the matching files there, or move {pki}/apiserver-etcd-client.* away and run again",
];
const ETCD_FULL: &str = r"mvcc: database space exceeded";
const ETCD_IS_FULL: [&str; 3] = [
    "etcd takes no more writes: its space is used up",
    "the database is larger than its quota (--quota-backend-bytes, 2 GiB by default)",
    "raise `quota-backend-bytes` in etcd.local.extraArgs; or compact etcd, then `kubestrap etcd defrag` and `kubestrap etcd alarm --disarm`; then run again",
];
const ETCD_AWAY: &str = r#"dial tcp (?<address>\S+?): (?:connect: )?(?<why>connection refused|i/o timeout|no route to host|network is unreachable)|lookup (?<host>\S+?)(?: on \S+)?: (?<unknown>no such host)"#;
const ETCD_IS_AWAY: [&str; 3] = [
    "kube-apiserver can't reach etcd at {address}{host}: {why}{unknown}",
    "etcd does not run, or listens elsewhere",
    "see that etcd runs and that --etcd-servers in {manifest} names it (etcd.external.endpoints for an external etcd), then run again",
];

pub(super) const RULES: &[Rule] = &[
    rule(
        "AuditPolicy",
        ENDED,
        r#"(?:loading audit policy file|failed to (?:read|decode|load|validate) audit policy|audit policy): (?<why>.*?)"?$"#,
        [
            "kube-apiserver refuses its audit policy: {why}",
            "the file of --audit-policy-file is not there, not mounted, or no audit.k8s.io Policy",
            "fix the file, and see that apiServer.extraVolumes mounts it; then run again",
        ],
    ),
    rule(
        "AdmissionPlugin",
        ENDED,
        r"(?:enable|disable)-admission-plugins plugin \x22?(?<plugin>[^\s\x22]+)\x22? is unknown",
        [
            "kube-apiserver does not know the admission plugin {plugin}",
            "apiServer.extraArgs names it; this version does not have it (any more)",
            "take {plugin} out of apiServer.extraArgs, then run again",
        ],
    ),
    rule(
        "EncryptionConfig",
        ENDED,
        r#"(?<why>(?:error while parsing file|failed to (?:load|parse|create|initialize) (?:encryption|transformers?)|error (?:opening|reading|decoding) encryption|while parsing encryption)[^\n]*?)"?$"#,
        [
            "kube-apiserver refuses its encryption configuration: {why}",
            "the file of --encryption-provider-config is not there, not mounted, or not valid",
            "fix the file, and see that apiServer.extraVolumes mounts it; then run again",
        ],
    ),
    rule(
        "ServiceSubnet",
        ENDED,
        r#"(?<why>[^"]*service-cluster-ip-range[^"]*|[^"]*secondary service[^"]*|[^"]*service-node-port-range[^"]*)"#,
        [
            "kube-apiserver refuses the Services' network: {why}",
            "networking.serviceSubnet, or the flag in apiServer.extraArgs, is not what it takes",
            "correct it, then `kubestrap reset` and init again: Services' addresses can't be changed later",
        ],
    ),
    rule("EtcdTrust", ENDED, ETCD_TRUST, ETCD_TRUSTS).persisting(),
    rule("EtcdTrust", RUNNING, ETCD_TRUST, ETCD_TRUSTS).persisting(),
    rule("EtcdAway", ENDED, ETCD_AWAY, ETCD_IS_AWAY).possible(),
    rule("EtcdAway", RUNNING, ETCD_AWAY, ETCD_IS_AWAY).possible(),
    rule("EtcdFull", ENDED, ETCD_FULL, ETCD_IS_FULL),
    rule("EtcdFull", RUNNING, ETCD_FULL, ETCD_IS_FULL),
    rule(
        "AdmissionConfig",
        ENDED,
        r#"failed to (?:apply admission|initialize admission): (?<why>.*?)"?$|unable to read admission control configuration[^"]*(?<read>[^"]*)"#,
        [
            "kube-apiserver can't set up its admission plugins: {why}{read}",
            "the file of --admission-control-config-file, or one that it names, is not valid, not there or not mounted",
            "fix that file (apiServer.extraArgs names it, and extraVolumes must mount it), then run again",
        ],
    ),
    rule(
        "CipherSuite",
        ENDED,
        r"(?i)cipher suite (?<cipher>\S+) not supported",
        [
            "kube-apiserver does not know the cipher suite {cipher}",
            "`tls-cipher-suites` in apiServer.extraArgs names it",
            "take {cipher} out of tls-cipher-suites in apiServer.extraArgs, then run again",
        ],
    ),
    rule(
        "ServedCertificate",
        HEALTH,
        r"(?i)invalid peer certificate: (?<why>[^\x22]*)|x509: (?<x509>[^\x22]*)",
        [
            "kube-apiserver presents a certificate that its clients refuse: {why}{x509}",
            "apiserver.crt has expired, is of another CA, or lacks the name that clients use; or another server holds the port",
            "`kubestrap certs inspect` tells which; move {pki}/apiserver.crt and apiserver.key away and run again: they are generated again",
        ],
    )
    .persisting(),
    rule(
        "ClientRefused",
        HEALTH,
        r": (?<status>401|403) ",
        [
            "kube-apiserver refuses the administrator of this cluster (HTTP {status})",
            "the client certificate in admin.conf or super-admin.conf is not of the CA that the API server trusts",
            "move /etc/kubernetes/admin.conf and super-admin.conf away and run again: they are generated again",
        ],
    )
    .persisting(),
    rule(
        "NotTheApiServer",
        HEALTH,
        r": (?<status>404|400|426|301|302|502|503) (?<why>.*)$",
        [
            "what answers at kube-apiserver's address is not a Kubernetes API server, or not a ready one (HTTP {status})",
            "another server may hold the port, or a proxy is in front of it: {why}",
            "`ss -ltnp` tells who listens on the port; stop it, then run again",
        ],
    )
    .possible(),
    rule(
        "FailingChecks",
        HEALTH,
        r"\[-\](?<check>[\w/-]+) failed",
        [
            "kube-apiserver runs, but its check {check} fails",
            "it is still starting, on a slow machine or with a short time-out, or its own log tells why",
            "`kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw '/livez?verbose'` shows all checks; run again, and it goes on from here; or give it longer with timeouts.controlPlaneComponentHealthCheck (4m by default)",
        ],
    )
    .possible(),
];
