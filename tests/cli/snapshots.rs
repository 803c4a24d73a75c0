//! What we write for the main configurations, kept in `tests/snapshots`: the default in full, every other as what
//! differs from it. `INSTA_UPDATE=always cargo test --test cli snapshots` takes over a change that is meant.

use std::fmt::Write;

use serde_json::Value;

use super::support::{Done, Run, config, dry_run, one};

/// Folders with CA certificates, which are mounted where the machine has them.
const CA_DIRS: [&str; 5] = kubestrap::testing::CA_DIRS;

/// All that a run left but the PKI and what is random in it: manifests, kubelet's files, objects.
fn shown(done: &Done) -> String {
    let mut text = String::new();
    for component in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] {
        let path = format!("/etc/kubernetes/manifests/{component}.yaml");
        if done.file(&path).exists() {
            let mut pod = canonical(&done.text(&path));
            without_machine_mounts(&mut pod);
            let _ = write!(text, "# {path}\n{}", kubestrap::testing::to_string(&pod).unwrap());
        }
    }
    let mut kubelet = canonical(&done.text("/var/lib/kubelet/config.yaml"));
    if kubelet["resolvConf"] == "/run/systemd/resolve/resolv.conf" {
        kubelet.as_object_mut().unwrap().remove("resolvConf");
    }
    let _ = write!(text, "# config.yaml\n{}", kubestrap::testing::to_string(&kubelet).unwrap());
    for file in ["instance-config.yaml", "kubeadm-flags.env"] {
        if done.file(&format!("/var/lib/kubelet/{file}")).exists() {
            let _ = write!(text, "# {file}\n{}", done.text(&format!("/var/lib/kubelet/{file}")));
        }
    }
    for object in done.objects() {
        let meta = &object["metadata"];
        let namespace = meta["namespace"].as_str().map_or(String::new(), |n| format!("{n}/"));
        let name = meta["name"].as_str().unwrap();
        // A token that was made up has a random id.
        let name = if name.starts_with("bootstrap-token-") { "bootstrap-token-…" } else { name };
        let _ = writeln!(text, "# {} {namespace}{name}", object["kind"].as_str().unwrap());
        match name {
            "kubeadm-config" => text.push_str(object["data"]["ClusterConfiguration"].as_str().unwrap()),
            "coredns" if object["kind"] == "ConfigMap" => {
                text.push_str(object["data"]["Corefile"].as_str().unwrap())
            }
            "cp-1" => text.push_str(&kubestrap::testing::to_string(&object).unwrap()),
            _ if !object["spec"].is_null() => {
                text.push_str(&kubestrap::testing::to_string(&object["spec"]).unwrap())
            }
            _ => {}
        }
    }
    text
}

/// Reads a file of ours, which must be in the form that it always has.
fn canonical(text: &str) -> Value {
    let value = one(text);
    assert_eq!(kubestrap::testing::to_string(&value).unwrap(), text);
    value
}

fn without_machine_mounts(pod: &mut Value) {
    let own = |path: &Value| !CA_DIRS.contains(&path.as_str().unwrap_or_default());
    let spec = &mut pod["spec"];
    if let Some(volumes) = spec["volumes"].as_array_mut() {
        volumes.retain(|v| own(&v["hostPath"]["path"]));
    }
    if let Some(mounts) = spec["containers"][0]["volumeMounts"].as_array_mut() {
        mounts.retain(|m| own(&m["mountPath"]));
    }
}

/// The lines that differ, with where each block stands: enough to see at a glance what a configuration changes.
fn differences(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    // The longest common subsequence, by the table that every textbook has.
    let mut common = vec![vec![0u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut text, mut section, mut told) = (0, 0, String::new(), "", "");
    while i < old.len() || j < new.len() {
        let both = i < old.len() && j < new.len() && old[i] == new[j];
        let gone = !both && (j >= new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]));
        let line = if gone { old[i] } else { new[j] };
        if line.starts_with("# ") {
            section = line;
        }
        if !both {
            if told != section {
                let _ = writeln!(text, "{section}");
                told = section;
            }
            let _ = writeln!(text, "{}{line}", if gone { '-' } else { '+' });
        }
        i += usize::from(both || gone);
        j += usize::from(both || !gone);
    }
    text
}

fn keep(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

const DEFAULT: &str = "networking: {podSubnet: 10.244.0.0/16}\n";

fn default() -> String {
    shown(&dry_run().config(config("", DEFAULT)).run().succeeded())
}

/// Keeps what a run writes beyond, or other than, the default.
fn keep_differences(name: &str, run: Run) {
    keep(name, &differences(&default(), &shown(&run.run().succeeded())));
}

#[test]
fn default_configuration() {
    keep("default", &default());
}

#[test]
fn flags_only() {
    let run = dry_run().args(
        "--kubernetes-version v1.36.2 --apiserver-advertise-address 192.0.2.2 --apiserver-bind-port 7443 \
        --pod-network-cidr 10.244.0.0/16 --service-cidr 10.100.0.0/16 --service-dns-domain corp.internal \
        --control-plane-endpoint api.corp.internal:7443 --apiserver-cert-extra-sans api.corp.internal,203.0.113.9 \
        --image-repository mirror.corp.internal/k8s --node-name cp-1 --token abcdef.0123456789abcdef --token-ttl 0 \
        --cri-socket unix:///run/containerd/containerd.sock --cert-dir /opt/kubestrap-test/pki \
        --feature-gates PublicKeysECDSA=true",
    );
    keep_differences("flags-only", run);
}

#[test]
fn external_etcd() {
    let cluster = "\
etcd:
  external:
    endpoints: ['https://10.0.0.11:2379', 'https://10.0.0.12:2379']
    caFile: /etc/etcd/ca.crt
    certFile: /etc/etcd/client.crt
    keyFile: /etc/etcd/keys/client.key
";
    keep_differences("external-etcd", dry_run().config(config("", &format!("{DEFAULT}{cluster}"))));
}

#[test]
fn dual_stack() {
    let cluster = "\
networking:
  podSubnet: 10.244.0.0/16,fd00:10:244::/56
  serviceSubnet: 10.96.0.0/16,fd00:10:96::/112
";
    let init = "  kubeletExtraArgs: [{name: node-ip, value: '192.0.2.2,fd00::2'}]";
    keep_differences("dual-stack", dry_run().config(config(init, cluster)));
}

#[test]
fn ipv6_only() {
    let cluster = "networking: {podSubnet: 'fd00:10:244::/56', serviceSubnet: 'fd00:10:96::/112'}";
    let text = config("", cluster).replace("192.0.2.2", "'2001:db8::2'");
    keep_differences("ipv6-only", dry_run().config(text));
}

#[test]
fn arguments_volumes_environment() {
    let cluster = "\
apiServer:
  extraArgs:
  - {name: authorization-mode, value: 'Node,RBAC,Webhook'}
  - {name: audit-log-path, value: /var/log/audit.log}
  - {name: tls-sni-cert-key, value: '/a.crt,/a.key'}
  - {name: tls-sni-cert-key, value: '/b.crt,/b.key'}
  extraVolumes:
  - {name: audit, hostPath: /var/log, mountPath: /var/log, pathType: DirectoryOrCreate}
  - {name: aaa, hostPath: /opt/a, mountPath: /opt/b, readOnly: true}
  extraEnvs:
  - {name: B, value: 'on'}
  - {name: A, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
controllerManager:
  extraArgs: [{name: bind-address, value: 0.0.0.0}, {name: zeta, value: ''}]
  extraVolumes: [{name: cloud, hostPath: /etc/cloud.conf, mountPath: /etc/cloud.conf, pathType: File}]
scheduler:
  extraArgs: [{name: bind-address, value: '::'}, {name: v, value: '2'}]
  extraEnvs: [{name: GOMAXPROCS, value: '2'}]
etcd:
  local:
    dataDir: /srv/etcd
    imageTag: 3.6.5-0
    extraArgs: [{name: listen-metrics-urls, value: 'http://0.0.0.0:2381'}, {name: quota-backend-bytes, value: '8589934592'}]
    extraEnvs: [{name: ETCD_DEBUG, value: 'true'}]
";
    keep_differences("args-volumes-envs", dry_run().config(config("", &format!("{DEFAULT}{cluster}"))));
}

#[test]
fn node_registration_and_components() {
    let init = "  taints: [{key: dedicated, value: 'yes', effect: NoExecute}]
  imagePullPolicy: Always
  kubeletExtraArgs: [{name: node-labels, value: 'a=on,b=0400'}, {name: v, value: '4'}]
timeouts: {controlPlaneComponentHealthCheck: 65s}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
clusterDNS: [10.96.0.99]
maxPods: 220
evictionHard: {memory.available: 5%}
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
";
    let cluster = "dns: {imageRepository: mirror.example/dns, imageTag: v9}\nproxy: {}\nclusterName: 'on'\n";
    keep_differences("node-and-components", dry_run().config(config(init, &format!("{DEFAULT}{cluster}"))));
}

#[test]
fn addons_that_are_disabled() {
    let cluster = "dns: {disabled: true}\nproxy: {disabled: true}\n";
    keep_differences("addons-disabled", dry_run().config(config("", &format!("{DEFAULT}{cluster}"))));
}

#[test]
fn patches() {
    let run = dry_run();
    run.file(
        "patches/kube-apiserver0+strategic.yaml",
        "spec:\n  containers:\n  - name: kube-apiserver\n    resources: {limits: {cpu: 2}}\n    livenessProbe: null\n",
    );
    run.file(
        "patches/kube-scheduler+merge.json",
        "{\"metadata\": {\"labels\": {\"tier\": null, \"extra\": \"no\"}}}",
    );
    run.file(
        "patches/etcd+json.yaml",
        "- {op: add, path: /metadata/annotations/a, value: 'on'}\n- {op: remove, path: /spec/priority}\n",
    );
    run.file("patches/kubeletconfiguration.yaml", "maxPods: 55\n");
    run.file("patches/corednsdeployment.yaml", "spec: {replicas: 5}\n");
    let init = format!("patches: {{directory: {}}}", run.path().join("patches").display());
    keep_differences("patches", run.config(config(&init, DEFAULT)));
}

#[test]
fn v1beta3() {
    let text = config(
        "  kubeletExtraArgs: {v: '3', node-ip: 192.0.2.2}",
        &format!(
            "{DEFAULT}apiServer:\n  timeoutForControlPlane: 6m0s\n  extraArgs: {{b-flag: '2', a-flag: '1'}}\n"
        ),
    );
    let text = text.replace("v1beta4", "v1beta3").replace("encryptionAlgorithm: ECDSA-P256\n", "");
    let text = text.replace("certificatesDir", "featureGates: {PublicKeysECDSA: true}\ncertificatesDir");
    keep_differences("v1beta3", dry_run().config(text));
}

#[test]
fn every_minor() {
    for version in ["v1.33.0", "v1.34.0", "v1.35.0", "v1.36.0", "v1.37.0"] {
        let text = config("", DEFAULT).replace("v1.36.2", version);
        keep_differences(&format!("minor-{}", &version[1..5]), dry_run().config(text));
    }
}

#[test]
fn differences_are_found() {
    assert_eq!(differences("# a\n1\n2\n# b\n3\n", "# a\n1\n# b\n3\n4\n"), "# a\n-2\n# b\n+4\n");
    assert_eq!(differences("same\n", "same\n"), "");
}
