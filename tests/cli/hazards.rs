//! Text of the user's arrives in our files as it was written, whatever YAML could take it for: every hazard, in every
//! place where text of the user's enters a file, read back by YAML 1.1 (Kubernetes' reading) and 1.2.

#[path = "../../src/yaml/hazards.rs"]
mod list;

use std::path::PathBuf;
use std::process::Command;

use list::HAZARDS;
use serde::Deserialize;
use serde_json::{Value, json};

use super::support::{Done, KUBECONFIGS, dry_run, files, note_skipped, program, tool};

/// A configuration as JSON, which every YAML reader reads alike once what is not ASCII is escaped.
fn text(documents: &[Value]) -> String {
    let escaped = |c: char| match u32::from(c) {
        code @ (0x7f..=0xffff) => format!("\\u{code:04x}"),
        _ => c.to_string(),
    };
    let json = documents.iter().map(|d| format!("---\n{d}\n")).collect::<String>();
    json.chars().map(escaped).collect()
}

fn documents(init: Value, cluster: Value, more: &[Value]) -> Vec<Value> {
    let mut base = [
        json!({
            "apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "InitConfiguration",
            "localAPIEndpoint": {"advertiseAddress": "192.0.2.2"},
            "nodeRegistration": {"name": "cp-1", "criSocket": "unix:///run/containerd/containerd.sock"},
        }),
        json!({
            "apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration",
            "kubernetesVersion": "v1.36.2", "encryptionAlgorithm": "ECDSA-P256",
            "certificatesDir": super::support::PKI,
        }),
    ];
    for (base, more) in base.iter_mut().zip([init, cluster]) {
        for (key, value) in more.as_object().unwrap() {
            match (base.get_mut(key).and_then(Value::as_object_mut), value.as_object()) {
                (Some(fields), Some(more)) => fields.extend(more.clone()),
                _ => base[key] = value.clone(),
            }
        }
    }
    base.into_iter().chain(more.iter().cloned()).collect()
}

/// Every YAML text that a run left: files, and the texts within objects; each with a name.
fn texts(done: &Done) -> Vec<(String, String)> {
    let yaml = |f: &PathBuf| f.extension().is_some_and(|e| e == "yaml" || e == "conf");
    let mut found: Vec<(String, String)> = files(&done.out())
        .iter()
        .filter(|f| yaml(f))
        .map(|f| (f.display().to_string(), std::fs::read_to_string(f).unwrap()))
        .collect();
    for object in done.objects().iter().filter(|o| o["kind"] == "ConfigMap") {
        for (key, text) in object["data"].as_object().unwrap().iter().filter(|(k, _)| *k != "Corefile") {
            found.push((format!("{} {key}", object["metadata"]["name"]), text.as_str().unwrap().to_owned()));
        }
    }
    found.push(("stdout".into(), done.stdout.clone()));
    found
}

/// Checks that all readers read the same in everything that the runs left.
fn read_alike(runs: &[Done]) {
    let texts: Vec<(String, String)> = runs.iter().flat_map(texts).collect();
    let mut read = vec![];
    for (name, text) in &texts {
        let ours = kubestrap::testing::parse_values(text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
        let newer: Vec<Value> = serde_yaml::Deserializer::from_str(text)
            .map(|d| Value::deserialize(d).unwrap_or_else(|e| panic!("{name}: {e}\n{text}")))
            .collect();
        assert_eq!(ours, newer, "YAML 1.2 reads {name} otherwise:\n{text}");
        read.push(ours);
    }
    let Some(python) = python() else {
        return note_skipped("python3 with PyYAML is not here: YAML 1.1 was read by ourselves alone");
    };
    let script = "import json, sys, yaml\n\
        texts = json.load(open(sys.argv[1]))\n\
        print(json.dumps([list(yaml.safe_load_all(t)) for t in texts], default=lambda v: 'NOT JSON: %r' % v))\n";
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("texts.json");
    let only: Vec<&String> = texts.iter().map(|(_, text)| text).collect();
    std::fs::write(&input, serde_json::to_string(&only).unwrap()).unwrap();
    let theirs = tool(Command::new(python).args(["-c", script]).arg(input));
    let theirs: Vec<Vec<Value>> = serde_json::from_str(&theirs).unwrap();
    for (((name, text), ours), theirs) in texts.iter().zip(&read).zip(&theirs) {
        assert_eq!(ours, theirs, "PyYAML reads {name} otherwise:\n{text}");
    }
}

fn python() -> Option<PathBuf> {
    let python = program("python3")?;
    let has = Command::new(&python).args(["-c", "import yaml"]).output().is_ok_and(|o| o.status.success());
    has.then_some(python)
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().map(|a| a.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

#[test]
fn in_lists_of_the_configuration() {
    let args: Vec<Value> = HAZARDS.iter().map(|h| json!({"name": "hazard", "value": h})).collect();
    let named = |h: &&&str| !h.is_empty();
    let odd_args: Vec<Value> =
        HAZARDS.iter().filter(named).map(|h| json!({"name": h, "value": "v"})).collect();
    let envs: Vec<Value> = HAZARDS.iter().map(|h| json!({"name": format!("E{h}"), "value": h})).collect();
    let volumes: Vec<Value> = HAZARDS
        .iter()
        .enumerate()
        .map(|(i, h)| {
            json!({"name": format!("{i}{h}"), "hostPath": h, "mountPath": h, "pathType": h, "readOnly": true})
        })
        .collect();
    let component = json!({"extraArgs": args, "extraEnvs": envs, "extraVolumes": volumes});
    let cluster = json!({
        "apiServer": component,
        "controllerManager": component,
        "scheduler": {"extraArgs": odd_args, "extraVolumes": HAZARDS.iter().filter(named).map(|h| {
            json!({"name": h, "hostPath": "/h", "mountPath": "/m"})
        }).collect::<Vec<_>>()},
        "etcd": {"local": {"dataDir": "/var/lib/etcd", "extraArgs": args, "extraEnvs": envs}},
    });
    let taints: Vec<Value> =
        HAZARDS.iter().map(|h| json!({"key": h, "value": h, "effect": "NoSchedule"})).collect();
    let kubelet = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "tlsCipherSuites": HAZARDS, "allowedUnsafeSysctls": HAZARDS,
        "evictionHard": HAZARDS.iter().map(|h| ((*h).to_owned(), json!(h))).collect::<serde_json::Map<_, _>>(),
    });
    let proxy = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
        "nodePortAddresses": HAZARDS,
    });
    let init = json!({
        "nodeRegistration": {"taints": taints, "kubeletExtraArgs": args, "name": "cp-1"},
        "bootstrapTokens": HAZARDS.iter().enumerate().map(|(i, h)| {
            json!({"token": format!("{i:06}.0123456789abcdef"), "description": h, "groups": []})
        }).collect::<Vec<_>>(),
    });
    let done = dry_run().config(text(&documents(init, cluster, &[kubelet, proxy]))).run().succeeded();
    for component in ["kube-apiserver", "kube-controller-manager", "etcd"] {
        let pod = done.manifest(component);
        let container = &pod["spec"]["containers"][0];
        let command = strings(&container["command"]);
        for hazard in HAZARDS {
            assert!(command.contains(&format!("--hazard={hazard}").as_str()), "{component}: {hazard:?}");
            let env = |e: &&Value| e["name"] == format!("E{hazard}").as_str();
            let found = container["env"].as_array().unwrap().iter().find(env).unwrap();
            let value = found.get("value").and_then(Value::as_str).unwrap_or_default();
            assert_eq!(value, *hazard, "{component}");
        }
        for (i, hazard) in HAZARDS.iter().enumerate().filter(|_| component != "etcd") {
            let name = format!("{i}{hazard}");
            let named = |v: &&Value| v["name"] == name.as_str();
            let volume = pod["spec"]["volumes"].as_array().unwrap().iter().find(named).unwrap();
            assert_eq!(volume["hostPath"], json!({"path": hazard, "type": hazard}), "{component}");
            let mount = container["volumeMounts"].as_array().unwrap().iter().find(named).unwrap();
            assert_eq!(mount["mountPath"], *hazard, "{component}");
        }
    }
    let scheduler = done.manifest("kube-scheduler");
    let command = strings(&scheduler["spec"]["containers"][0]["command"]);
    for hazard in HAZARDS.iter().filter(named) {
        assert!(command.contains(&format!("--{hazard}=v").as_str()), "as a flag's name: {hazard:?}");
        let named = |v: &Value| v["name"] == *hazard;
        assert!(scheduler["spec"]["volumes"].as_array().unwrap().iter().any(named), "{hazard:?}");
    }
    let kubelet = super::support::one(&done.text("/var/lib/kubelet/config.yaml"));
    assert_eq!(strings(&kubelet["tlsCipherSuites"]), HAZARDS);
    for hazard in HAZARDS {
        assert_eq!(kubelet["evictionHard"][*hazard], *hazard);
    }
    let node = done.object("Node", "cp-1");
    let taints = node["spec"]["taints"].as_array().unwrap();
    for hazard in HAZARDS.iter().filter(named) {
        assert!(taints.iter().any(|t| t["key"] == *hazard && t["value"] == *hazard), "{hazard:?}");
    }
    let env = done.text("/var/lib/kubelet/kubeadm-flags.env");
    assert_eq!(env.lines().count(), 1, "{env}");
    assert!(env.starts_with("KUBELET_KUBEADM_ARGS=\"") && env.ends_with("\"\n"), "{env}");
    read_alike(&[done]);
}

/// One hazard at a time, where a configuration has room for one text.
fn alone(hazard: &str) -> Option<Done> {
    let in_path = hazard.replace(['/', '\0'], "");
    let cluster = json!({
        "clusterName": hazard,
        "certificatesDir": format!("/opt/{in_path}x/pki"),
        "etcd": {"local": {"dataDir": format!("/var/lib/{in_path}y"), "imageTag": hazard}},
        "dns": {"imageTag": hazard},
    });
    let kubelet = json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "clusterDomain": hazard, "resolvConf": hazard, "systemReserved": {hazard: hazard},
    });
    let proxy = json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
        "hostnameOverride": hazard, "clientConnection": {"kubeconfig": hazard},
    });
    let init = json!({"nodeRegistration": {"kubeletExtraArgs": [{"name": "node-labels", "value": hazard}]}});
    let run = dry_run().config(text(&documents(init, cluster, &[kubelet, proxy]))).run();
    if run.code != Some(0) {
        // What can't be right may be refused, with its place.
        run.refused(2, &["config.yaml:"]);
        return None;
    }
    let container = |component: &str| done_container(&run, component);
    let name = if hazard.is_empty() { "kubernetes" } else { hazard };
    let flag = format!("--cluster-name={name}");
    assert!(strings(&container("kube-controller-manager")["command"]).contains(&flag.as_str()), "{hazard:?}");
    let data = format!("--data-dir=/var/lib/{in_path}y");
    assert!(strings(&container("etcd")["command"]).contains(&data.as_str()), "{hazard:?}");
    let ca = format!("--client-ca-file=/opt/{in_path}x/pki/ca.crt");
    assert!(strings(&container("kube-apiserver")["command"]).contains(&ca.as_str()), "{hazard:?}");
    if !hazard.is_empty() {
        assert_eq!(container("etcd")["image"], format!("registry.k8s.io/etcd:{hazard}"));
    }
    let admin = super::support::one(&run.text(&format!("{KUBECONFIGS}/admin.conf")));
    assert_eq!(admin["clusters"][0]["name"], name);
    assert_eq!(admin["current-context"], format!("kubernetes-admin@{name}"));
    let kubelet = super::support::one(&run.text("/var/lib/kubelet/config.yaml"));
    assert_eq!(kubelet["systemReserved"], json!({hazard: hazard}));
    assert_eq!(kubelet["resolvConf"], hazard);
    Some(run)
}

fn done_container(run: &Done, component: &str) -> Value {
    run.manifest(component)["spec"]["containers"][0].clone()
}

fn one_by_one(part: usize) {
    let runs: Vec<Done> = HAZARDS.iter().skip(part).step_by(3).filter_map(|h| alone(h)).collect();
    assert!(runs.len() > HAZARDS.len() / 4, "most texts are taken: {}", runs.len());
    read_alike(&runs);
}

#[test]
fn one_by_one_first_part() {
    one_by_one(0);
}

#[test]
fn one_by_one_second_part() {
    one_by_one(1);
}

#[test]
fn one_by_one_third_part() {
    one_by_one(2);
}
