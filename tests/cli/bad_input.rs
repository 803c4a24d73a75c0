//! Input that is no configuration at all: each ends soon, with exit code 2 and a place, and never in a crash.

use std::time::Duration;

use super::support::{CLUSTER, Done, KUBECONFIGS, Run, config, dry_run, is_root, kubestrap};

/// How long any input may take. Other tests run beside this one, and without optimization all is slow.
const LIMIT: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 5 });

fn init() -> Run {
    kubestrap(&["init", "--dry-run", "--skip-phases", "preflight", "--kubeconfig-dir", KUBECONFIGS])
}

/// Runs `init` on a file of this content, which must be refused soon.
fn refused(content: impl AsRef<[u8]>, parts: &[&str]) -> Done {
    let done = init().config(content).run().refused(2, &["config.yaml"]);
    done.in_time().refused(2, parts)
}

impl Done {
    fn in_time(self) -> Self {
        assert!(self.took < LIMIT, "took {:?}: {}", self.took, self.stderr);
        assert!(self.stderr.len() < 1 << 20, "{} bytes of words", self.stderr.len());
        self
    }
}

#[test]
fn what_is_no_file() {
    init().args("--config absent.yaml").run().refused(2, &["absent.yaml", "No such file"]);
    let run = init().args("--config folder");
    std::fs::create_dir(run.path().join("folder")).unwrap();
    run.run().refused(2, &["folder", "Is a directory"]);
    init().args("--config /dev/zero").run().in_time().refused(2, &["/dev/zero: is larger than 8 MiB"]);
    init().args("--config -").stdin("").run().refused(2, &["-: there is no InitConfiguration"]);
    if !is_root() {
        let run = init().config("x");
        use std::os::unix::fs::PermissionsExt;
        let none = std::fs::Permissions::from_mode(0o0);
        std::fs::set_permissions(run.path().join("config.yaml"), none).unwrap();
        run.run().refused(2, &["config.yaml", "Permission denied"]);
    }
}

#[test]
fn what_is_empty() {
    for text in ["", "\n\n", "# a comment\n", "---\n---\n", "--- # a\n# b\n", "null\n", "~"] {
        refused(text, &["config.yaml: there is no InitConfiguration and no ClusterConfiguration", "v1beta4"]);
    }
}

#[test]
fn what_is_no_mapping() {
    for text in ["just words", "42", "[]", "{}", "- a\n- b\n", "true", "{\"a\": 1}", "\"text\"", "x: y"] {
        refused(text, &["config.yaml:1:1", "apiVersion", "kind"]);
    }
}

#[test]
fn a_configuration_that_was_cut_off() {
    let whole = config(
        "",
        "apiServer:\n  certSANs: [\"a.example\", 'b.example']\n  extraArgs:\n  - {name: v, value: \"4\"}\n",
    );
    // A cut may leave a shorter configuration that is right. It may not leave a crash, nor an error without a place.
    let mut refusals = 0;
    for end in (1..whole.len()).step_by(11) {
        let done =
            kubestrap(&["phase", "control-plane", "all", "--dry-run"]).config(&whole[..end]).run().in_time();
        if done.code == Some(2) {
            refusals += 1;
            done.refused(2, &["config.yaml"]);
        }
    }
    assert!(refusals > 10, "{refusals}");
    for (text, line) in [
        (format!("{CLUSTER}clusterName: 'x"), "6:14"),
        (format!("{CLUSTER}clusterName: \"x"), "6:14"),
        (format!("{CLUSTER}apiServer: {{certSANs: [a,"), "config.yaml:"),
    ] {
        refused(text, &[line]);
    }
}

#[test]
fn what_is_not_text() {
    refused([0xff, 0xfe, 0x00], &["config.yaml: is not text: byte 1"]);
    refused([CLUSTER.as_bytes(), b"clusterName: \xc3\x28\n"].concat(), &["is not text: byte"]);
    let utf16: Vec<u8> = CLUSTER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    refused([&[0xff, 0xfe][..], &utf16].concat(), &["is not text"]);
    refused(utf16, &[]);
    let noise: Vec<u8> = (0..5000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    refused(noise, &[]);
    refused(std::fs::read("/proc/self/exe").unwrap().split_at(4096).0, &[]);
    refused(format!("{CLUSTER}clusterName: a\0b\n"), &["config.yaml:6:"]);
    refused(format!("{CLUSTER}clusterName: \"a\0b\"\n"), &["config.yaml:6:"]);
    refused("\0", &[]);
    refused(vec![0; 100_000], &[]);
}

#[test]
fn what_is_indented_wrong() {
    refused(
        format!("{CLUSTER}networking:\n  podSubnet: 10.244.0.0/16\n   serviceSubnet: oops\n"),
        &["config.yaml:8:"],
    );
    refused(format!("{CLUSTER}networking:\n\tpodSubnet: 10.244.0.0/16\n"), &["config.yaml:7:", "tab"]);
    refused(format!("{CLUSTER}networking: [a\nb: c\n"), &["config.yaml:"]);
    refused(format!("{CLUSTER}clusterName: a: b\n"), &["config.yaml:6:"]);
    refused(format!("{CLUSTER}clusterName: @a\n"), &["config.yaml:6:"]);
    refused(format!("{CLUSTER}clusterName: *unknown\n"), &["config.yaml:6:"]);
}

#[test]
fn what_windows_and_old_editors_write_is_fine() {
    let named = |text: String| {
        let done = dry_run().config(text).args("--skip-phases addon").run().succeeded();
        assert!(!done.stderr.contains("[config] WARNING"), "{}", done.stderr);
        assert!(done.text("/etc/kubernetes/manifests/kube-controller-manager.yaml").contains("=named\n"));
    };
    let text = config("", "clusterName: named");
    named(text.replace('\n', "\r\n"));
    named(format!("\u{feff}{text}"));
    named(text.trim_end().to_owned());
    named(format!("---\n{text}...\n"));
    named(format!("%YAML 1.1\n---\n{text}"));
}

#[test]
fn json_is_fine_too() {
    let documents = kubestrap::testing::parse_values(&config("", "clusterName: named")).unwrap();
    let json = documents.iter().map(|d| format!("---\n{d}\n")).collect::<String>();
    dry_run().config(json).run().succeeded();
    refused("{\"apiVersion\": \"kubeadm.k8s.io/v1beta4\", \"kind\": ", &["config.yaml:"]);
    refused(
        "{\"apiVersion\": \"kubeadm.k8s.io/v1beta4\" \"kind\": \"ClusterConfiguration\"}",
        &["config.yaml:"],
    );
}

#[test]
fn what_is_given_twice_is_told() {
    let done = init().config(config("", "clusterName: a\nclusterName: b")).run().succeeded();
    assert!(done.stderr.contains("config.yaml:15:1: field `clusterName` is given twice"), "{}", done.stderr);
    assert!(done.stdout.contains("--cluster-name=b\n"));
    let strict = init().args("--strict").config(config("", "clusterName: a\nclusterName: b"));
    strict.run().refused(2, &["config.yaml:15:1", "given twice"]);
    refused(format!("{}---\n{CLUSTER}", config("", "")), &["\"ClusterConfiguration\" is given twice"]);
}

#[test]
fn what_is_huge() {
    refused(format!("{CLUSTER}clusterName: {}\n", "x".repeat(50 << 20)), &["is larger than 8 MiB"]);
    init()
        .args("--config -")
        .stdin("# a comment\n".repeat((50 << 20) / 12))
        .run()
        .in_time()
        .refused(2, &["-: is larger than 8 MiB"]);
    refused(format!("{CLUSTER}{}", "# a comment\n".repeat((7 << 20) / 12)), &["config.yaml"]);
    refused(format!("{CLUSTER}{}", "---\n".repeat(900_000)), &["config.yaml"]);
    // Just what is still read: a name of 200 000 letters is no cluster name, but no reason to crash either.
    let long = init().config(config("", &format!("clusterName: {}", "x".repeat(200_000)))).run().in_time();
    assert!(matches!(long.code, Some(0 | 2)), "{:?}", long.code);
}

#[test]
fn what_is_many() {
    for text in [
        format!("{CLUSTER}{}", "clusterName: a\n".repeat(30_000)),
        format!("{CLUSTER}{}", (0..30_000).map(|i| format!("clusterNam{i}: a\n")).collect::<String>()),
        format!("{CLUSTER}apiServer:\n  certSANs:\n{}", "  - a..b\n".repeat(30_000)),
        format!("{CLUSTER}apiServer:\n  extraArgs:\n{}", "  - {name: -v, value: '1'}\n".repeat(30_000)),
        (0..20_000).map(|i| format!("apiVersion: v1\nkind: K{i}\n---\n")).collect::<String>(),
    ] {
        let done = init().args("--strict").config(&text).run();
        assert!(matches!(done.code, Some(0 | 2)), "{:?} {}", done.code, done.stderr);
        assert!(done.took < LIMIT, "{:?}: {}", done.took, &text[..200]);
    }
}

#[test]
fn what_nests_deep() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("[[{a: [", "]}]]"), ("? ", "")] {
        for depth in [150, 20_000] {
            let text = format!("{CLUSTER}apiServer: {}1{}\n", open.repeat(depth), close.repeat(depth));
            refused(text, &["config.yaml:6:"]);
            refused(format!("{}1{}\n", open.repeat(depth), close.repeat(depth)), &["config.yaml:"]);
        }
        refused(format!("{CLUSTER}apiServer: {}\n", open.repeat(100_000)), &["config.yaml:"]);
    }
    let steps: String = (0..2_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    refused(format!("{CLUSTER}{steps}"), &["config.yaml:"]);
}

#[test]
fn what_explodes() {
    let laughs: String = (b'b'..=b'm')
        .map(|c| format!("{0}: &{0} [{1}]\n", c as char, vec![format!("*{}", (c - 1) as char); 9].join(", ")))
        .collect();
    refused(format!("{CLUSTER}a: &a [x, x, x, x, x, x, x, x, x]\n{laughs}"), &["config.yaml:"]);
    let merges: String = (b'b'..=b'm')
        .map(|c| {
            format!(
                "{0}: &{0} {{<<: [{1}]}}\n",
                c as char,
                vec![format!("*{}", (c - 1) as char); 9].join(", ")
            )
        })
        .collect();
    let done = init().config(config("", &format!("a: &a {{x: 1}}\n{merges}"))).run().in_time();
    assert!(matches!(done.code, Some(0 | 2)), "{:?}", done.code);
    refused(format!("{CLUSTER}apiServer: &a {{extraArgs: *a}}\n"), &["config.yaml:6:", "alias"]);
    refused(format!("{CLUSTER}a: &a {{<<: *a}}\n"), &["config.yaml:6:", "alias"]);
    let scalar = "x".repeat(40_000);
    refused(format!("{CLUSTER}a: &a {scalar}\nb: [{}]\n", "*a, ".repeat(400_000)), &["config.yaml:"]);
}

#[test]
fn anchors_that_help_are_read() {
    let text =
        config("", "apiServer: {extraArgs: &args [{name: v, value: '7'}]}\nscheduler: {extraArgs: *args}\n");
    let done = init().config(text).run().succeeded();
    assert_eq!(done.stdout.matches("- --v=7\n").count(), 2);
}
