//! What etcd says when it ends.

use super::{ETCD, rule};
use crate::diagnose::rule::{Rule, Source};

const ENDED: Source = Source::Ended(ETCD);
const DAMAGED: [&str; 3] = [
    "etcd can't use its data: {why}",
    "the data directory is damaged: a power loss, a full disk, or files taken away",
    "restore a snapshot (`etcdutl snapshot restore`); or, if this machine has no cluster to lose, `kubestrap reset` and init again",
];
const OF_ANOTHER: [&str; 3] = [
    "etcd's data are of another cluster or member: {why}",
    "the data directory holds what an earlier cluster left",
    "if that cluster is no longer needed, `kubestrap reset` takes the data away; else move /var/lib/etcd elsewhere; then run again",
];
const URLS: [&str; 3] = [
    "etcd refuses its addresses: {why}",
    "listen, advertise and initial-cluster URLs must fit together; etcd.local.extraArgs or a patch changes them",
    "correct etcd.local.extraArgs (or the patch), then run again",
];

pub(super) const RULES: &[Rule] = &[
    rule(
        "EtcdDataLocked",
        Source::Running(ETCD),
        r#""msg":"db file is flocked by another process.*"path":"(?<path>[^"]*)""#,
        [
            "etcd waits for another process that uses its data directory: {path} is locked",
            "a second etcd runs on this machine with the same data directory, or an old one has not ended",
            "`ps -C etcd -o pid,args` shows it; stop it (`systemctl disable --now etcd`, or `kill`), then run again",
        ],
    )
    .persisting(),
    rule(
        "EtcdDataDamaged",
        ENDED,
        r#"(?<why>(?:wal|walpb|snap|raft)[\w]*: [^"]*?(?:crc mismatch|corrupt|not found|unexpected EOF|out of range|no empty)[^"]*|failed to recover v3 backend from snapshot|failed to find (?:database snapshot|\[SNAPSHOT)[^"]*|invalid (?:database|page type)[^"]*|freepages: [^"]*|checksum error|file size too small|tocommit\(\d+\) is out of range[^"]*)"#,
        DAMAGED,
    ),
    rule(
        "EtcdDataForeign",
        ENDED,
        r#"(?<why>cluster ID mismatch|member \w+ has already been bootstrapped|unmatched member while checking PeerURLs[^"]*|member count is unequal[^"]*|the member has been permanently removed[^"]*|removed member)"#,
        OF_ANOTHER,
    ),
    rule(
        "EtcdDataNewer",
        ENDED,
        r#"(?<why>cluster cannot be downgraded[^"]*|invalid downgrade[^"]*|(?:storage|cluster) version[^"]*(?:higher|unsupported|not supported)[^"]*)"#,
        [
            "etcd's data were written by a newer etcd: {why}",
            "this etcd can't read what a newer minor has written",
            "use the newer etcd (etcd.local.imageTag), or restore a snapshot that was made before the upgrade",
        ],
    ),
    rule(
        "EtcdUrls",
        ENDED,
        r#"(?<why>--initial-(?:cluster|advertise-peer-urls) [^"]*|couldn't find local name .*? in the initial cluster configuration|expected IP in URL for binding[^"]*|URL (?:scheme|address)[^"]*|listen URLs?[^"]*(?:required|must|empty)[^"]*|invalid URL[^"]*|error (?:setting up|verifying) [^"]*(?:url|flags)[^"]*)"#,
        URLS,
    ),
    rule(
        "EtcdDataFolder",
        ENDED,
        r#"(?<why>cannot (?:access|write to|create) (?:data )?directory[^"]*|cannot fetch cluster info[^"]*)"#,
        [
            "etcd can't use its data directory: {why}",
            "its owner, mode or file system keeps etcd from it",
            "`ls -ld` and `df` on etcd's dataDir tell; fix it, then run again",
        ],
    ),
    rule(
        "EtcdFails",
        ENDED,
        r#""level":"(?:fatal|panic)".*"msg":"(?<what>[^"]*)"(?:.*"error":"(?<why>[^"]*)")?"#,
        [
            "etcd exits: {what}: {why}",
            "it says so itself each time it is started; its flags come from etcd.local.extraArgs and from patches",
            "fix what it names, then run again",
        ],
    )
    .persisting(),
    rule(
        "EtcdFails",
        ENDED,
        r#"(?:^error verifying flags, |^error: |"msg":"failed to verify flags","error":")(?<why>.*?)(?:"\})?$"#,
        [
            "etcd refuses its flags: {why}",
            "they come from etcd.local.extraArgs and from patches",
            "correct them, then run again",
        ],
    ),
];
