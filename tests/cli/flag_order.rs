//! Flags before the sub-command that they belong to.

use crate::support::{config, kubestrap};

/// What a command prints, whichever order its arguments have.
#[track_caller]
fn same(ordered: &str, others: &[&str]) {
    let run = |args: &str| {
        let run = kubestrap(&[]).args(args);
        run.file("config.yaml", config("", ""));
        run.run().succeeded().stdout
    };
    let expected = run(ordered);
    assert!(!expected.is_empty(), "{ordered}");
    for other in others {
        assert_eq!(run(other), expected, "{other}");
    }
}

#[test]
fn a_flag_counts_wherever_it_stands() {
    same(
        "config images list --config config.yaml -o json",
        &[
            "config --config config.yaml images -o json list",
            "--config=config.yaml -ojson config images list",
            "config images --kubeconfig /no/such/file --config config.yaml --output=json list",
        ],
    );
    same(
        "token create abcdef.0123456789abcdef --dry-run --ttl 0 -v 0",
        &[
            "token --ttl 0 create --dry-run abcdef.0123456789abcdef",
            "--dry-run -v 0 token --ttl=0 create abcdef.0123456789abcdef",
        ],
    );
}

#[test]
fn a_phase_takes_what_stands_before_it() {
    let dry_run = |args: &str| {
        let run = kubestrap(&[]).args(args);
        run.file("config.yaml", config("", ""));
        run.run().succeeded()
    };
    for args in [
        "init phase --config config.yaml --dry-run control-plane apiserver",
        "init --config config.yaml --dry-run phase control-plane apiserver",
        "phase control-plane --dry-run=true --config=config.yaml apiserver",
    ] {
        let done = dry_run(args);
        let manifest = done.documents().remove("/etc/kubernetes/manifests/kube-apiserver.yaml");
        assert!(manifest.is_some_and(|text| text.contains("192.0.2.2")), "{args}: {}", done.everything());
    }
}

#[test]
fn an_error_names_the_command_that_was_called() {
    for (args, parts) in [
        ("token --nope create", ["--nope", "token create"]),
        ("--config x token create --nope", ["--nope", "token create"]),
        ("init --upload-certs phase certs ca --nope", ["--nope", "init phase certs ca"]),
        ("token --usages x nope", ["nope", "token"]),
    ] {
        kubestrap(&[]).args(args).run().refused(2, &parts);
    }
}
