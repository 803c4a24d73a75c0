use super::super::cluster_admins::cluster_admins;
use super::super::fake::FakeApi;
use super::*;

const LIMIT: Duration = Duration::from_millis(300);

fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: k, cluster: {{server: '{server}'}}}}], contexts: [{{name: c, context: {{cluster: k, user: u}}}}], users: [{{name: u, user: {user}}}]}}"
    )
}

#[test]
fn refused_connection_says_that_nothing_listens() {
    let api = FakeApi::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = format!("http://127.0.0.1:{port}");
    let access = Access {
        runtime: api.runtime().handle(),
        server: Some(&server),
        limit: LIMIT,
        dry_run: false,
        settled: false,
    };
    let text = kubeconfig("https://other.example:6443", "{}");
    let mut cluster = KubeCluster::new(&access, KubeconfigFile { path: "admin.conf", text: &text }).unwrap();
    let error = cluster.get("Node", "", "n").unwrap_err().to_string();
    assert!(error.starts_with(&format!("can't read Node n: nothing listens at {server}")), "{error}");
    assert!(cluster.text("/livez").unwrap_err().to_string().contains("kube-apiserver is not running"));
}

#[test]
fn invalid_kubeconfig_is_reported_without_its_secrets() {
    let api = FakeApi::new();
    let access = Access {
        runtime: api.runtime().handle(),
        server: None,
        limit: LIMIT,
        dry_run: false,
        settled: false,
    };
    let secret = kubeconfig("https://a:1", "{client-key-data: [c2VjcmV0]}");
    for text in ["", "a: b: c", "[]", &secret, &kubeconfig("https://a:1", "{client-key-data: '!'}")] {
        let error = KubeCluster::new(&access, KubeconfigFile { path: "/x/admin.conf", text }).err().unwrap();
        let error = error.to_string();
        assert!(error.starts_with("/x/admin.conf can't be used") && !error.contains("c2Vj"), "{error}");
    }
}

#[test]
fn refused_read_is_not_repeated() {
    let api = FakeApi::new();
    for code in [401, 403] {
        let requests = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = std::sync::Arc::clone(&requests);
        let mut cluster = api.cluster(Duration::from_secs(60), move |_| {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Some(code)
        });
        let error = cluster.read("ConfigMap", "kube-system", "c").unwrap_err();
        assert!(error.to_string().contains(&format!("HTTP {code}")), "{error}");
        assert_eq!(requests.load(std::sync::atomic::Ordering::SeqCst), 1);
        cluster.outlast(LIMIT);
        cluster.get("ConfigMap", "kube-system", "c").unwrap_err();
        assert!(
            requests.load(std::sync::atomic::Ordering::SeqCst) > 2,
            "a server that starts is asked again"
        );
        let before = requests.load(std::sync::atomic::Ordering::SeqCst);
        cluster.try_out(cluster_admins().unwrap().remove(0)).unwrap_err();
        assert_eq!(requests.load(std::sync::atomic::Ordering::SeqCst), before + 1, "a trial is asked once");
    }
    let mut codes = vec![503].into_iter();
    let mut cluster = api.cluster(LIMIT, move |_| codes.next());
    assert_eq!(cluster.read("ConfigMap", "kube-system", "c").unwrap(), None);
}

fn add_nodes(api: &FakeApi, count: usize) {
    for i in 0..count {
        let name = format!("n{i:04}");
        api.put(&format!("/api/v1/nodes/{name}"), serde_json::json!({"metadata": {"name": name}}));
    }
}

#[test]
fn large_collection_is_asked_for_in_parts() {
    let api = FakeApi::new();
    add_nodes(&api, 1200);
    let mut cluster = api.cluster(LIMIT, |_| None);
    let mut count = 0;
    cluster.for_each("Node", "", &mut |_| count += 1).unwrap();
    assert_eq!(count, 1200);
    assert_eq!(api.state.lock().unwrap().requests.len(), 3, "500 at a time");
}

#[test]
fn list_that_the_server_has_forgotten_is_completed() {
    let api = FakeApi::new();
    add_nodes(&api, 700);
    let mut codes = vec![None, Some(410)].into_iter();
    let mut cluster = api.cluster(LIMIT, move |_| codes.next().flatten());
    let nodes = cluster.list("Node", "").unwrap();
    assert_eq!(nodes.len(), 700, "each once");
}

#[test]
fn health_check_that_fails_is_reported_with_its_answer() {
    let api = FakeApi::new();
    let mut cluster = api.cluster(LIMIT, |_| Some(500));
    let error = cluster.text("/readyz?verbose").unwrap_err().to_string();
    assert!(error.contains("https://fake:6443 is not healthy: HTTP 500"), "{error}");
}
