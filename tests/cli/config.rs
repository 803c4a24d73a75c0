//! `kubestrap config …`. What these snapshots show was compared with what kubeadm 1.36.2 prints.

use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;

use super::support::{Done, kubestrap};

const V1BETA3: &str = "apiVersion: kubeadm.k8s.io/v1beta3
kind: InitConfiguration
bootstrapTokens: [{token: abcdef.0123456789abcdef}]
localAPIEndpoint: {advertiseAddress: 10.0.0.10}
nodeRegistration:
  name: cp-1
  kubeletExtraArgs: {v: '4', node-labels: env=dev}
---
apiVersion: kubeadm.k8s.io/v1beta3
kind: ClusterConfiguration
kubernetesVersion: 1.36.2
apiServer:
  extraArgs: {authorization-mode: 'Node,RBAC'}
  timeoutForControlPlane: 2m
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
maxPods: 30
";

const CLUSTER: &str = "apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.35.0
imageRepository: registry.example.com/k8s
dns: {disabled: true}
";

const WRONG: &str = "apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration: {criSockt: /run/x.sock, imagePullPolicy: Sometimes}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ResetConfiguration
unmountFlags: [FORCE]
---
apiVersion: v1
kind: Pod
";

const UPGRADE: &str = "apiVersion: kubeadm.k8s.io/v1beta4
kind: UpgradeConfiguration
apply: {kubernetesVersion: v1.36.4, etcdUpgrade: false}
timeouts: {discovery: 3m}
";

/// `kubestrap config ARGS` with `stdin`.
fn config(args: &str, stdin: &str) -> Done {
    kubestrap(&["config"]).args(args).stdin(stdin).run()
}

/// The result of a command that does what it should.
fn stdout(args: &str, stdin: &str) -> String {
    config(args, stdin).succeeded().stdout
}

/// What a command says that ends with `code` and without a result.
fn failure(args: &str, stdin: &str, code: i32) -> String {
    let done = config(args, stdin).refused(code, &[]);
    assert_eq!(done.stdout, "", "{args}");
    done.stderr
}

#[test]
fn init_defaults() {
    // The version follows the installed kubelet.
    let print = |args: &str| {
        let run = kubestrap(&["config", "print", "init-defaults"]).args(args).with_kubelet("v1.36.2");
        run.run().succeeded().stdout
    };
    let all = print("--component-configs KubeletConfiguration,KubeProxyConfiguration");
    assert_snapshot!(all, @r#"
    apiVersion: kubeadm.k8s.io/v1beta4
    bootstrapTokens:
    - groups:
      - system:bootstrappers:kubeadm:default-node-token
      token: abcdef.0123456789abcdef
      ttl: 24h0m0s
      usages:
      - signing
      - authentication
    kind: InitConfiguration
    localAPIEndpoint:
      advertiseAddress: 1.2.3.4
      bindPort: 6443
    nodeRegistration:
      criSocket: unix:///var/run/containerd/containerd.sock
      imagePullPolicy: IfNotPresent
      imagePullSerial: true
      name: node
      taints: null
    timeouts:
      controlPlaneComponentHealthCheck: 4m0s
      discovery: 5m0s
      etcdAPICall: 2m0s
      kubeletHealthCheck: 4m0s
      kubernetesAPICall: 1m0s
      tlsBootstrap: 5m0s
      upgradeManifests: 5m0s
    ---
    apiServer: {}
    apiVersion: kubeadm.k8s.io/v1beta4
    caCertificateValidityPeriod: 87600h0m0s
    certificateValidityPeriod: 8760h0m0s
    certificatesDir: /etc/kubernetes/pki
    clusterName: kubernetes
    controllerManager: {}
    dns: {}
    encryptionAlgorithm: RSA-2048
    etcd:
      local:
        dataDir: /var/lib/etcd
    imageRepository: registry.k8s.io
    kind: ClusterConfiguration
    kubernetesVersion: 1.36.0
    networking:
      dnsDomain: cluster.local
      serviceSubnet: 10.96.0.0/12
    proxy: {}
    scheduler: {}
    ---
    apiVersion: kubelet.config.k8s.io/v1beta1
    authentication:
      anonymous:
        enabled: false
      webhook:
        cacheTTL: 0s
        enabled: true
      x509:
        clientCAFile: /etc/kubernetes/pki/ca.crt
    authorization:
      mode: Webhook
      webhook:
        cacheAuthorizedTTL: 0s
        cacheUnauthorizedTTL: 0s
    cgroupDriver: systemd
    clusterDNS:
    - 10.96.0.10
    clusterDomain: cluster.local
    containerRuntimeEndpoint: ""
    cpuManagerReconcilePeriod: 0s
    crashLoopBackOff: {}
    evictionPressureTransitionPeriod: 0s
    fileCheckFrequency: 0s
    healthzBindAddress: 127.0.0.1
    healthzPort: 10248
    httpCheckFrequency: 0s
    imageMaximumGCAge: 0s
    imageMinimumGCAge: 0s
    kind: KubeletConfiguration
    logging:
      flushFrequency: 0
      options:
        json:
          infoBufferSize: "0"
        text:
          infoBufferSize: "0"
      verbosity: 0
    memorySwap: {}
    nodeStatusReportFrequency: 0s
    nodeStatusUpdateFrequency: 0s
    rotateCertificates: true
    runtimeRequestTimeout: 0s
    shutdownGracePeriod: 0s
    shutdownGracePeriodCriticalPods: 0s
    staticPodPath: /etc/kubernetes/manifests
    streamingConnectionIdleTimeout: 0s
    syncFrequency: 0s
    volumeStatsAggPeriod: 0s
    ---
    apiVersion: kubeproxy.config.k8s.io/v1alpha1
    bindAddress: 0.0.0.0
    bindAddressHardFail: false
    clientConnection:
      acceptContentTypes: ""
      burst: 0
      contentType: ""
      kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
      qps: 0
    clusterCIDR: ""
    configSyncPeriod: 0s
    conntrack:
      maxPerCore: null
      min: null
      tcpBeLiberal: false
      tcpCloseWaitTimeout: null
      tcpEstablishedTimeout: null
      udpStreamTimeout: 0s
      udpTimeout: 0s
    detectLocal:
      bridgeInterface: ""
      interfaceNamePrefix: ""
    detectLocalMode: ""
    enableProfiling: false
    healthzBindAddress: ""
    hostnameOverride: ""
    iptables:
      localhostNodePorts: null
      masqueradeAll: false
      masqueradeBit: null
      minSyncPeriod: 0s
      syncPeriod: 0s
    ipvs:
      excludeCIDRs: null
      minSyncPeriod: 0s
      scheduler: ""
      strictARP: false
      syncPeriod: 0s
      tcpFinTimeout: 0s
      tcpTimeout: 0s
      udpTimeout: 0s
    kind: KubeProxyConfiguration
    logging:
      flushFrequency: 0
      options:
        json:
          infoBufferSize: "0"
        text:
          infoBufferSize: "0"
      verbosity: 0
    metricsBindAddress: ""
    mode: ""
    nftables:
      masqueradeAll: false
      masqueradeBit: null
      minSyncPeriod: 0s
      syncPeriod: 0s
    nodePortAddresses: null
    oomScoreAdj: null
    portRange: ""
    showHiddenMetricsForVersion: ""
    winkernel:
      enableDSR: false
      forwardHealthCheckVip: false
      networkName: ""
      rootHnsEndpointName: ""
      sourceVip: ""
    "#);
    let plain = print("");
    assert!(all.starts_with(&format!("{plain}---\n")));
    let error = failure("print init-defaults --component-configs Kubelet", "", 2);
    assert!(error.contains("KubeletConfiguration"), "{error}");
}

#[test]
fn join_defaults() {
    let host = rustix::system::uname().nodename().to_string_lossy().to_lowercase();
    let join = stdout("print join-defaults", "").replace(&format!("name: {host}"), "name: (this machine)");
    assert_snapshot!(join, @r#"
    apiVersion: kubeadm.k8s.io/v1beta4
    caCertPath: /etc/kubernetes/pki/ca.crt
    discovery:
      bootstrapToken:
        apiServerEndpoint: kube-apiserver:6443
        token: abcdef.0123456789abcdef
        unsafeSkipCAVerification: true
      tlsBootstrapToken: abcdef.0123456789abcdef
    kind: JoinConfiguration
    nodeRegistration:
      criSocket: unix:///var/run/containerd/containerd.sock
      imagePullPolicy: IfNotPresent
      imagePullSerial: true
      name: (this machine)
      taints: null
    timeouts:
      controlPlaneComponentHealthCheck: 4m0s
      discovery: 5m0s
      etcdAPICall: 2m0s
      kubeletHealthCheck: 4m0s
      kubernetesAPICall: 1m0s
      tlsBootstrap: 5m0s
      upgradeManifests: 5m0s
    "#);
}

#[test]
fn reset_and_upgrade_defaults() {
    assert_snapshot!(stdout("print reset-defaults", ""), @r#"
    apiVersion: kubeadm.k8s.io/v1beta4
    certificatesDir: /etc/kubernetes/pki
    criSocket: unix:///var/run/containerd/containerd.sock
    kind: ResetConfiguration
    timeouts:
      controlPlaneComponentHealthCheck: 4m0s
      discovery: 5m0s
      etcdAPICall: 2m0s
      kubeletHealthCheck: 4m0s
      kubernetesAPICall: 1m0s
      tlsBootstrap: 5m0s
      upgradeManifests: 5m0s
    "#);
    assert_snapshot!(stdout("print upgrade-defaults", ""), @r#"
    apiVersion: kubeadm.k8s.io/v1beta4
    apply:
      certificateRenewal: true
      etcdUpgrade: true
      imagePullPolicy: IfNotPresent
      imagePullSerial: true
    diff: {}
    kind: UpgradeConfiguration
    node:
      certificateRenewal: true
      etcdUpgrade: true
      imagePullPolicy: IfNotPresent
      imagePullSerial: true
    plan:
      etcdUpgrade: true
    timeouts:
      controlPlaneComponentHealthCheck: 4m0s
      discovery: 5m0s
      etcdAPICall: 2m0s
      kubeletHealthCheck: 4m0s
      kubernetesAPICall: 1m0s
      tlsBootstrap: 5m0s
      upgradeManifests: 5m0s
    "#);
}

#[test]
fn what_is_printed_is_valid() {
    for what in ["init", "join", "reset", "upgrade"] {
        let defaults = stdout(&format!("print {what}-defaults"), "");
        assert_eq!(stdout("validate --config -", &defaults), "ok\n", "{what}");
    }
}

#[test]
fn v1beta3_is_migrated() {
    assert_snapshot!(stdout("migrate --old-config -", V1BETA3), @r#"
    apiVersion: kubeadm.k8s.io/v1beta4
    bootstrapTokens:
    - groups:
      - system:bootstrappers:kubeadm:default-node-token
      token: abcdef.0123456789abcdef
      ttl: 24h0m0s
      usages:
      - signing
      - authentication
    kind: InitConfiguration
    localAPIEndpoint:
      advertiseAddress: 10.0.0.10
      bindPort: 6443
    nodeRegistration:
      imagePullPolicy: IfNotPresent
      imagePullSerial: true
      kubeletExtraArgs:
      - name: node-labels
        value: env=dev
      - name: v
        value: "4"
      name: cp-1
      taints:
      - effect: NoSchedule
        key: node-role.kubernetes.io/control-plane
    timeouts:
      controlPlaneComponentHealthCheck: 2m0s
      discovery: 5m0s
      etcdAPICall: 2m0s
      kubeletHealthCheck: 4m0s
      kubernetesAPICall: 1m0s
      tlsBootstrap: 5m0s
      upgradeManifests: 5m0s
    ---
    apiServer:
      extraArgs:
      - name: authorization-mode
        value: Node,RBAC
    apiVersion: kubeadm.k8s.io/v1beta4
    caCertificateValidityPeriod: 87600h0m0s
    certificateValidityPeriod: 8760h0m0s
    certificatesDir: /etc/kubernetes/pki
    clusterName: kubernetes
    controllerManager: {}
    dns: {}
    encryptionAlgorithm: RSA-2048
    etcd:
      local:
        dataDir: /var/lib/etcd
    imageRepository: registry.k8s.io
    kind: ClusterConfiguration
    kubernetesVersion: v1.36.2
    networking:
      dnsDomain: cluster.local
      serviceSubnet: 10.96.0.0/12
    proxy: {}
    scheduler: {}
    ---
    apiVersion: kubelet.config.k8s.io/v1beta1
    kind: KubeletConfiguration
    maxPods: 30
    "#);
    let said = config("migrate --old-config -", V1BETA3).stderr;
    assert_snapshot!(said, @r#"
    [config/migrate] InitConfiguration: kubeadm.k8s.io/v1beta3 became kubeadm.k8s.io/v1beta4
    [config/migrate] InitConfiguration.nodeRegistration.kubeletExtraArgs: the map became a list of `name` and `value`
    [config/migrate] InitConfiguration: defaults written out: bootstrapTokens.0.groups, bootstrapTokens.0.ttl, bootstrapTokens.0.usages, localAPIEndpoint.bindPort, nodeRegistration.imagePullPolicy, nodeRegistration.imagePullSerial, nodeRegistration.taints, timeouts
    [config/migrate] ClusterConfiguration: kubeadm.k8s.io/v1beta3 became kubeadm.k8s.io/v1beta4
    [config/migrate] ClusterConfiguration.apiServer.extraArgs: the map became a list of `name` and `value`
    [config/migrate] ClusterConfiguration.apiServer.timeoutForControlPlane became InitConfiguration.timeouts.controlPlaneComponentHealthCheck
    [config/migrate] ClusterConfiguration.kubernetesVersion: "1.36.2" became "v1.36.2"
    [config/migrate] ClusterConfiguration: defaults written out: caCertificateValidityPeriod, certificateValidityPeriod, certificatesDir, clusterName, encryptionAlgorithm, etcd, imageRepository, networking
    [config/migrate] InitConfiguration: not given, so still up to the machine that it is used on: nodeRegistration.criSocket
    "#);
}

#[test]
fn an_upgrade_configuration_is_migrated() {
    assert_snapshot!(stdout("migrate --old-config -", UPGRADE), @r#"
    apiVersion: kubeadm.k8s.io/v1beta4
    apply:
      certificateRenewal: true
      etcdUpgrade: false
      imagePullPolicy: IfNotPresent
      imagePullSerial: true
      kubernetesVersion: v1.36.4
    diff: {}
    kind: UpgradeConfiguration
    node:
      certificateRenewal: true
      etcdUpgrade: true
      imagePullPolicy: IfNotPresent
      imagePullSerial: true
    plan:
      etcdUpgrade: true
    timeouts:
      controlPlaneComponentHealthCheck: 4m0s
      discovery: 3m0s
      etcdAPICall: 2m0s
      kubeletHealthCheck: 4m0s
      kubernetesAPICall: 1m0s
      tlsBootstrap: 5m0s
      upgradeManifests: 5m0s
    "#);
}

#[test]
fn a_migration_is_written_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("new.yaml");
    let args = format!("migrate --old-config - --new-config {}", file.display());
    assert_eq!(stdout(&args, V1BETA3), "");
    let written = std::fs::read_to_string(&file).unwrap();
    assert_eq!(written, stdout("migrate --old-config -", V1BETA3));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    failure(&args, WRONG, 2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
    let again = config("migrate --old-config -", &written).stderr;
    assert_snapshot!(again, @"[config/migrate] InitConfiguration: not given, so still up to the machine that it is used on: nodeRegistration.criSocket");
}

#[test]
fn everything_wrong_is_told_at_once() {
    assert_snapshot!(failure("validate --config -", WRONG, 2), @r#"
    error: the configuration can't be used:
    -:3:20: unknown field `nodeRegistration.criSockt`: did you mean `criSocket`?
    -:3:60: nodeRegistration.imagePullPolicy: "Sometimes" is not one of Always, IfNotPresent, Never
    -:7:16: unmountFlags.0: "FORCE" is not one of MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW
    -:9:1: Pod of v1 is not a kind that belongs here
    "#);
    let error = failure("validate --config /nonexistent.yaml", "", 2);
    assert!(error.contains("/nonexistent.yaml: can't be read"), "{error}");
    failure("validate", "", 2);
    failure("migrate", "", 2);
}

/// What kubeadm takes, and the components do not.
const REFUSED: &str = "apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
clusterName: 0777
podSubnet: 10.0.0.0/8
apiServer:
  extraArgs:
  - {name: audit-log-maxage, value: '30d'}
  - {name: tls-curve-preferences, value: '23'}
  - {name: apiserver-count, value: '3'}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
maxPods: -1
";

#[test]
fn what_components_would_refuse_is_told_with_types_and_fields_in_one_go() {
    assert_snapshot!(failure("validate --config -", REFUSED, 2), @r#"
    [config] WARNING: -:10:36: kube-apiserver `--apiserver-count`: deprecated: it will be removed
    error: the configuration can't be used:
    -:4:14: `clusterName`: the number `0777` where a string is wanted: put it in quotes ("0777"), since YAML 1.1 reads it otherwise
    -:5:1: unknown field `podSubnet`: it belongs in `networking`
    -:8:37: kube-apiserver `--audit-log-maxage`: "30d" is not a whole number
    -:14:10: maxPods: must not be negative
    "#);
}

#[test]
fn number_that_is_not_quoted_and_kind_of_another_api_are_told_once() {
    let input = "apiVersion: kubeadm.k8s.io/v1beta3
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
etcd:
  local:
    extraArgs:
      election-timeout: 1000
---
apiVersion: kubeadm.k8s.io/v1beta3
kind: KubeletConfiguration
cgroupDriver: systemd
";
    assert_snapshot!(failure("validate --allow-deprecated-api --config -", input, 2), @r#"
    error: the configuration can't be used:
    -:7:25: `etcd.local.extraArgs.election-timeout`: the number `1000` where a string is wanted: put it in quotes ("1000"), since YAML 1.1 reads it otherwise
    -:9:13: ignoring the KubeletConfiguration: it is not a kind of kubeadm's; write `apiVersion: kubelet.config.k8s.io/v1beta1`
    "#);
}

#[test]
fn problems_are_told_to_machines_with_file_line_column_and_rule() {
    let output = config("validate --config - -o json", REFUSED);
    let output = output.refused(2, &[]);
    let result: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(result["valid"], false);
    let told: Vec<String> = result["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| {
            let field = |name: &str| problem[name].to_string();
            format!(
                "{} {} {}:{}:{}",
                field("severity"),
                field("rule"),
                field("file"),
                field("line"),
                field("column")
            )
        })
        .collect();
    assert_snapshot!(told.join("\n").replace('"', ""), @r"
    error type -:4:14
    error unknown-field -:5:1
    error flag-type -:8:37
    error kubelet-configuration -:14:10
    warning flag-deprecated -:10:36
    ");
}

#[test]
fn a_file_is_tried_against_another_minor() {
    let flag = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.2\napiServer: {extraArgs: [{name: tls-curve-preferences, value: '23'}]}\n";
    assert_eq!(stdout("validate --config -", flag), "ok\n");
    assert_eq!(stdout("validate --config - --kubernetes-version v1.37.1", flag), "ok\n");
    let told = failure("validate --config - --kubernetes-version 1.35", flag, 2);
    assert!(
        told.contains("kube-apiserver 1.35 has no flag `tls-curve-preferences`: it came with 1.36"),
        "{told}"
    );
    let told = failure("validate --config - --kubernetes-version 1.20", flag, 2);
    assert!(told.contains("1.33 to 1.37"), "{told}");
}

#[test]
fn a_deprecated_version_is_valid_and_told() {
    let output = config("validate --config -", V1BETA3);
    assert_eq!((output.code, output.stdout.as_str()), (Some(0), "ok\n"));
    assert_eq!(output.stderr.matches("is deprecated").count(), 2);
    let quiet = config("validate --config - --allow-deprecated-api", V1BETA3);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""));
}

#[test]
fn images_are_listed() {
    assert_snapshot!(stdout("images list --kubernetes-version v1.36.2", ""), @r#"
    registry.k8s.io/kube-apiserver:v1.36.2
    registry.k8s.io/kube-controller-manager:v1.36.2
    registry.k8s.io/kube-scheduler:v1.36.2
    registry.k8s.io/kube-proxy:v1.36.2
    registry.k8s.io/coredns/coredns:v1.14.2
    registry.k8s.io/pause:3.10.2
    registry.k8s.io/etcd:3.6.8-0
    "#);
    assert_snapshot!(stdout("images list --kubernetes-version v1.36.2 -o json", ""), @r#"
    {
        "kind": "Images",
        "apiVersion": "output.kubeadm.k8s.io/v1alpha3",
        "images": [
            "registry.k8s.io/kube-apiserver:v1.36.2",
            "registry.k8s.io/kube-controller-manager:v1.36.2",
            "registry.k8s.io/kube-scheduler:v1.36.2",
            "registry.k8s.io/kube-proxy:v1.36.2",
            "registry.k8s.io/coredns/coredns:v1.14.2",
            "registry.k8s.io/pause:3.10.2",
            "registry.k8s.io/etcd:3.6.8-0"
        ]
    }
    "#);
    assert_snapshot!(stdout("images list --config - -o yaml", CLUSTER), @r#"
    apiVersion: output.kubeadm.k8s.io/v1alpha3
    images:
    - registry.example.com/k8s/kube-apiserver:v1.35.0
    - registry.example.com/k8s/kube-controller-manager:v1.35.0
    - registry.example.com/k8s/kube-scheduler:v1.35.0
    - registry.example.com/k8s/kube-proxy:v1.35.0
    - registry.example.com/k8s/pause:3.10.1
    - registry.example.com/k8s/etcd:3.6.6-0
    kind: Images
    "#);
}

#[test]
fn flags_beside_a_file_are_told_to_have_no_effect() {
    let output = config("images list --config - --kubernetes-version v1.34.0", CLUSTER);
    assert!(output.stdout.contains("kube-apiserver:v1.35.0"));
    assert_snapshot!(output.stderr, @r#"[config] WARNING: --kubernetes-version has no effect beside --config: the file counts"#);
    let error = failure("images list --kubernetes-version v1.30.0 --image-repository A_b", "", 2);
    assert_snapshot!(error, @r#"
    error: the configuration can't be used:
    --kubernetes-version: kubernetesVersion: Kubernetes v1.30.0 can't be set up: this kubestrap knows 1.33 to 1.37
    --image-repository: imageRepository: "A_b" is not an image repository: write it as `registry.example.com:5000/path`, without a scheme, tag or capital letters in the path
    "#);
}

#[test]
fn a_pull_without_a_runtime_says_so() {
    let error = failure("images pull --cri-socket /nonexistent/cri.sock", "", 1);
    assert_snapshot!(error, @r#"error: container runtime at `unix:///nonexistent/cri.sock`, connect: the socket does not exist: the runtime is not installed, not running, or listens elsewhere; `--cri-socket` names another runtime's socket"#);
}

#[test]
fn every_command_has_an_example() {
    for command in [
        "",
        "print",
        "print init-defaults",
        "print join-defaults",
        "print reset-defaults",
        "print upgrade-defaults",
        "validate",
        "migrate",
        "images",
        "images list",
        "images pull",
    ] {
        let help = stdout(&format!("{command} --help"), "");
        assert!(help.contains("Example") && help.contains("\n  kubestrap config "), "{command}: {help}");
    }
}
