//! Private keys, tokens and certificate keys are never printed: searched for in everything that a run says, in every
//! form in which they could slip out.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use serde_json::Value;

use super::support::{Done, all_certificates, config, dry_run, files};

const TOKEN: &str = "abcdef.0123456789abcdef";
const TOKEN_SECRET: &str = "0123456789abcdef";
const OTHER_TOKEN: &str = "zyxwvu.fedcba9876543210";
const CERTIFICATE_KEY: &str = "e6a2eb8581237ab72a4f494f30285ec12a9694d750b9785706a83bfcbbbd2204";

/// Every form of every secret that the run left in its folder. Certificates and public keys are none.
fn secrets(done: &Done) -> Vec<String> {
    let mut found = vec![];
    for file in files(&done.out()) {
        let text = std::fs::read_to_string(&file).unwrap();
        if file.extension().is_some_and(|e| e == "key") {
            found.extend(forms_of_pem(&text));
        }
        if file.extension().is_some_and(|e| e == "conf") {
            let kubeconfig = super::support::one(&text);
            let data = kubeconfig["users"][0]["user"]["client-key-data"].as_str().unwrap().to_owned();
            let pem = String::from_utf8(STANDARD.decode(&data).unwrap()).unwrap();
            found.extend(forms_of_pem(&pem));
            found.push(data);
        }
    }
    assert!(found.len() > 16 * 4, "the run's keys are at hand: {}", found.len());
    for object in done.objects() {
        if object["type"] == "bootstrap.kubernetes.io/token" {
            let data = object["data"]["token-secret"].as_str().unwrap().to_owned();
            found.push(String::from_utf8(STANDARD.decode(&data).unwrap()).unwrap());
            found.push(data);
        }
    }
    found
}

/// A private key: each line of its PEM, its DER in base64 and hex.
fn forms_of_pem(text: &str) -> Vec<String> {
    let der = pem::parse(text).unwrap();
    let der = der.contents();
    let lines = text.lines().filter(|l| !l.starts_with('-') && l.len() >= 16).map(str::to_owned);
    let hex: String = der.iter().map(|b| format!("{b:02x}")).collect();
    // The header of a key is the same for all; what comes after it is the secret.
    let secret_part = hex[hex.len() / 4..hex.len() / 2].to_owned();
    let base64 = STANDARD_NO_PAD.encode(&der[12..]);
    // An EC key's DER ends with its public half, which certificates bear too: the private half stands before it.
    lines.take(2).chain([secret_part, base64]).collect()
}

/// Checks that a text gives nothing away: none of `secrets`, and no private key in plain or in base64.
fn gives_nothing_away(text: &str, secrets: &[String]) {
    let lower = text.to_lowercase();
    for secret in secrets {
        assert!(!lower.contains(&secret.to_lowercase()), "{secret:?} is in:\n{text}");
    }
    assert!(!text.contains("PRIVATE KEY"), "{text}");
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=_-".contains(c))) {
        if word.len() < 24 {
            continue;
        }
        for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE] {
            let decoded = engine.decode(word).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&decoded).contains("PRIVATE KEY"), "{word} in {text}");
        }
    }
    // A certificate key is 32 bytes in hex; hashes of public things are so too, and say what they are.
    for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':')) {
        let hex = word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(!hex, "a key? {word}");
    }
}

fn run_and_check(text: &str, args: &str, more: &[&str]) -> Done {
    let mut run = dry_run().args(args);
    if !text.is_empty() {
        run = run.config(text);
    }
    let done = run.run().succeeded();
    let mut secrets = secrets(&done);
    secrets.extend(more.iter().flat_map(|s| [(*s).to_owned(), STANDARD.encode(s)]));
    gives_nothing_away(&done.everything(), &secrets);
    done
}

#[test]
fn the_search_would_find_them() {
    let done = run_and_check(&config("", ""), "", &[]);
    let secrets = secrets(&done);
    let leak = |text: &str| {
        let text = text.to_owned();
        let secrets = secrets.clone();
        std::panic::catch_unwind(move || gives_nothing_away(&text, &secrets)).is_err()
    };
    let key = std::fs::read_to_string(done.pki("ca.key")).unwrap();
    assert!(leak(&key) && leak(&STANDARD.encode(&key)) && leak(key.lines().nth(1).unwrap()));
    assert!(leak(&STANDARD.encode(format!("x{key}"))) && leak(CERTIFICATE_KEY));
    assert!(leak(&done.text(&format!("{}/admin.conf", super::support::KUBECONFIGS))));
    assert!(leak(&done.text("cluster-objects.yaml")), "it holds the token's secret");
    assert!(!leak("nothing"));
}

#[test]
fn of_a_dry_run() {
    for args in ["", "-o json", "--v=10", "-v 10 -o json"] {
        run_and_check(&config("", ""), args, &[]);
    }
}

#[test]
fn of_a_dry_run_with_rsa_keys() {
    let cluster =
        "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.2\n";
    let text = format!("{}---\n{cluster}certificatesDir: {}\n", super::support::INIT, super::support::PKI);
    run_and_check(&text, "", &[]);
}

#[test]
fn of_uploaded_certificates() {
    for args in ["--upload-certs", "--upload-certs -o json", "--upload-certs --v=10"] {
        run_and_check(&config("", ""), args, &[]);
    }
    let given = config(&format!("certificateKey: {CERTIFICATE_KEY}"), "");
    for args in ["--upload-certs", "--upload-certs -o json", "", "--upload-certs --v=10"] {
        let done = run_and_check(&given, args, &[CERTIFICATE_KEY]);
        let left = done.text("cluster-objects.yaml");
        assert!(!left.contains(CERTIFICATE_KEY) && !left.contains(&STANDARD.encode(CERTIFICATE_KEY)));
    }
}

#[test]
fn of_tokens_that_are_given() {
    let flags = "--cert-dir /opt/kubestrap-test/pki --apiserver-advertise-address 192.0.2.2 --node-name cp-1 \
        --cri-socket unix:///run/containerd/containerd.sock --kubernetes-version v1.36.2 --feature-gates PublicKeysECDSA=true --token";
    for args in [format!("{flags} {TOKEN}"), format!("{flags}={TOKEN} -o json --token-ttl 0")] {
        let done = run_and_check("", &args, &[TOKEN, TOKEN_SECRET]);
        assert!(done.stdout.contains("abcdef"), "the id may be seen, and tells which token it is");
    }
    let tokens =
        format!("bootstrapTokens:\n- token: {TOKEN}\n  description: for nodes\n- token: {OTHER_TOKEN}\n");
    for args in ["", "-o json", "--v=10"] {
        let more = [TOKEN, TOKEN_SECRET, OTHER_TOKEN, "fedcba9876543210"];
        let done = run_and_check(&config(&tokens, ""), args, &more);
        assert!(done.stdout.contains("zyxwvu"));
        let stored: Vec<Value> =
            done.objects().into_iter().filter(|o| o["type"] == "bootstrap.kubernetes.io/token").collect();
        assert_eq!(stored.len(), 2);
    }
}

#[test]
fn of_tokens_and_keys_that_are_wrong() {
    // A mistyped secret is a secret: the right one is a guess away.
    let secret = "S3CR3T-0123456789";
    let number = "31415926535897932384";
    for value in [
        secret,
        number,
        "31415926",
        "0x31415926",
        "3.1415926535",
        "\"abcdef.S3CR3T-0123456789\"",
        "abcdef.S3CR3T-0123456789a",
        "ABCDEF.S3CR3T-0123456789",
        "[S3CR3T-0123456789]",
        "{a: S3CR3T-0123456789}",
        "'S3CR3T-0123456789",
        "\"S3CR3T-0123456789",
        "S3CR3T-0123456789: x",
        "S3CR3T-0123456789 #",
        "@S3CR3T-0123456789",
        "!S3CR3T-0123456789 x",
        "*S3CR3T-0123456789",
        "|\n    S3CR3T-0123456789\n",
    ] {
        for init in [
            format!("certificateKey: {value}\n"),
            format!("bootstrapTokens:\n- token: {value}\n"),
            format!("bootstrapTokens: {value}\n"),
            format!("bootstrapTokens: [{value}]\n"),
            format!("bootstrapTokens:\n- {value}\n"),
        ] {
            let args = if init.starts_with("certificateKey") { "-o json" } else { "" };
            let done = dry_run().args(args).config(config(&init, "")).run();
            let said = done.everything();
            let telling = ["S3CR3T", "31415926", "3.14159", "826366246"];
            let leaked = telling.iter().find(|s| said.contains(**s));
            assert_eq!(leaked, None, "of `{init}`: {said}");
            // A field of another name is told, and no more.
            let named = ["[{a:", "- {a:", "[S3CR3T-0123456789: x", "- S3CR3T-0123456789: x"];
            let expected = if named.iter().any(|n| init.contains(n)) { 0 } else { 2 };
            assert_eq!(done.code, Some(expected), "{init}: {said}");
        }
    }
    for args in
        [format!("--token {secret}"), format!("--certificate-key {secret}"), format!("--token=a.{secret}")]
    {
        let done = dry_run().args(&args).run();
        gives_nothing_away(&done.everything(), &["S3CR3T".into()]);
        done.refused(2, &[args[..args.find([' ', '=']).unwrap()].as_ref()]);
    }
}

#[test]
fn of_keys_that_can_not_be_used() {
    let body = "MHcCAQEEIS3CR3T2aXyzS3CR3TyzS3CR3Tabc9S3CR3TAoGCCqGSM49AwEHoUQDQgAE";
    for content in [
        format!("-----BEGIN EC PRIVATE KEY-----\n{body}\n-----END EC PRIVATE KEY-----\n"),
        format!("-----BEGIN RSA PRIVATE KEY-----\n{body}!\n-----END RSA PRIVATE KEY-----\n"),
        format!("-----BEGIN {body} PRIVATE KEY-----\n{body}\n-----END X-----\n"),
        body.to_owned(),
        format!("{body}\0\u{fffd}"),
    ] {
        for file in ["ca.key", "apiserver.key", "sa.key"] {
            let run = all_certificates();
            let pki = run.path().join("pki");
            run.file(&format!("pki/{file}"), &content);
            let done = run.arg("--cert-dir").arg(&pki).run();
            assert!(!done.everything().contains("S3CR3T"), "{}", done.everything());
            let done = done.refused(1, &[file, "fix:"]);
            assert_eq!(std::fs::read_to_string(done.path().join("pki").join(file)).unwrap(), content);
        }
    }
    // What a cut-off write left is made again; what is replaced is not shown either.
    let run = all_certificates();
    let pki = run.path().join("pki");
    run.file("pki/ca.key", format!("-----BEGIN PRIVATE KEY-----\n{body}\n"));
    let done = run.arg("--cert-dir").arg(&pki).run();
    assert!(!done.everything().contains("S3CR3T"), "{}", done.everything());
    assert_eq!(done.code, Some(0), "{}", done.everything());
    assert!(std::fs::read_to_string(pki.join("ca.key")).unwrap().contains("END EC PRIVATE KEY"));
}
