//! A dry run: what it prints can be used, it needs no root, and it leaves the machine alone.

use std::process::Command;
use std::time::SystemTime;

use k8s_openapi::api::core::v1::Pod;
use serde::Deserialize;

use super::support::{config, dry_run, files, kubestrap, note_skipped, program, tool};

const MANIFESTS: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];

#[test]
fn stdout_is_a_yaml_stream_with_manifests_that_are_pods() {
    let done = dry_run().config(config("", "networking: {podSubnet: 10.244.0.0/16}")).succeeded_run();
    let documents: Vec<serde_yaml::Value> = serde_yaml::Deserializer::from_str(&done.stdout)
        .map(|d| serde_yaml::Value::deserialize(d).expect("YAML 1.2 reads the stream"))
        .collect();
    let values = kubestrap::testing::parse_values(&done.stdout).expect("YAML 1.1 reads the stream");
    let filled = documents.iter().filter(|d| !d.is_null()).count();
    assert_eq!(filled, values.iter().filter(|v| !v.is_null()).count());
    for component in MANIFESTS {
        let text = &done.documents()[&format!("/etc/kubernetes/manifests/{component}.yaml")];
        let pod: Pod = serde_yaml::from_str(text).unwrap();
        assert_eq!(pod.metadata.name.as_deref(), Some(component));
        assert_eq!(pod.spec.unwrap().containers.len(), 1);
        assert_eq!(*text, done.text(&format!("/etc/kubernetes/manifests/{component}.yaml")));
    }
    let kinds = |kind: &str| values.iter().filter(|v| v["kind"] == kind).count();
    assert_eq!((kinds("Pod"), kinds("KubeletConfiguration")), (4, 1));
    for object in done.objects() {
        let named =
            |v: &&serde_json::Value| v["kind"] == object["kind"] && v["metadata"] == object["metadata"];
        assert_eq!(values.iter().filter(named).count(), 1, "on stdout: {}", object["metadata"]);
    }
}

#[test]
fn what_is_shown_and_what_is_not_add_up() {
    let done = dry_run().config(config("", "")).succeeded_run();
    let shown = done.documents();
    let left_out = done.stderr.lines().find(|l| l.contains("Not shown")).unwrap();
    for file in files(&done.out()).iter().filter(|f| !f.ends_with("cluster-objects.yaml")) {
        let path = format!("/{}", file.strip_prefix(done.out()).unwrap().display());
        let hidden = left_out.contains(&format!(" {path},")) || left_out.ends_with(&format!(" {path}"));
        assert_ne!(shown.contains_key(&path), hidden, "{path} is shown, or told not to be");
        let secret = [".key", ".conf", ".crt", ".pub"].iter().any(|end| path.ends_with(end));
        assert_eq!(hidden, secret, "{path}");
    }
}

#[test]
fn kubectl_takes_the_stream() {
    if program("kubectl").is_none() {
        return note_skipped("kubectl is not here");
    }
    let done = dry_run().config(config("", "")).succeeded_run();
    for component in MANIFESTS {
        // `kubectl label --local` decodes by the type that kubectl knows, and asks no server.
        let file = done.file(&format!("/etc/kubernetes/manifests/{component}.yaml"));
        let mut command = Command::new("kubectl");
        command.args(["label", "--local", "--overwrite", "-o", "name", "tested=yes", "-f"]).arg(&file);
        assert_eq!(tool(&mut command), format!("pod/{component}\n"));
    }
    let mut command = Command::new("kubectl");
    command.args(["label", "--local", "--overwrite", "-o", "name", "tested=yes", "-f"]);
    let names = tool(command.arg(done.out().join("cluster-objects.yaml")));
    assert_eq!(names.lines().count(), done.objects().len(), "{names}");
}

#[test]
fn needs_no_root_and_not_even_a_place_to_write() {
    let run = kubestrap(&["init", "--dry-run", "--kubeconfig-dir", super::support::KUBECONFIGS]);
    let done = run.config(config("", "")).env("TMPDIR", "/nonexistent").run_by_nobody().run().succeeded();
    assert!(done.stdout.contains("kind: Pod"));
    let mut left: Vec<_> = files(done.path());
    left.retain(|f| !f.ends_with("bin/kubestrap") && !f.ends_with("config.yaml"));
    assert!(left.is_empty(), "{left:?}");
    let with_dir = dry_run().config(config("", "")).run_by_nobody().run().succeeded();
    assert!(with_dir.file("/etc/kubernetes/manifests/etcd.yaml").is_file());
}

#[test]
fn without_a_configuration_it_makes_do_with_what_the_machine_has() {
    let done = kubestrap(&["init", "--dry-run"])
        .args("--cert-dir /opt/kubestrap-test/pki --kubeconfig-dir /opt/kubestrap-test")
        .run_by_nobody()
        .run()
        .succeeded();
    assert_eq!(done.stdout.matches("\nkind: Pod\n").count(), 4);
}

/// Names and times of everything in the folders that a real init writes to.
fn machine() -> Vec<(std::path::PathBuf, Option<SystemTime>)> {
    let places = [
        "/etc/kubernetes",
        "/var/lib/kubelet",
        "/var/lib/etcd",
        "/etc/systemd/system",
        "/opt/kubestrap-test",
    ];
    let all = places.iter().flat_map(|p| {
        let own = std::iter::once(std::path::PathBuf::from(p));
        // kubelet's folder of a running machine changes by itself below its top.
        let below = std::fs::read_dir(p).into_iter().flatten().map(|e| e.unwrap().path());
        own.chain(below)
    });
    all.map(|p| (p.clone(), std::fs::symlink_metadata(&p).and_then(|m| m.modified()).ok())).collect()
}

#[test]
fn the_machine_is_as_before() {
    // Somebody else may be at work on this machine; but not all the time.
    let unchanged = (0..5).any(|_| {
        let before = machine();
        for args in ["", "--upload-certs -o json"] {
            let done = dry_run().config(config("", "")).args(args).succeeded_run();
            let mut left: Vec<_> =
                std::fs::read_dir(done.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
            left.sort();
            assert_eq!(left, ["config.yaml", "out"], "the working directory");
        }
        before == machine()
    });
    assert!(unchanged, "a dry run leaves traces: {:#?}", machine());
}

#[test]
fn a_folder_in_use_is_refused() {
    let run = dry_run().config(config("", ""));
    run.file("out/mine", "x");
    let done = run.run().refused(2, &["/out:", "absent or empty"]);
    assert_eq!(files(&done.out()), [done.out().join("mine")]);
    assert_eq!(done.stdout, "");
    let run = dry_run().config(config("", ""));
    run.file("out", "a file");
    run.run().refused(2, &["/out", "a file is where a directory should be"]);
    let run = dry_run().config(config("", ""));
    std::fs::create_dir(run.path().join("out")).unwrap();
    run.run().succeeded();
}

#[test]
fn the_folder_is_for_dry_runs_only() {
    kubestrap(&["init", "--dry-run-dir", "out"]).run().refused(2, &["--dry-run"]);
}

#[test]
fn machines_get_one_json_object_a_line_and_the_result_last() {
    let done = dry_run().config(config("", "")).args("-o json").succeeded_run();
    let events: Vec<serde_json::Value> =
        done.stdout.lines().map(|l| serde_json::from_str(l).expect(l)).collect();
    for event in &events {
        assert!(event["event"].is_string() && event["time"].is_string(), "{event}");
    }
    let started = events.iter().filter(|e| e["event"] == "phase" && e["status"] == "started").count();
    let ended = events
        .iter()
        .filter(|e| e["event"] == "phase" && (e["status"] == "done" || e["status"] == "skipped"));
    assert_eq!((started, started > 20), (ended.count(), true));
    assert!(
        events.iter().any(|e| e["event"] == "document" && e["content"].as_str().unwrap().contains("Pod"))
    );
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["ok"]), (&"result".into(), &true.into()), "{last}");
    let failed = dry_run().config("x: y\n").args("-o json").run().refused(2, &[]);
    let last: serde_json::Value = serde_json::from_str(failed.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["event"], &last["ok"], &last["exitCode"]),
        (&"result".into(), &false.into(), &2.into())
    );
    assert!(last["error"].as_str().unwrap().contains("apiVersion"), "{last}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let run = dry_run().config(config("", ""));
    let mut child = run.command().stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_configuration_may_come_from_standard_input() {
    let done = dry_run().args("--config -").stdin(config("", "clusterName: from-stdin")).succeeded_run();
    assert!(done.text("/etc/kubernetes/manifests/kube-controller-manager.yaml").contains("from-stdin"));
    dry_run().args("--config -").stdin("x: y\n").run().refused(2, &["-:1:1", "apiVersion"]);
}

#[test]
fn print_manifest_prints_the_addons_and_installs_nothing() {
    let print = |phase: &str| {
        // There is no such kubeconfig: an attempt to install would fail.
        let flags = "--print-manifest --kubeconfig none.conf";
        kubestrap(&["init", "phase"]).args(phase).args(flags).config(config("", "")).run()
    };
    let kinds = |phase: &str| {
        let done = print(phase).succeeded();
        let values = kubestrap::testing::parse_values(&done.stdout).expect("a YAML stream");
        ["Deployment", "DaemonSet"].map(|kind| values.iter().filter(|v| v["kind"] == kind).count())
    };
    assert_eq!(kinds("addon coredns"), [1, 0]);
    assert_eq!(kinds("addon kube-proxy"), [0, 1]);
    assert_eq!(kinds("addon all"), [1, 1]);
    print("mark-control-plane").refused(2, &["--print-manifest", "init phase addon"]);
}

#[test]
fn phases_alone_do_their_part() {
    let done =
        kubestrap(&["phase", "control-plane", "all", "--dry-run"]).config(config("", "")).succeeded_run();
    let names: Vec<String> = done.documents().into_keys().collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let long = kubestrap(&["init", "phase", "control-plane", "all", "--dry-run"])
        .config(config("", ""))
        .succeeded_run();
    assert_eq!(long.stdout, done.stdout);
    let one = kubestrap(&["phase", "control-plane", "scheduler", "--dry-run"])
        .config(config("", ""))
        .succeeded_run();
    assert_eq!(one.documents().len(), 1);
}

impl super::support::Run {
    fn succeeded_run(self) -> super::support::Done {
        self.run().succeeded()
    }
}
