//! What every component may say when it ends.

use super::{ALL, KUBERNETES, rule};
use crate::diagnose::look::Look;
use crate::diagnose::rule::{Rule, Source};

const ENDED: Source = Source::Ended(ALL);
const FLAG_FROM: &str = "its flags come from {field} of the configuration, and from patches of {component}";
const MEND_FLAG: &str = "correct {field} (or the patch), then run again: init writes {manifest} again";

/// What is plain.
pub(super) const RULES: &[Rule] = &[
    rule(
        "UnknownFlag",
        ENDED,
        r"(?:unknown (?:shorthand )?flag: |flag provided but not defined: )'?(?<flag>-[^\s\x22']+|\w)",
        [
            "{component} does not know its flag {flag}, and exits",
            FLAG_FROM,
            "take {flag} out of {field} (or correct its name: `{component} --help` lists them), then run again",
        ],
    ),
    rule(
        "BadFlag",
        ENDED,
        r#"invalid (?:argument|value) \\?"(?<value>.*?)\\?" for (?:"?(?:-\w, )?-{1,2})?(?:flag -)?(?<flag>[\w-]+)"?(?: flag)?: (?<why>.*?)"?$"#,
        ["{component} refuses the value `{value}` of its flag --{flag}: {why}", FLAG_FROM, MEND_FLAG],
    ),
    rule(
        "UnknownFeatureGate",
        ENDED,
        r"unrecognized feature gate: (?<gate>[\w-]+)|cannot set feature gate (?<locked>\w+)",
        [
            "{component} refuses the feature gate {gate}{locked}",
            "this version does not have it, or has it locked",
            "take it out of `feature-gates` in {field}, then run again",
        ],
    ),
    rule(
        "PortInUse",
        ENDED,
        r"listen tcp4?6? (?<address>\S*:(?<port>\d+)): bind: address already in use",
        [
            "{component} can't listen on {address}: the port is in use",
            "another process holds port {port}",
            "stop that process (`ss -ltnp 'sport = :{port}'` shows it), then run again",
        ],
    )
    .look(Look::Port),
    rule(
        "AddressNotHere",
        ENDED,
        r"listen tcp4?6? (?<address>\S+): bind: cannot assign requested address",
        [
            "{component} can't listen on {address}: this machine has no such address",
            "the advertise address, or an address in {field}, is not of this machine",
            "correct the address in {field} (bind-address, listen-client-urls and the like) or the patch; or choose one of this machine's with `--apiserver-advertise-address`; then run again",
        ],
    )
    .look(Look::Addresses),
    rule(
        "FileMissing",
        ENDED,
        r#"(?:open|stat|lstat|read) (?<path>/[^\s:"]+): no such file or directory"#,
        [
            "{component} does not find {path}, and exits",
            "the file is not on this machine, or the Pod does not mount it: a flag in {field} names a file, and extraVolumes must bring it into the container",
            "put the file there and mount it with extraVolumes, or correct the flag; then run again",
        ],
    ),
    rule(
        "FileForbidden",
        ENDED,
        r#"(?:open|stat|mkdir|read|unlinkat|chmod) (?<path>/[^\s:"]+): (?:permission denied|operation not permitted)"#,
        [
            "{component} may not use {path}, and exits",
            "its owner or mode, a `runAsUser` in a patch, a read-only mount, or SELinux/AppArmor keeps the container from it",
            "`ls -lZ {path}` and `dmesg | grep -i denied` tell which; make it readable to the container's user (chown, chmod), or take runAsUser out of the patch; then run again",
        ],
    ),
    rule(
        "FileKind",
        ENDED,
        r#"(?<path>/[^\s:"]+): (?<why>is a directory|not a directory)"#,
        [
            "{component} can't use {path}: {why}",
            "a directory is where a file should be, or the reverse; a mount of a file that does not exist creates a directory",
            "fix the path, then run again",
        ],
    ),
    rule(
        "KeyMismatch",
        ENDED,
        r#"(?:tls: )?private key (?:type )?does not match public key(?: type)?"#,
        [
            "{component} refuses its certificate: the private key beside it is for another certificate",
            "a .crt and a .key in {pki} do not belong together",
            "`kubestrap certs inspect` names the pair; move both away and run again: they are generated again",
        ],
    ),
    rule(
        "BadPem",
        ENDED,
        r#"(?<why>(?:tls: )?failed to find any PEM data[^"]*|failed to parse (?:key|private key|public key|certificate)[^"]*|error reading (?:public|private) key[^"]*|asn1: (?:structure|syntax) error[^"]*|x509: malformed [^"]*)"#,
        [
            "{component} can't read a key or certificate: {why}",
            "a file in {pki} is empty, cut off, or of another kind",
            "`kubestrap certs inspect` names the file; restore it from a backup, or move it away and run again: it is generated again",
        ],
    ),
    rule(
        "CertificateExpired",
        ENDED,
        r"certificate has expired or is not yet valid: (?<why>[^\x22]*)",
        [
            "{component} finds a certificate that is not valid now: {why}",
            "a certificate of the control plane has expired, or this machine's clock is wrong",
            "`date` tells the clock; `kubestrap certs check-expiration` tells which, `kubestrap certs renew all` renews",
        ],
    ),
];

/// What says something, if not what to do: for what no other rule knows.
pub(super) const GENERAL: &[Rule] = &[
    rule(
        "NeedsAway",
        Source::Ended(KUBERNETES),
        r#"(?:"command failed" err="|^Error: |^error: |^F\d{4} ).*?(?<why>context deadline exceeded|timed out|timeout|connection refused|connection reset|no route to host|leaderelection lost|etcdserver: [^"]*|EOF)"#,
        [
            "{component} exited, since what it needs did not answer: {why}",
            "kube-apiserver needs etcd; kube-controller-manager and kube-scheduler need kube-apiserver",
            "see what keeps those from running, then run again",
        ],
    )
    .possible(),
    rule(
        "ComponentRefuses",
        Source::Ended(KUBERNETES),
        r#"(?:"command failed" err="|^Error: |^error: )(?<why>.*?)"?$"#,
        [
            "{component} exits: {why}",
            "it says so itself each time it is started; its flags come from {field} and from patches",
            "fix what it names, then run again",
        ],
    )
    .persisting()
    .alone(),
    rule(
        "ComponentPanics",
        ENDED,
        r"^(?:panic: |fatal error: |F\d{4} \S+\s+\d+ \S+\] )(?<why>.*)$",
        [
            "{component} crashes: {why}",
            "it exits with this each time it is started",
            "fix what it names, then run again; report what looks like a bug of {component} in its issue tracker",
        ],
    )
    .persisting(),
];
