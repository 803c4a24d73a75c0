use super::*;
use crate::config::v1beta4::Arg;
use crate::finding::Severity;

const CASES: &[(&str, &str)] = &[
    ("encryption-provider-config", include_str!("cases/encryption-provider-config.txt")),
    ("audit-policy-file", include_str!("cases/audit-policy-file.txt")),
    ("authentication-config", include_str!("cases/authentication-config.txt")),
    ("authorization-config", include_str!("cases/authorization-config.txt")),
    ("admission-control-config-file", include_str!("cases/admission-control-config-file.txt")),
    ("egress-selector-config-file", include_str!("cases/egress-selector-config-file.txt")),
    ("tracing-config-file", include_str!("cases/tracing-config-file.txt")),
];
const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

fn files(minor: u64) -> ApiServerFiles {
    let issuer = Arg {
        name: "service-account-issuer".into(),
        value: "https://kubernetes.default.svc.cluster.local".into(),
    };
    ApiServerFiles { command: Command::of_args(Program::ApiServer, minor, &[issuer]) }
}

fn judged(flag: &str, text: &str, minor: u64) -> Vec<Fault> {
    let row = ROWS.iter().find(|row| row.name == flag).unwrap();
    files(minor).judge(*row, text).faults
}

/// The cases of a file: what is said of it, and the text.
fn cases(all: &str) -> impl Iterator<Item = (&str, String)> {
    all.strip_prefix("=== ").unwrap().split("\n=== ").map(|case| {
        let (head, text) = case.split_once('\n').unwrap_or((case, ""));
        let text = text
            .replace("KEY32", KEY)
            .replace("KEY24", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz")
            .replace("KEY16", "MDEyMzQ1Njc4OTAxMjM0NQ==")
            .replace("KUBECONFIG", "/etc/kubernetes/webhook.conf");
        (head, text)
    })
}

#[test]
fn files_are_judged_as_kube_apiserver_judges_them() {
    let mut wrong = vec![];
    for (flag, all) in CASES {
        for (head, text) in cases(all) {
            for minor in [33, 34, 35, 36, 37] {
                let (said, _) = head.split_once(": ").unwrap();
                // CEL is not compiled here.
                if said == "refused, but not here" {
                    continue;
                }
                let since = said.split_once(" since ").map_or(0, |(_, minor)| minor.parse().unwrap());
                let refused = said == "refused" || minor < since;
                let faults = judged(flag, &text, minor);
                let errors = faults.iter().any(|fault| fault.severity == Severity::Error);
                let warned = said != "accepted with a warning" || !faults.is_empty();
                if errors != refused || !warned {
                    wrong.push(format!("{flag} 1.{minor}: {head}: {faults:?}"));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn faults_have_their_places() {
    let text = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n  verbs: [get]\n- level: metadata\n  verb: [a]\n";
    let told: Vec<String> = judged("audit-policy-file", text, 36)
        .iter()
        .map(|fault| format!("{} {}", fault.position.unwrap(), fault.message))
        .collect();
    assert_eq!(
        told,
        [
            "6:10 `rules.1.level`: \"metadata\" is not known: did you mean `Metadata`?",
            "7:3 unknown field `rules.1.verb`: did you mean `verbs`?; it is ignored",
        ]
    );
    let text = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- name: PodSecurity\n  configuration:\n    apiVersion: pod-security.admission.config.k8s.io/v1\n    kind: PodSecurityConfiguration\n    defaults:\n      enforce: Baseline\n      warns: baseline\n";
    let told: Vec<String> = judged("admission-control-config-file", text, 36)
        .iter()
        .map(|fault| format!("{} {}", fault.position.unwrap(), fault.message))
        .collect();
    assert_eq!(
        told,
        [
            "9:16 `plugins.0.configuration.defaults.enforce`: \"Baseline\" is not known: did you mean `baseline`?",
            "10:7 unknown field `plugins.0.configuration.defaults.warns`: did you mean `warn`?",
        ]
    );
}

#[test]
fn no_secret_is_shown() {
    let (_, all) = CASES.first().unwrap();
    let mut texts: Vec<String> = cases(all).map(|(_, text)| text).collect();
    let head = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n";
    for resources in [
        "resources: SECRET\n",
        "resources: [{resources: SECRET, providers: SECRET}]\n",
        "resources: [{resources: [a], providers: [{aescbc: SECRET}, {aescbc: {keys: SECRET}}, {kms: {timeout: SECRET, endpoint: SECRET, cachesize: SECRET}}]}]\n",
        "resources: [{resources: [a], providers: [{aescbc: {keys: [{name: a, secret: {SECRET: 1}}]}}]}]\n",
        "resources: [{resources: [a], providers: [{aescbc: {keys: [{name: a, secret: SECRET\n",
        "resources: [{resources: [a], providers: [{aescbc: {keys: [{name: a, secret: *SECRET}]}}]}]\n",
        "resources: [{resources: [a], providers: [{aescbc: {keys: [{name: a, secret: SECRET}]}}]}]\nkind: SECRET\n",
        "resources: [{resources: [a], providers: [{aescbc: {keys: [{name: a, secret: !SECRET x}]}}]}]\n",
    ] {
        texts.push(format!("{head}{}", resources.replace("SECRET", KEY)));
        texts.push(format!("{head}{}", resources.replace("SECRET", "1234567890123456")));
    }
    for text in texts {
        let faults = judged("encryption-provider-config", &text, 36);
        let told = format!("{faults:?}");
        for secret in [KEY, "1234567890123456", "MDEyMzQ1"] {
            // A mapping's own keys are names, not values.
            assert!(
                !told.contains(secret) || text.contains("{MDEy") || text.contains("{1234"),
                "{told}\n{text}"
            );
        }
    }
}

#[test]
fn what_a_file_names_is_told() {
    let text = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n- {name: PodSecurity, path: pss.yaml}\n- {name: ImagePolicyWebhook, path: /etc/k/ip.yaml}\n";
    let row = ROWS.iter().find(|row| row.name == "admission-control-config-file").unwrap();
    let named = files(36).judge(*row, text).named;
    let told: Vec<_> =
        named.iter().map(|n| (n.path.as_str(), n.position.line, n.row.map(|r| r.name))).collect();
    assert_eq!(told, [("pss.yaml", 4, Some("PodSecurity")), ("/etc/k/ip.yaml", 5, None)]);
}

#[test]
fn flags_beside_the_file_count() {
    let anonymous = Arg { name: "anonymous-auth".into(), value: "true".into() };
    let gate = Arg { name: "feature-gates".into(), value: "KMSv1=true".into() };
    let files = ApiServerFiles { command: Command::of_args(Program::ApiServer, 36, &[anonymous, gate]) };
    let row = |flag: &str| *ROWS.iter().find(|row| row.name == flag).unwrap();
    let text = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nanonymous: {enabled: false}\n";
    let found = files.judge(row("authentication-config"), text).faults;
    assert!(found[0].message.contains("--anonymous-auth"), "{found:?}");
    let text = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: [{resources: [secrets], providers: [{kms: {name: a, endpoint: 'unix:///a'}}]}]\n";
    assert_eq!(files.judge(row("encryption-provider-config"), text).faults, []);
}
