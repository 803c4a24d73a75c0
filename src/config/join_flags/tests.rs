use super::*;

const TOKEN: &str = "abcdef.0123456789abcdef";
const FILE: &str = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\n";

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn load(flags: &JoinFlags) -> Result<LoadedJoin, ConfigError> {
    flags.load(|_| Ok(FILE.to_owned()))
}

#[test]
fn one_token_stands_for_both() {
    let flags = JoinFlags { endpoint: some("10.0.0.1:6443"), token: some(TOKEN), ..JoinFlags::default() };
    let discovery = load(&flags).unwrap().join.discovery;
    assert_eq!(discovery.bootstrap_token.unwrap().token, TOKEN);
    assert_eq!(discovery.tls_bootstrap_token, TOKEN);
    let flags = JoinFlags {
        discovery_token: some("zzzzzz.0123456789abcdef"),
        tls_bootstrap_token: some("yyyyyy.0123456789abcdef"),
        ..flags
    };
    let discovery = load(&flags).unwrap().join.discovery;
    assert_eq!(discovery.bootstrap_token.unwrap().token, "zzzzzz.0123456789abcdef");
    assert_eq!(discovery.tls_bootstrap_token, "yyyyyy.0123456789abcdef");
}

#[test]
fn a_token_without_an_endpoint_is_kept_unless_a_file_is_given() {
    let flags = JoinFlags { token: some(TOKEN), ..JoinFlags::default() };
    assert!(load(&flags).unwrap().join.discovery.bootstrap_token.is_some());
    let flags = JoinFlags {
        discovery_file: some("/a.conf"),
        discovery_token_ca_cert_hash: vec!["sha256:00".into()],
        ..flags
    };
    let loaded = load(&flags).unwrap();
    assert!(loaded.join.discovery.bootstrap_token.is_none());
    assert_eq!(loaded.join.discovery.tls_bootstrap_token, TOKEN);
    let told = loaded.warnings[0].problem.to_string();
    assert_eq!(
        told,
        "ignoring --discovery-token-ca-cert-hash: it has no effect without [api-server-endpoint]"
    );
    let nothing = load(&JoinFlags::default()).unwrap().join.discovery;
    assert!(nothing.bootstrap_token.is_none() && nothing.file.is_none());
}

#[test]
fn flags_of_a_control_plane_need_control_plane() {
    let flags =
        JoinFlags { certificate_key: some("ab"), apiserver_bind_port: Some(7443), ..JoinFlags::default() };
    let loaded = load(&flags).unwrap();
    assert!(loaded.join.control_plane.is_none());
    let told = loaded.warnings[0].problem.to_string();
    assert!(
        told.contains("--apiserver-bind-port, --certificate-key") && told.contains("--control-plane"),
        "{told}"
    );
    let loaded = load(&JoinFlags { control_plane: Some(true), ..flags }).unwrap();
    assert_eq!(loaded.join.control_plane.unwrap().local_api_endpoint.bind_port, 7443);
    assert!(loaded.warnings.is_empty());
}

#[test]
fn few_flags_stand_beside_a_file() {
    let flags = JoinFlags {
        config: some("join.yaml"),
        node_name: some("n"),
        skip_phases: vec!["preflight".into()],
        endpoint: some("10.0.0.1:6443"),
        ..JoinFlags::default()
    };
    let loaded = load(&flags).unwrap();
    assert!(loaded.warnings[0].problem.to_string().contains("[api-server-endpoint]: ignoring the argument"));
    assert_eq!(flags.overrides().node_name.as_deref(), Some("n"));
    let flags = JoinFlags { token: some(TOKEN), control_plane: Some(false), patches: some("/p"), ..flags };
    let told = load(&flags).unwrap_err().to_string();
    assert_eq!(
        told,
        "can not mix '--config' with arguments [control-plane patches token]: set them in join.yaml instead"
    );
}

#[test]
fn secrets_are_not_shown() {
    let flags = JoinFlags { token: some(TOKEN), certificate_key: some("00ff"), ..JoinFlags::default() };
    let shown = format!("{flags:?} {:?}", load(&flags).unwrap());
    assert!(!shown.contains("0123456789abcdef") && !shown.contains("00ff"), "{shown}");
}
