//! `upgrade` on a machine that is a folder, asking an API server that knows what the cluster stores: refusals, plans,
//! differences and dry runs as their users read them.

use std::fs;

use serde_json::{Value, json};

use super::api::Api;
use super::support::{
    CLUSTER, FILE_PHASES, INIT, Machine, PKI, Run, dry_run_here, is_root, kubeadm, kubestrap, note_skipped,
};

const OLD: &str = "v1.35.6";
pub(crate) const NEW: &str = "v1.36.2";

/// A control plane of the old version: its machine, and its API server.
pub(crate) struct Site {
    pub(crate) machine: Machine,
    pub(crate) api: Api,
}

/// Where this can be tested.
pub(crate) fn site() -> Option<Site> {
    if !is_root() {
        note_skipped("only root can change its root folder, to have a machine of its own");
        return None;
    }
    let config = format!("{INIT}---\n{}", CLUSTER.replace(PKI, "/etc/kubernetes/pki").replace(NEW, OLD));
    let machine = Machine::new();
    fs::write(machine.file("/config.yaml"), &config).unwrap();
    for phase in FILE_PHASES {
        let run = kubestrap(&["init", "phase"]).args(phase).args("--config /config.yaml --rootfs");
        run.arg(machine.file("")).run().succeeded();
    }
    let init = dry_run_here().args("--kubeconfig-dir /opt/kubestrap-test").config(&config).run().succeeded();
    let mut objects = init.objects();
    objects.retain(|object| object["kind"] != "Node" && object["kind"] != "Secret");
    objects.push(node("cp-1", true));
    for (component, tag) in [
        ("etcd", "3.6.6-0"),
        ("kube-apiserver", OLD),
        ("kube-controller-manager", OLD),
        ("kube-scheduler", OLD),
    ] {
        objects.push(pod(component, "cp-1", tag));
    }
    let api = Api::start(objects);
    let admin = machine.file("/etc/kubernetes/admin.conf");
    let kubeconfig = fs::read_to_string(&admin).unwrap();
    fs::write(admin, kubeconfig.replace("https://192.0.2.2:6443", api.url())).unwrap();
    Some(Site { machine, api })
}

pub(crate) fn node(name: &str, control_plane: bool) -> Value {
    let labels =
        if control_plane { json!({ "node-role.kubernetes.io/control-plane": "" }) } else { json!({}) };
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": name, "labels": labels },
        "status": {
            "nodeInfo": { "kubeletVersion": OLD },
            "conditions": [{ "type": "Ready", "status": "True" }],
        },
    })
}

pub(crate) fn pod(component: &str, node: &str, tag: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": format!("{component}-{node}"),
            "namespace": "kube-system",
            "labels": { "component": component, "tier": "control-plane" },
        },
        "spec": {
            "nodeName": node,
            "containers": [{ "name": component, "image": format!("registry.k8s.io/{component}:{tag}") }],
        },
    })
}

impl Site {
    fn run(&self, args: &str) -> Run {
        kubestrap(&["upgrade"]).args(args).arg("--rootfs").arg(self.machine.file(""))
    }

    /// Everything that a run printed, first what is data; it must end with this code and change nothing.
    #[track_caller]
    pub(crate) fn told(&self, args: &str, code: i32) -> String {
        let before = self.files();
        let done = self.run(args).run();
        assert_eq!(done.code, Some(code), "{}", done.everything());
        assert!(before == self.files(), "it changed a file");
        assert_eq!(self.api.writes(), [""; 0]);
        let heard =
            if done.stderr.is_empty() { String::new() } else { format!("--- stderr\n{}", done.stderr) };
        format!("{}{heard}", done.stdout).replace(self.api.url(), "SERVER")
    }

    fn files(&self) -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let files = self.machine.files();
        files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }

    /// Changes the text of the ClusterConfiguration that the cluster stores.
    pub(crate) fn stored(&self, change: impl FnOnce(&str) -> String) {
        self.api.change("ConfigMap", "kubeadm-config", |map| {
            let text = map["data"]["ClusterConfiguration"].as_str().unwrap();
            map["data"]["ClusterConfiguration"] = change(text).into();
        });
    }
}

/// Holds a text against its snapshot. What the machine's checks find differs from machine to machine.
fn shown(name: &str, text: &str) {
    let of_machine = |line: &&str| {
        let line = line.strip_prefix("[preflight] [").unwrap_or_default();
        line.starts_with("ERROR") || line.starts_with("WARNING")
    };
    let mut lines = vec![];
    let mut skipping = false;
    for line in text.lines() {
        skipping = of_machine(&line) || skipping && line.starts_with("    ");
        if !skipping {
            lines.push(line);
        }
    }
    let time = regex::Regex::new(r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d").unwrap();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots/upgrade");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, time.replace_all(&lines.join("\n"), "TIME")));
}

#[test]
fn plan_tells_versions_and_what_would_go_wrong() {
    let Some(site) = site() else { return };
    shown("plan", &site.told("plan v1.36.2", 0));
    shown("plan-without-a-version", &site.told("plan", 0));
    site.stored(|text| {
        text.replace("scheduler: {}", "scheduler: {extraArgs: [{name: no-such-flag, value: a}]}")
    });
    site.api.change("Node", "cp-1", |node| node["status"]["conditions"][0]["status"] = "False".into());
    shown("plan-refused", &site.told("plan v1.36.2", 3));
}

#[test]
fn plan_prints_the_command_to_run_under_the_name_that_callers_look_for() {
    let Some(site) = site() else { return };
    let run = kubeadm("upgrade plan v1.36.2 --rootfs").arg(site.machine.file(""));
    let told = run.run().succeeded().stdout;
    assert!(told.contains("\n\tkubeadm upgrade apply v1.36.2\n") && !told.contains("kubestrap"), "{told}");
}

#[test]
fn control_plane_node_that_is_not_ready_stops_apply_and_not_the_upgrade_of_another_node() {
    let Some(site) = site() else { return };
    site.api.change("Node", "cp-1", |node| node["status"]["conditions"][0]["status"] = "False".into());
    assert!(site.told("apply v1.36.2 --yes --dry-run", 3).contains("[ERROR ControlPlaneNodesReady]"));
    assert!(site.told("node --dry-run", 0).contains("[WARNING ControlPlaneNodesReady]"));
}

#[test]
fn diff_shows_files_and_objects_and_nothing_where_they_are_the_same() {
    let Some(site) = site() else { return };
    shown("diff", &site.told("diff v1.36.2 --context-lines 0", 0));
    shown("diff-same", &site.told("diff", 0));
}

#[test]
fn etcd_that_joined_others_differs_in_its_image_alone() {
    let Some(site) = site() else { return };
    let manifest = site.machine.file("/etc/kubernetes/manifests/etcd.yaml");
    let text = fs::read_to_string(&manifest).unwrap();
    let own = "--initial-cluster=cp-1=https://192.0.2.2:2380";
    let joined = "--initial-cluster=cp-0=https://192.0.2.9:2380,cp-1=https://192.0.2.2:2380\n    - --initial-cluster-state=existing";
    assert!(text.contains(own), "{text}");
    fs::write(&manifest, text.replace(own, joined)).unwrap();
    let told = site.told("node --dry-run", 0);
    assert!(told.contains("manifests of etcd are equal"), "{told}");
    let told = site.told("diff v1.36.2", 0);
    assert!(!told.contains("-    - --initial-cluster"), "{told}");
}

#[test]
fn dry_runs_say_what_would_be_done_and_leave_it_in_a_folder() {
    let Some(site) = site() else { return };
    let logged = |told: String| told.split("--- stderr\n").nth(1).unwrap_or_default().to_owned();
    shown("apply-dry-run", &logged(site.told("apply v1.36.2 --yes --dry-run", 0)));
    shown("node-dry-run", &logged(site.told("node --dry-run", 0)));
    site.run("apply v1.36.2 --yes --dry-run --dry-run-dir /tmp/out").run().succeeded();
    let pod = |component: &str| {
        let path = format!("/tmp/out/etc/kubernetes/manifests/{component}.yaml");
        fs::read_to_string(site.machine.file(&path)).unwrap()
    };
    assert!(pod("kube-apiserver").contains("image: registry.k8s.io/kube-apiserver:v1.36.2\n"));
    assert!(pod("etcd").contains("image: registry.k8s.io/etcd:3.6.8-0\n"));
    let objects = fs::read_to_string(site.machine.file("/tmp/out/cluster-objects.yaml")).unwrap();
    assert!(objects.contains("kubernetesVersion: v1.36.2"), "{objects}");
}

#[test]
fn versions_that_can_not_follow_are_refused_with_the_way_to_go() {
    let Some(site) = site() else { return };
    let mut all = String::new();
    for (args, code) in [
        ("apply --yes", 2),
        ("apply 1.x --yes", 2),
        ("apply v1.36.2", 1),
        ("apply v1.34.9 --yes", 3),
        ("apply v1.37.0 --yes", 3),
        ("apply v1.36.0-beta.0 --yes", 3),
        ("apply v1.36.99 --yes", 3),
        ("apply v1.36.2 --yes --skip-phases nonsense", 2),
    ] {
        all += &format!("$ upgrade {args}\n{}\n", site.told(args, code));
    }
    shown("refused-versions", &all);
}

#[test]
fn cluster_that_can_not_be_read_is_told_with_the_cause() {
    let mut all = String::new();
    let mut add = |what: &str, site: &Site, code| {
        all += &format!("$ {what}\n{}\n", site.told("apply v1.36.2 --yes", code));
    };
    let Some(site) = site() else { return };
    site.stored(|_| "a: [".into());
    add("kubeadm-config that is not YAML", &site, 1);
    site.stored(|_| "apiVersion: kubeadm.k8s.io/v1beta9\nkind: ClusterConfiguration\n".into());
    add("kubeadm-config of a newer version", &site, 1);
    site.api.remove("ConfigMap", "kubeadm-config");
    add("no kubeadm-config", &site, 1);
    fs::create_dir_all(site.machine.file("/etc/kubernetes/tmp")).unwrap();
    fs::write(site.machine.file("/etc/kubernetes/tmp/kubestrap-upgrade.json"), "{").unwrap();
    add("a journal that can't be read", &site, 1);
    fs::remove_file(site.machine.file("/etc/kubernetes/admin.conf")).unwrap();
    fs::remove_dir_all(site.machine.file("/etc/kubernetes/tmp")).unwrap();
    add("no admin.conf", &site, 1);
    shown("unreadable-cluster", &all);
}

/// What is changed, how, the version asked for, and the exit code.
type Case = (&'static str, fn(&Site), &'static str, i32);

#[test]
fn what_is_seen_ahead_refuses_the_upgrade_before_anything_is_changed() {
    let mut all = String::new();
    let changes: [Case; 7] = [
        (
            "a node that is not ready",
            |site| {
                site.api.change("Node", "cp-1", |node| {
                    node["status"]["conditions"][0]["status"] = "False".into()
                });
            },
            NEW,
            3,
        ),
        (
            "a kubelet that is too old",
            |site| {
                let mut old = node("old", false);
                old["status"]["nodeInfo"]["kubeletVersion"] = "v1.32.1".into();
                site.api.put(old);
            },
            NEW,
            3,
        ),
        (
            "a control plane that is two minors behind",
            |site| {
                site.api.put(node("cp-2", true));
                site.api.put(pod("kube-apiserver", "cp-2", "v1.34.1"));
            },
            NEW,
            3,
        ),
        ("no Node of this machine", |site| site.api.remove("Node", "cp-1"), NEW, 3),
        (
            "kube-proxy that was removed",
            |site| {
                site.api.remove("ConfigMap", "kube-proxy");
                site.api.remove("DaemonSet", "kube-proxy");
            },
            NEW,
            0,
        ),
        (
            "a manifest that is missing",
            |site| {
                fs::remove_file(site.machine.file("/etc/kubernetes/manifests/kube-scheduler.yaml")).unwrap();
            },
            NEW,
            3,
        ),
        (
            "v1beta3 for a version without it",
            |site| {
                for component in ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
                    site.api.put(pod(component, "cp-1", "v1.36.2"));
                }
                site.stored(|_| {
                "apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.2\n"
                    .into()
            });
            },
            "v1.37.0",
            0,
        ),
    ];
    for (what, change, version, code) in changes {
        let Some(site) = site() else { return };
        change(&site);
        all += &format!("$ {what}\n{}\n", site.told(&format!("plan {version}"), code));
    }
    shown("seen-ahead", &all);
}
