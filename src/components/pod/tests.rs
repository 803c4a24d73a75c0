use super::*;

fn judged(yaml: &str, minor: u64) -> Vec<String> {
    let pod: Pod = crate::yaml::from_template(yaml).unwrap();
    judge(&pod, minor).into_iter().map(|(path, _)| path).collect()
}

fn spec(spec: &str) -> String {
    format!(
        "metadata: {{name: p, namespace: kube-system}}\nspec: {{containers: [{{name: c, image: i{spec}}}]"
    )
}

#[test]
fn what_kubelet_refuses_is_told() {
    for (pod, path) in [
        (
            format!("{}}}", spec(", volumeMounts: [{name: v, mountPath: /x}]")),
            "spec.containers.0.volumeMounts.0.name",
        ),
        (
            format!(
                "{}, volumes: [{{name: v}}]}}",
                spec(", volumeMounts: [{name: v, mountPath: /x}, {name: v, mountPath: /x}]")
            ),
            "spec.containers.0.volumeMounts.1.mountPath",
        ),
        (
            format!("{}, volumes: [{{name: v, hostPath: {{path: /a, type: Dir}}}}]}}", spec("")),
            "spec.volumes.0.hostPath.type",
        ),
        (
            format!("{}, volumes: [{{name: v, hostPath: {{path: /a/../b}}}}]}}", spec("")),
            "spec.volumes.0.hostPath.path",
        ),
        (format!("{}, volumes: [{{name: V_1}}]}}", spec("")), "spec.volumes.0.name"),
        (format!("{}, volumes: [{{name: v, secret: {{secretName: s}}}}]}}", spec("")), "spec.volumes.0"),
        (format!("{}}}", spec(", env: [{name: 'A=B', value: x}]")), "spec.containers.0.env.0.name"),
        (
            format!("{}}}", spec(", env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: k}}}]")),
            "spec.containers.0.env.0.valueFrom",
        ),
        (format!("{}}}", spec(", ports: [{containerPort: 0}]")), "spec.containers.0.ports.0.containerPort"),
        (
            format!("{}}}", spec(", ports: [{containerPort: 1, name: a-name-that-is-too-long}]")),
            "spec.containers.0.ports.0.name",
        ),
        (
            format!("{}}}", spec(", livenessProbe: {httpGet: {port: probe}}")),
            "spec.containers.0.livenessProbe.httpGet.port",
        ),
        (format!("{}}}", spec(", livenessProbe: {}")), "spec.containers.0.livenessProbe"),
        (
            format!("{}}}", spec(", resources: {requests: {cpu: '-1'}}")),
            "spec.containers.0.resources.requests.cpu",
        ),
        (format!("{}, restartPolicy: Sometimes}}", spec("")), "spec.restartPolicy"),
    ] {
        assert_eq!(judged(&pod, 36), [path], "{pod}");
    }
    let reference = format!("{}, volumes: [{{name: v, secret: {{secretName: s}}}}]}}", spec(""));
    assert!(judged(&reference, 33).is_empty(), "1.33 only leaves out the mirror Pod");
}

#[test]
fn our_own_pods_are_valid() {
    use crate::manifest::{Component, PkiFacts, render};
    for version in ["v1.33.9", "v1.34.5", "v1.35.2", "v1.36.2", "v1.37.0"] {
        let settings = crate::preflight::test_settings(&format!("kubernetesVersion: {version}\n"));
        for component in Component::ALL {
            let pod = render(component, &settings, PkiFacts::default()).unwrap();
            assert_eq!(judge(&pod, settings.cluster.version.minor()), [], "{version} {component:?}");
        }
    }
}
