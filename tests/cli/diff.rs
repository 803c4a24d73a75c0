//! `diff`: what init would change, told without changing it.

use serde_json::Value;

use super::support::{KUBECONFIGS, Machine, config, is_root, kubestrap, note_skipped};

/// Whether this can't be tested here: it needs a root folder of its own.
fn no_root() -> bool {
    if !is_root() {
        note_skipped("only root can change its root folder, to have a machine of its own");
    }
    !is_root()
}

#[test]
fn on_a_fresh_machine_everything_would_be_made_and_nothing_is() {
    let run = kubestrap(&["diff", "--kubeconfig-dir", KUBECONFIGS]).config(config("", ""));
    let done = run.run();
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    for part in [
        "--- /dev/null\n+++ /etc/kubernetes/manifests/etcd.yaml\n",
        "+++ /var/lib/kubelet/config.yaml\n",
        "+private key (not shown), ECDSA-P256\n",
        "+  DNS kubernetes.default.svc.cluster.local\n",
        "+server https://192.0.2.2:6443\n",
    ] {
        assert!(done.stdout.contains(part), "no {part:?} in {}", done.stdout);
    }
    assert!(!done.stdout.contains("-----BEGIN") && !done.stdout.contains("LS0t"), "{}", done.stdout);
    assert!(done.stderr.contains("Could not compare the cluster's objects"), "{}", done.stderr);
    assert!(!std::path::Path::new(KUBECONFIGS).exists());
}

#[test]
fn what_says_the_same_is_no_difference() {
    if no_root() {
        return;
    }
    let machine = Machine::with_files();
    let manifest = machine.file("/etc/kubernetes/manifests/kube-scheduler.yaml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let value: Value = kubestrap::testing::parse_values(&text).unwrap().remove(0);
    std::fs::write(&manifest, format!("# mine\n{}", serde_json::to_string_pretty(&value).unwrap())).unwrap();
    let before = std::fs::read(&manifest).unwrap();
    let done = machine.run("diff", "").run().succeeded();
    assert_eq!(done.stdout, "");
    assert!(done.stderr.contains("0 files would be created or changed"), "{}", done.stderr);
    machine.run("init phase control-plane all", "").run().succeeded();
    assert!(std::fs::read(&manifest).unwrap() == before, "init leaves it alone too");
}

#[test]
fn differences_are_those_that_init_then_makes() {
    if no_root() {
        return;
    }
    let machine = Machine::with_files();
    let more =
        "scheduler: {extraArgs: [{name: v, value: \"4\"}], extraEnvs: [{name: API_TOKEN, value: s3cret}]}";
    let done = machine.run("diff", more).run();
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert_eq!(done.stdout.matches("+++ ").count(), 1, "{}", done.stdout);
    let path = "/etc/kubernetes/manifests/kube-scheduler.yaml";
    assert!(done.stdout.starts_with(&format!("--- {path}\n+++ {path}\n@@ ")), "{}", done.stdout);
    assert!(done.stdout.contains("\n+    - --v=4\n"), "{}", done.stdout);
    assert!(!done.everything().contains("s3cret"), "{}", done.stdout);
    let json = machine.run("diff -o json", more).run();
    assert_eq!(json.code, Some(1));
    let result: Value = serde_json::from_str(json.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(result["files"][0]["path"], path);
    assert_eq!(result["files"][0]["change"], "changed");
    assert_eq!(result["files"][0]["diff"].as_str().unwrap(), done.stdout);
    assert_eq!(result["kept"].as_array().unwrap().len(), 22 + 5 + 3 + 3);
    assert_eq!((&result["exitCode"], &result["objectsCompared"]), (&1.into(), &false.into()));

    let init = machine.run("init phase control-plane all", more).run().succeeded();
    assert!(
        init.stderr.contains(&done.stdout[..done.stdout.len() - 1]),
        "init shows the same: {}",
        init.stderr
    );
    assert!(!init.everything().contains("s3cret"), "{}", init.stderr);
    assert_eq!(machine.run("diff", more).run().succeeded().stdout, "");
}

#[test]
fn what_init_would_refuse_and_what_can_not_be_told_have_codes_of_their_own() {
    kubestrap(&["diff"]).config("kind: Nothing\n").run().refused(2, &["config.yaml"]);
    kubestrap(&["diff", "--pod-network-cidr", "x"]).run().refused(2, &["pod-network-cidr"]);
    if no_root() {
        return;
    }
    let (machine, other) = (Machine::with_files(), Machine::with_files());
    let ca = "/etc/kubernetes/pki/etcd/ca.key";
    std::fs::copy(other.file(ca), machine.file(ca)).unwrap();
    std::fs::remove_file(machine.file("/etc/kubernetes/manifests/etcd.yaml")).unwrap();
    let done = machine.run("diff", "").run();
    assert_eq!(done.code, Some(3), "{}", done.stderr);
    assert!(done.stderr.contains("init would be refused") && done.stderr.contains(ca), "{}", done.stderr);
    assert!(
        done.stdout.contains("+++ /etc/kubernetes/manifests/etcd.yaml"),
        "the rest is shown: {}",
        done.stdout
    );
    let json = machine.run("diff -o json", "").run();
    let result: Value = serde_json::from_str(json.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&result["ok"], &result["exitCode"]), (&false.into(), &3.into()));
    assert!(result["refused"][0]["what"].as_str().unwrap().contains(ca), "{result}");
}
