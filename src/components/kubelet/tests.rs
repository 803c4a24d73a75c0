use super::*;
use crate::finding::Severity;

fn judged(text: &str, minor: u64) -> Vec<Verdict> {
    let value = crate::yaml::parse_values(text).unwrap().remove(0);
    judge(&KubeletConfiguration::from_value(value).unwrap(), minor)
}

#[test]
fn what_kubelet_refuses_is_told_with_its_field() {
    for (text, path) in [
        ("systemReserved: {cpu: 500mm}", "systemReserved.cpu"),
        ("kubeReserved: {memory: -1Gi}", "kubeReserved.memory"),
        ("kubeReserved: {disk: 1Gi}", "kubeReserved.disk"),
        ("imageGCHighThresholdPercent: 70\nimageGCLowThresholdPercent: 80", "imageGCLowThresholdPercent"),
        ("imageGCHighThresholdPercent: 80", "imageGCLowThresholdPercent"),
        ("memorySwap: {swapBehavior: UnlimitedSwap}", "memorySwap.swapBehavior"),
        ("hairpinMode: promiscuous", "hairpinMode"),
        ("tlsCipherSuites: [TLS_AES_128_GCM_SHA256, FOO]", "tlsCipherSuites.1"),
        ("tlsMinVersion: VersionTLS14", "tlsMinVersion"),
        ("containerLogMaxSize: 10MB", "containerLogMaxSize"),
        ("containerLogMaxFiles: 1", "containerLogMaxFiles"),
        ("containerLogMonitorInterval: 1s", "containerLogMonitorInterval"),
        ("evictionHard: {memory.available: 110%}", "evictionHard.memory.available"),
        ("evictionHard: {memory.free: 5%}", "evictionHard.memory.free"),
        ("evictionHard: {memory.available: '0'}", "evictionHard.memory.available"),
        ("evictionSoft: {memory.available: 5%}", "evictionSoft.memory.available"),
        ("evictionSoftGracePeriod: {memory.available: 1x}", "evictionSoftGracePeriod.memory.available"),
        ("evictionMinimumReclaim: {nodefs.available: 0%}", "evictionMinimumReclaim.nodefs.available"),
        ("enforceNodeAllocatable: [pods, kube-reserved]", "enforceNodeAllocatable.1"),
        ("enforceNodeAllocatable: [none, pods]", "enforceNodeAllocatable.0"),
        ("enforceNodeAllocatable: [pod]", "enforceNodeAllocatable.0"),
        ("cgroupsPerQOS: false", "cgroupsPerQOS"),
        ("reservedSystemCPUs: 0-1;3", "reservedSystemCPUs"),
        ("reservedSystemCPUs: '0'\nsystemReservedCgroup: /x", "reservedSystemCPUs"),
        ("port: 70000", "port"),
        ("readOnlyPort: -1", "readOnlyPort"),
        ("maxPods: -1", "maxPods"),
        ("oomScoreAdj: -2000", "oomScoreAdj"),
        ("cpuCFSQuotaPeriod: 2s", "cpuCFSQuotaPeriod"),
        ("shutdownGracePeriod: 500ms", "shutdownGracePeriod"),
        ("shutdownGracePeriodCriticalPods: 10s", "shutdownGracePeriodCriticalPods"),
        ("serializeImagePulls: true\nmaxParallelImagePulls: 5", "maxParallelImagePulls"),
        ("maxParallelImagePulls: 0", "maxParallelImagePulls"),
        ("registerWithTaints: [{key: a b, effect: NoSchedule}]", "registerWithTaints.0.key"),
        ("registerWithTaints: [{key: a, effect: Never}]", "registerWithTaints.0.effect"),
        ("topologyManagerPolicy: numa", "topologyManagerPolicy"),
        ("cpuManagerPolicy: Static", "cpuManagerPolicy"),
        ("cpuManagerPolicy: static", "cpuManagerPolicy"),
        ("cpuManagerPolicyOptions: {full-pcpus-only: 'true'}", "cpuManagerPolicyOptions.full-pcpus-only"),
        (
            "cpuManagerPolicy: static\nreservedSystemCPUs: '0'\ncpuManagerPolicyOptions: {align-by-socket: 'true'}",
            "cpuManagerPolicyOptions.align-by-socket",
        ),
        ("memoryManagerPolicy: Static", "memoryManagerPolicy"),
        ("allowedUnsafeSysctls: [vm.swappiness]", "allowedUnsafeSysctls.0"),
        ("allowedUnsafeSysctls: ['kernel.*.x']", "allowedUnsafeSysctls.0"),
        (
            "topologyManagerPolicy: restricted\ntopologyManagerPolicyOptions: {a: 'true'}",
            "topologyManagerPolicyOptions.a",
        ),
        ("tracing: {endpoint: 'not a url'}", "tracing.endpoint"),
        ("logging: {options: {json: {infoBufferSize: 1Ki}}}", "logging.options.json.infoBufferSize"),
        ("containerLogMaxSize: 1.5Mi", "containerLogMaxSize"),
        ("kubeReserved: {memory: ' 1Gi'}", "kubeReserved.memory"),
        ("containerRuntimeEndpoint: tcp://127.0.0.1:1", "containerRuntimeEndpoint"),
        ("address: node", "address"),
        ("tlsCipherSuites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]", "tlsCipherSuites"),
        ("authorization: {mode: RBAC}", "authorization.mode"),
        ("runOnce: true", "runOnce"),
        ("systemCgroups: /system", "systemCgroups"),
        ("crashLoopBackOff: {maxContainerRestartPeriod: 10m}", "crashLoopBackOff.maxContainerRestartPeriod"),
        ("podLogsDir: /var/log/pods/", "podLogsDir"),
        ("imagePullCredentialsVerificationPolicy: Sometimes", "imagePullCredentialsVerificationPolicy"),
        ("memoryThrottlingFactor: 1.5", "memoryThrottlingFactor"),
        ("featureGates: {NodeSwop: true}", "featureGates.NodeSwop"),
        ("featureGates: {NodeSwap: false}", "featureGates.NodeSwap"),
        ("imageMaximumGCAge: 1m", "imageMaximumGCAge"),
        ("userNamespaces: {idsPerPod: 1000}", "userNamespaces.idsPerPod"),
        ("reservedMemory: [{numaNode: 0, limits: {cpu: 1}}]", "reservedMemory.0.limits.cpu"),
        ("logging: {format: yaml}", "logging.format"),
        ("qosReserved: {memory: 1Gi}", "qosReserved.memory"),
        ("tracing: {samplingRatePerMillion: -1}", "tracing.samplingRatePerMillion"),
        ("configMapAndSecretChangeDetectionStrategy: Poll", "configMapAndSecretChangeDetectionStrategy"),
    ] {
        let found = judged(text, 36);
        let told = found.iter().any(|v| v.path == path && v.severity == Severity::Error);
        assert!(told, "{text}: {found:#?}");
    }
}

#[test]
fn what_kubelet_takes_is_left_alone() {
    for text in [
        "{}",
        "systemReserved: {cpu: 500m, memory: 1Gi, ephemeral-storage: 1Gi, pid: '1000'}",
        "evictionHard: {memory.available: 100Mi, nodefs.available: 10%, imagefs.available: 0%, nodefs.inodesFree: 100%}",
        "evictionSoft: {memory.available: 500Mi}\nevictionSoftGracePeriod: {memory.available: 1m30s}",
        "failSwapOn: false\nmemorySwap: {swapBehavior: LimitedSwap}",
        "containerLogMaxSize: 50Mi\ncontainerLogMaxFiles: 2",
        "maxParallelImagePulls: 5",
        "imageGCHighThresholdPercent: 90\nimageGCLowThresholdPercent: 85",
        "cgroupsPerQOS: false\nenforceNodeAllocatable: [none]",
        "enforceNodeAllocatable: [pods, system-reserved]\nsystemReservedCgroup: /system.slice",
        "shutdownGracePeriod: 30s\nshutdownGracePeriodCriticalPods: 10s",
        "reservedSystemCPUs: 0-1,4",
        "tlsCipherSuites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\ntlsMinVersion: VersionTLS12",
        "featureGates: {MemoryQoS: true, AllBeta: true}",
        "hairpinMode: hairpin-veth\ncpuManagerPolicy: static\nreservedSystemCPUs: '0'",
        "cpuManagerPolicy: static\nkubeReserved: {cpu: 500m}\ncpuManagerPolicyOptions: {full-pcpus-only: 'true'}",
        "memoryManagerPolicy: Static\nreservedMemory: [{numaNode: 0, limits: {memory: 100Mi}}]",
        "memoryManagerPolicy: Static\nkubeReserved: {memory: 1Gi}\nevictionHard: {memory.available: 5%}",
        "allowedUnsafeSysctls: ['kernel.msg*', net.core.somaxconn, kernel.sem, 'net.*']",
        "topologyManagerPolicy: best-effort\ntopologyManagerPolicyOptions: {max-allowable-numa-nodes: '10'}",
        "tracing: {endpoint: 'localhost:4317'}",
    ] {
        for minor in [33, 34, 35, 36] {
            assert_eq!(judged(text, minor), [], "1.{minor}: {text}");
        }
    }
}

#[test]
fn what_a_minor_takes_depends_on_its_gates() {
    let restart = "crashLoopBackOff: {maxContainerRestartPeriod: 60s}";
    assert_eq!((judged(restart, 34).len(), judged(restart, 35).len()), (1, 0));
    let cache = "cpuManagerPolicy: static\nreservedSystemCPUs: '0'\ncpuManagerPolicyOptions: {prefer-align-cpus-by-uncorecache: 'true'}";
    assert_eq!((judged(cache, 33).len(), judged(cache, 34).len()), (1, 0));
    let log = "enableSystemLogQuery: true";
    assert_eq!((judged(log, 35).len(), judged(log, 36).len()), (1, 0));
    let swap = "featureGates: {NodeSwap: false}";
    assert_eq!((judged(swap, 33).len(), judged(swap, 34).len()), (0, 1));
}
