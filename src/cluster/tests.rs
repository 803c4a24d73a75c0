//! All objects of an init, against what kubeadm was recorded to apply and against committed snapshots.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize as _;
use serde_json::{Map, Value, json};
use time::macros::datetime;

use super::*;
use crate::addons::{coredns, kube_proxy};
use crate::config::v1beta4::InitConfiguration;
use crate::config::{HostFacts, Overrides, Resolved, Settings, load};
use crate::kubeconfig::Cluster;
use crate::yaml;

const INIT: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: InitConfiguration\nlocalAPIEndpoint: {advertiseAddress: 192.0.2.2}\nnodeRegistration: {name: cp-1, criSocket: 'unix:///run/containerd/containerd.sock'}\nbootstrapTokens: [{token: abcdef.0123456789abcdef}]\n---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n";

fn resolve(text: &str) -> Resolved {
    let facts = HostFacts { hostname: "vm".into(), ..HostFacts::default() };
    Settings::resolve(load("config.yaml", text).unwrap(), facts, &Overrides::default()).unwrap()
}

/// Settings with `cluster` as the rest of the ClusterConfiguration.
pub(crate) fn settings(cluster: &str) -> Settings {
    resolve(&format!("{INIT}{cluster}")).settings
}

/// What init applies, its order aside.
pub(crate) fn everything(settings: &Settings) -> Vec<ClusterObject> {
    [cluster_admins().unwrap(), objects(settings, &resolve(INIT).init, false)].concat()
}

/// Every object of an init, in order.
fn objects(settings: &Settings, init: &InitConfiguration, upload_certs: bool) -> Vec<ClusterObject> {
    let now = datetime!(2026-11-23 10:00 UTC);
    let admin = Cluster {
        server: format!("https://{}", settings.control_plane_endpoint()),
        certificate_authority_data: "CERTDATA".into(),
        ..Cluster::default()
    };
    let mut all = [
        upload_config::kubeadm(settings).unwrap(),
        upload_config::kubelet(settings).unwrap(),
        annotate_cri_socket(settings).unwrap(),
    ]
    .concat();
    if upload_certs {
        let key: CertificateKey = init.certificate_key.parse().unwrap();
        let sources = upload_certs::sources(settings);
        all.extend(
            upload_certs::objects(&key, sources.iter().map(|s| (s.key, b"".as_slice())), now).unwrap(),
        );
    }
    all.extend(mark_control_plane(settings).unwrap());
    all.extend(bootstrap_token::objects(settings, &init.bootstrap_tokens, &admin, now).unwrap());
    if !settings.cluster.config.dns.disabled {
        all.extend(coredns::plan(settings, &coredns::Existing::default()).unwrap().objects);
    }
    if !settings.cluster.config.proxy.disabled {
        all.extend(kube_proxy::objects(settings).unwrap());
    }
    all
}

/// `compare.py`'s `scrub`: nothing that is empty.
fn scrub(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(scrub);
            fields.retain(|_, v| !matches!(v, Value::Null) && *v != json!({}) && *v != json!([]));
        }
        Value::Array(items) => items.iter_mut().for_each(scrub),
        _ => {}
    }
}

/// `compare.py`'s `norm_obj`, with the texts of ConfigMaps as data.
fn normalised(mut object: Value) -> Value {
    scrub(&mut object);
    let kind = object["kind"].as_str().unwrap().to_owned();
    let fields = object.as_object_mut().unwrap();
    fields.remove("status");
    let metadata = fields["metadata"].as_object_mut().unwrap();
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove("kubeadm.kubernetes.io/component-config.hash");
    }
    scrub(&mut fields["metadata"]);
    for owner in object["metadata"]["ownerReferences"].as_array_mut().into_iter().flatten() {
        owner["name"] = json!("PROXY");
        owner.as_object_mut().unwrap().remove("uid");
    }
    if let (Some(data), "ConfigMap") = (object["data"].as_object_mut(), kind.as_str()) {
        for (key, value) in data.iter_mut().filter(|(key, _)| *key != "Corefile") {
            let text = value.as_str().unwrap();
            *value = yaml::parse_values(text).unwrap_or_else(|e| panic!("{key}: {e}")).remove(0);
        }
    }
    if object["metadata"]["name"] == "kubeadm-certs" {
        let keys = object["data"].as_object().cloned().unwrap_or_default();
        object["data"] = keys.keys().map(|k| json!(k)).collect();
    }
    scrub(&mut object);
    object
}

/// One of ours, its Secrets in plain text as in the recordings and without what is random.
fn ours(object: &ClusterObject, fixed_token: bool) -> Value {
    let mut value = object.value.clone();
    if object.name() == "kubeadm-certs" {
        return normalised(value);
    }
    if let (Some(data), true) = (value["data"].as_object_mut(), object.secret) {
        for text in data.values_mut() {
            *text = String::from_utf8(STANDARD.decode(text.as_str().unwrap()).unwrap()).unwrap().into();
        }
        anonymise(&mut value, fixed_token);
    }
    normalised(value)
}

fn anonymise(secret: &mut Value, fixed_token: bool) {
    let data = secret["data"].as_object_mut().unwrap();
    data.entry("expiration").and_modify(|v| *v = json!("EXPIRATION"));
    let proxy = data.get("description").is_some_and(|d| d.as_str().unwrap().starts_with("Proxy for"));
    if proxy || !fixed_token {
        let (id, token) = if proxy { ("PROXY", "PROXY") } else { ("TOKENID", "TOKENSECRET") };
        data.insert("token-id".into(), json!(id));
        data.insert("token-secret".into(), json!(token));
        secret["metadata"]["name"] = json!(format!("bootstrap-token-{id}"));
    }
}

fn recorded(case: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(case.join("objects.yaml")).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text).map(|d| Value::deserialize(d).unwrap());
    documents
        .filter(|d| !d.is_null())
        .map(|mut document| {
            let mut object = document["object"].take();
            object["metadata"].as_object_mut().unwrap().remove("creationTimestamp");
            let spec = object.pointer_mut("/spec/template/metadata").and_then(Value::as_object_mut);
            spec.unwrap_or(&mut Map::new()).remove("creationTimestamp");
            // An empty Secret value is recorded as null.
            if object["metadata"]["name"] == "kubeadm-certs" {
                object["data"].as_object_mut().unwrap().values_mut().for_each(|v| *v = json!(""));
            } else if object["kind"] == "Secret" {
                anonymise(&mut object, true);
            }
            normalised(object)
        })
        .collect()
}

/// The recordings of kubeadm's own output, where this machine has them.
fn cases() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference");
    let root = [own, PathBuf::from("/work/shared/reference")].into_iter().find(|root| root.is_dir());
    let Some(root) = root else { return Vec::new() };
    let sets = ["cases", "minors/1.33", "minors/1.34", "minors/1.35"];
    let all = sets.into_iter().flat_map(|set| root.join(set).read_dir().unwrap());
    all.map(|case| case.unwrap().path()).filter(|case| case.join("objects.yaml").exists()).collect()
}

/// The configuration that a case's flags stand for, where it is run by flags.
fn configuration(case: &Path) -> String {
    if let Ok(text) = std::fs::read_to_string(case.join("config.yaml")) {
        return text.replace("$CASE", &case.to_string_lossy());
    }
    let token = bootstrap_token::DEFAULT_TOKEN_DESCRIPTION;
    let (fixed, cluster) = if case.ends_with("flags-only") {
        (
            ", token: abcdef.0123456789abcdef, ttl: 0s",
            "networking: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.100.0.0/16, dnsDomain: corp.internal}\ncontrolPlaneEndpoint: api.corp.internal:7443\napiServer: {certSANs: [api.corp.internal, 203.0.113.9]}\nimageRepository: mirror.corp.internal/k8s\n",
        )
    } else {
        ("", "")
    };
    format!("{INIT}kubernetesVersion: v1.36.2\n{cluster}").replace(
        "bootstrapTokens: [{token: abcdef.0123456789abcdef}]",
        &format!("bootstrapTokens: [{{description: \"{token}\"{fixed}}}]"),
    )
}

#[test]
fn the_objects_are_those_that_kubeadm_applies_in_its_order() {
    for case in cases() {
        let Resolved { settings, init, .. } = resolve(&configuration(&case));
        let fixed = case.join("token-fixed").exists();
        let upload_certs = case.ends_with("upload-certs");
        let mut all = objects(&settings, &init, upload_certs);
        if case.ends_with("patches") {
            for object in all.iter_mut().filter(|o| o.kind() == "Deployment" && case.join("patches").exists())
            {
                object.value["spec"]["replicas"] = json!(3);
            }
        }
        let want = recorded(&case);
        let kinds = ["ConfigMap", "Role", "RoleBinding"];
        if case.ends_with("skip-phases") {
            let skipped = |o: &ClusterObject| {
                let system = o.namespace() == "kube-system" && kinds.contains(&o.kind());
                system
                    || matches!(o.kind(), "Node" | "Deployment" | "Service" | "ServiceAccount" | "DaemonSet")
                    || o.name() == "system:coredns"
                    || o.name() == "kubeadm:node-proxier"
            };
            all.retain(|o| !skipped(o));
        }
        let name = |o: &Value| format!("{} {}", o["kind"], o["metadata"]["name"]);
        let have: Vec<Value> = all.iter().map(|o| ours(o, fixed)).collect();
        let names = |objects: &[Value]| objects.iter().map(name).collect::<Vec<_>>();
        assert_eq!(names(&have), names(&want), "{}", case.display());
        for (have, want) in have.iter().zip(&want).filter(|(h, _)| h["kind"] != "Node") {
            let text = |v: &Value| serde_json::to_string_pretty(v).unwrap();
            assert!(
                have == want,
                "{}: {}\nhave {}\nwant {}",
                case.display(),
                name(want),
                text(have),
                text(want)
            );
        }
    }
}

fn stream(objects: &[ClusterObject]) -> String {
    objects
        .iter()
        .map(|o| format!("---\n# {:?}\n{}", o.mode, yaml::to_string(&o.printable()).unwrap()))
        .collect()
}

#[test]
fn snapshot_of_the_default_configuration() {
    let settings = settings("kubernetesVersion: v1.36.2\nnetworking: {podSubnet: 10.244.0.0/16}");
    insta::assert_snapshot!(stream(&everything(&settings)));
}

#[test]
fn snapshot_of_what_other_minors_have() {
    let of = |version: &str| {
        objects(&settings(&format!("kubernetesVersion: {version}")), &resolve(INIT).init, false)
    };
    let current = of("v1.36.2");
    let mut text = String::new();
    for version in ["v1.33.5", "v1.34.9", "v1.37.0"] {
        // Images and the version itself differ always.
        let plain = |o: &ClusterObject| {
            let text = yaml::to_string(&o.printable()).unwrap();
            let lines = text.lines().filter(|l| !l.contains("image: ") && !l.contains("kubernetesVersion: "));
            lines.map(|l| format!("{l}\n")).collect::<String>()
        };
        let known: Vec<String> = current.iter().map(plain).collect();
        let objects = of(version);
        let different: String =
            objects.iter().map(plain).filter(|o| !known.contains(o)).map(|o| format!("---\n{o}")).collect();
        let absent = current.iter().filter(|o| !objects.iter().any(|p| p.object_name() == o.object_name()));
        let absent: String = absent.map(|o| format!("# no {}\n", o.object_name())).collect();
        text.push_str(&format!("### {version}\n{absent}{different}"));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn external_etcd_s_files_are_shared_instead() {
    let external = "etcd: {external: {endpoints: ['https://192.0.2.9:2379'], caFile: /e/ca, certFile: /e/crt, keyFile: /e/key}}";
    let keys = |s: &Settings| upload_certs::sources(s).iter().map(|s| s.key).collect::<Vec<_>>().join(" ");
    let shared = "ca.crt ca.key etcd-ca.crt etcd-ca.key front-proxy-ca.crt front-proxy-ca.key sa.key sa.pub";
    assert_eq!(keys(&settings("")), shared);
    let external = settings(external);
    assert_eq!(
        keys(&external),
        shared.replace("etcd-ca.crt etcd-ca.key", "external-etcd-ca.crt external-etcd.crt external-etcd.key")
    );
    assert_eq!(upload_certs::sources(&external)[2].path, Path::new("/e/ca"));
}

#[test]
fn a_cluster_without_an_embedded_ca_is_refused() {
    let cluster = Cluster { server: "https://a:1".into(), ..Cluster::default() };
    let error = cluster_info::objects(&settings(""), &cluster).unwrap_err();
    assert!(error.to_string().contains("https://a:1"), "{error}");
}

#[test]
fn text_from_the_configuration_reaches_objects_unchanged() {
    let settings = resolve(&format!("{INIT}clusterName: \"on\"\n").replace(
        "name: cp-1,",
        "name: cp-1, taints: [{key: 'example.com/no', value: 'y', effect: NoExecute}],",
    ));
    let settings = settings.settings;
    let node = mark_control_plane(&settings).unwrap().remove(0);
    assert_eq!(
        node.value["spec"]["taints"],
        json!([{"key": "example.com/no", "value": "y", "effect": "NoExecute"}])
    );
    let text = upload_config::kubeadm(&settings).unwrap().remove(0);
    assert!(text.value["data"]["ClusterConfiguration"].as_str().unwrap().contains("clusterName: \"on\"\n"));
}
