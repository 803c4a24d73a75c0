//! Every rule's words are a regular expression, and what real programs wrote leads to the right cause.

use std::collections::BTreeMap;

use super::evidence::{ComponentEvidence, KubeletEvidence};
use super::rule::Proof;
use super::*;
use crate::health::Stage;
use crate::manifest::Component;

fn found(evidence: &Evidence) -> Vec<Diagnosis> {
    diagnose(evidence, &Place::of_defaults(), None)
}

fn kubelet_down(log: &[&str]) -> Evidence {
    let kubelet = KubeletEvidence {
        health: Some("connection refused".into()),
        active: Some(true),
        log: log.iter().map(|l| (*l).to_owned()).collect(),
    };
    Evidence { kubelet, ..Evidence::default() }
}

fn ended(component: Component, log: &[&str]) -> Evidence {
    let state = |stage| ComponentEvidence { stage, ..ComponentEvidence::default() };
    let mut components: BTreeMap<_, _> = Component::ALL.map(|c| (c, state(Stage::Healthy))).into();
    let failed = ComponentEvidence {
        stage: Stage::Exited,
        exit_code: Some(1),
        starts: 1,
        log: log.iter().map(|l| (*l).to_owned()).collect(),
        ..ComponentEvidence::default()
    };
    components.insert(component, failed);
    Evidence { components, ..Evidence::default() }
}

#[test]
fn every_rule_can_be_held_against_something() {
    for rule in rules::all() {
        let words = conclude::pattern(rule.words).unwrap_or_else(|| panic!("{}: no pattern", rule.name));
        for text in [rule.what, rule.cause, rule.fix] {
            for name in text.split('{').skip(1).filter_map(|t| t.split_once('}')).map(|(name, _)| name) {
                let known = words.capture_names().flatten().any(|n| n == name)
                    || Place::of_defaults().name(name, None).is_some();
                assert!(known, "{}: {name} in {text:?}", rule.name);
            }
        }
        assert!(!rule.fix.is_empty() && !rule.what.is_empty(), "{}", rule.name);
    }
}

#[test]
fn a_kubelet_that_ends_says_why() {
    for (line, check, words) in [
        (
            r#"E1124 15:00:00.1 42 run.go:72] "command failed" err="failed to parse kubelet flag: unknown flag: --no-such-flag""#,
            "KubeletFlag",
            "--no-such-flag",
        ),
        (
            r#"E1124 15:00:00.1 42 run.go:72] "command failed" err="failed to validate kubelet configuration, error: invalid configuration: swapFail, path: &TypeMeta""#,
            "KubeletConfig",
            "swapFail",
        ),
        (
            r#"E1124 15:00:00.1 42 run.go:72] "command failed" err="failed to run Kubelet: running with swap on is not supported, please disable swap or set --fail-swap-on flag to false""#,
            "SwapOn",
            "swap",
        ),
        (
            "kubelet.service: Failed at step EXEC spawning /usr/bin/kubelet: No such file or directory",
            "KubeletMissing",
            "can't start its program",
        ),
        (r#"E1124 run.go:72] "command failed" err="something new""#, "KubeletFails", "something new"),
    ] {
        let found = found(&kubelet_down(&["I1124 fine", line]));
        assert_eq!(found[0].finding.check, check, "{found:#?}");
        assert!(found[0].finding.what.contains(words), "{}", found[0].finding.what);
    }
    // What it said before it came up is over.
    let mut evidence = kubelet_down(&[r#"E1124 run.go:72] "command failed" err="x""#]);
    evidence.kubelet.health = None;
    assert_eq!(found(&evidence), []);
}

#[test]
fn a_component_that_ends_says_why() {
    for (component, line, check, words) in [
        (Component::ApiServer, "Error: unknown flag: --no-such-flag", "UnknownFlag", "--no-such-flag"),
        (Component::Etcd, "flag provided but not defined: -no-such-flag", "UnknownFlag", "-no-such-flag"),
        (
            Component::ApiServer,
            r#"E1124 15:00:00.1 1 run.go:72] "command failed" err="failed to create listener: failed to listen on 0.0.0.0:6443: listen tcp 0.0.0.0:6443: bind: address already in use""#,
            "PortInUse",
            "0.0.0.0:6443",
        ),
        (
            Component::ApiServer,
            r#"E1124 15:00:00.1 1 run.go:72] "command failed" err="loading audit policy file: failed to read file path \"/etc/audit.yaml\": open /etc/audit.yaml: no such file or directory""#,
            "FileMissing",
            "/etc/audit.yaml",
        ),
        (
            Component::Etcd,
            r#"{"level":"fatal","ts":"2026-11-24","caller":"etcdmain/etcd.go:181","msg":"discovery failed","error":"listen tcp 10.1.2.3:2380: bind: cannot assign requested address"}"#,
            "AddressNotHere",
            "10.1.2.3:2380",
        ),
        (
            Component::Etcd,
            r#"{"level":"warn","ts":"2026-11-29","caller":"etcdmain/etcd.go:66","msg":"failed to verify flags","error":"--election-timeout[100ms] should be at least as 5 times as --heartbeat-interval[100ms]"}"#,
            "EtcdFails",
            "etcd refuses its flags: --election-timeout[100ms] should be at least as 5 times as --heartbeat-interval[100ms]",
        ),
        (
            Component::Scheduler,
            r#"E1124 15:00:00.1 1 run.go:72] "command failed" err="something new""#,
            "ComponentRefuses",
            "something new",
        ),
    ] {
        let found = found(&ended(component, &["I1124 fine", line, "", "I1124 bye"]));
        assert_eq!(found[0].finding.check, check, "{found:#?}");
        assert!(found[0].finding.what.contains(words), "{}", found[0].finding.what);
        assert_eq!(found[0].subject, Some(component));
        assert_eq!(found.len(), 1, "said once: {found:#?}");
    }
}

#[test]
fn what_follows_from_another_component_is_no_proof() {
    let refused = r#"E1124 1 run.go:72] "command failed" err="Unauthorized""#;
    let mut evidence = ended(Component::Scheduler, &[refused]);
    assert_eq!(found(&evidence)[0].proof, Proof::Persisting);
    evidence.components.insert(Component::ApiServer, ComponentEvidence::default());
    evidence.kubelet.health = None;
    assert_eq!(found(&evidence)[0].proof, Proof::Possible);
}

#[test]
fn one_that_gave_up_before_what_it_needs_was_there_and_runs_again_is_given_time() {
    // Seen on an emulated machine, whose API server took longer than kube-controller-manager waits for it.
    let said = r#"E1124 controllermanager.go:289] "Error building controller context" err="failed to wait for apiserver being healthy: timed out waiting for the condition""#;
    let mut evidence = ended(Component::ControllerManager, &[said]);
    let state = evidence.components.get_mut(&Component::ControllerManager).unwrap();
    (state.stage, state.starts) = (Stage::Running, 2);
    assert!(found(&evidence).iter().all(|d| d.proof == Proof::Possible), "{:#?}", found(&evidence));
    let state = evidence.components.get_mut(&Component::ControllerManager).unwrap();
    (state.stage, state.starts) = (Stage::Exited, 3);
    assert!(found(&evidence).iter().any(|d| d.proof > Proof::Possible), "it ends again, without that excuse");
}

/// kubelet's words about the container of a static Pod that CRI-O 1.36 can't start.
fn refused_by_cri_o(reason: &str) -> Evidence {
    let line = format!(
        r#"E1128 21:00:00.1 42 pod_workers.go:1324] "Error syncing pod, skipping" err="failed to \"StartContainer\" for \"etcd\" with {reason}" pod="kube-system/etcd-n1" podUID="1""#
    );
    let pending = ComponentEvidence { stage: Stage::Sandbox, ..ComponentEvidence::default() };
    let mut evidence = kubelet_down(&[&line]);
    evidence.kubelet.health = None;
    evidence.components = [(Component::Etcd, pending)].into();
    evidence
}

#[test]
fn a_container_that_cri_o_can_t_start_says_why() {
    let place = Place { cri_socket: "unix:///var/run/crio/crio.sock".into(), ..Place::of_defaults() };
    for (reason, check, fix) in [
        (
            r#"CreateContainerError: \"container create failed: write to `/proc/self/oom_score_adj`: Permission denied\\n\""#,
            "OomScore",
            "CAP_SYS_RESOURCE",
        ),
        (
            r#"CreateContainerError: \"container create failed: unknown version specified\\n\""#,
            "OciRuntimeTooOld",
            "a file in /etc/crio/crio.conf.d and restart crio",
        ),
        (
            r#"ErrImagePull: \"unable to pull image or OCI artifact: pull image err: initializing source docker://registry.k8s.io/etcd:3.6.8-0: pinging container registry registry.k8s.io: connection refused\""#,
            "ImagePull",
            "config images import",
        ),
    ] {
        let found = diagnose(&refused_by_cri_o(reason), &place, None);
        assert_eq!(found[0].finding.check, check, "{found:#?}");
        assert!(found[0].finding.fix.as_ref().unwrap().contains(fix), "{found:#?}");
        assert_eq!(found.len(), 1, "said once: {found:#?}");
    }
    // containerd's runc says the first in other words.
    let runc = r#"RunContainerError: \"failed to create containerd task: runc create failed: unable to start container process: write /proc/self/oom_score_adj: permission denied\""#;
    assert_eq!(found(&refused_by_cri_o(runc))[0].finding.check, "OomScore");
}
