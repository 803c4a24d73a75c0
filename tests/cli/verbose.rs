//! `-v`: what is logged at each level, and that no secret is.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::support::{Done, config, kubestrap};

/// The log's lines of one run, without times and its folder: level and text.
fn log(done: &Done) -> Vec<String> {
    let folder = done.path().display().to_string();
    let took = regex::Regex::new(r" \(\d+\.\d{3} s\)").unwrap();
    let lines = done.stderr.lines().filter(|line| line.starts_with("20"));
    let texts = lines.map(|line| line.split_once(' ').unwrap().1.trim_start().replace(&folder, "DIR"));
    texts.map(|text| took.replace(&text, "").into_owned()).collect()
}

#[test]
fn level_1_tells_decisions_phases_and_files() {
    let run = kubestrap(&["init", "phase", "certs", "front-proxy-ca", "-v=1"]).with_kubelet("v1.36.2");
    let pki = run.path().join("pki").display().to_string();
    let text = config("", "").replace("/opt/kubestrap-test/pki", &pki);
    let text = text.replace("kubernetesVersion: v1.36.2\n", "");
    let done = run.config(text).run().succeeded();
    assert_eq!(
        log(&done),
        [
            "INFO Kubernetes version v1.36.5: kubelet v1.36.2 is installed",
            "INFO node name cp-1: as configured",
            "INFO CRI socket unix:///run/containerd/containerd.sock: as configured",
            "INFO advertise address 192.0.2.2: as configured",
            "INFO phase certs/front-proxy-ca: started",
            "INFO created the directory DIR/pki (mode 0755)",
            "INFO wrote DIR/pki/front-proxy-ca.key (mode 0600)",
            "INFO wrote DIR/pki/front-proxy-ca.crt (mode 0644)",
            "INFO phase certs/front-proxy-ca: done",
        ]
    );
}

#[test]
fn level_4_adds_commands() {
    let run = kubestrap(&["config", "images", "list", "-v=4"]).with_kubelet("v1.36.2");
    let done = run.run().succeeded();
    assert!(log(&done).contains(&"DEBUG `kubelet --version`: exit status: 0".to_owned()), "{}", done.stderr);
    let run = kubestrap(&["config", "images", "list", "-v=1"]).with_kubelet("v1.36.2");
    assert!(!run.run().succeeded().stderr.contains("DEBUG"));
}

#[test]
fn level_6_adds_requests_without_tokens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let body = r#"{"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": []}"#;
        let (mut socket, _) = listener.accept().unwrap();
        let mut asked = [0; 4096];
        let size = socket.read(&mut asked).unwrap();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
        write!(socket, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        String::from_utf8_lossy(&asked[..size]).into_owned()
    });
    let run = kubestrap(&["token", "list", "-v=8", "--kubeconfig"]);
    let kubeconfig = run.file(
        "admin.conf",
        format!(
            "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: k, cluster: {{server: '{server}'}}}}], contexts: [{{name: c, context: {{cluster: k, user: u}}}}], users: [{{name: u, user: {{token: hush-hush}}}}]}}"
        ),
    );
    let done = run.arg(kubeconfig).run().succeeded();
    assert!(answering.join().unwrap().contains("hush-hush"), "the server got it");
    assert!(!done.everything().contains("hush"), "{}", done.stderr);
    let log = log(&done);
    assert!(
        log.contains(&format!("TRACE GET {server}/api/v1/namespaces/kube-system/secrets: 200 OK")),
        "{log:?}"
    );
}
