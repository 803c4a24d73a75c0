//! The control plane's replacement on a node whose files are real: its order, what is put back after a failure, and what
//! becomes of it when the process is killed before any of its acts.

mod site;

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::journal::{Journal, Progress};
use super::{control_plane, undo};
use crate::host::RealHost;
use crate::manifest::Component;
use crate::phases::static_pods;
use site::{ETCD_FILE, NEW, OLD, Site, Unhealthy, node};

#[test]
fn manifest_is_replaced_while_kubelet_and_the_old_container_are_stopped() {
    let site = Site::new();
    let node = node(0);
    assert!(site.apply(&node).unwrap());
    assert_eq!(site.images(), ["3.6.8-0", NEW, NEW, NEW]);
    let events = node.events();
    let order = |component: &str| -> Vec<String> {
        let stopped = events.iter().position(|e| e.starts_with(&format!("stop {component}-"))).unwrap();
        let kubelet = events[..stopped].iter().rposition(|e| e == "stop kubelet").unwrap();
        let started = events.iter().skip(stopped).position(|e| e == "start kubelet").unwrap();
        events[kubelet..=stopped + started].to_vec()
    };
    assert_eq!(
        order("etcd"),
        [
            "stop kubelet",
            "stop kube-apiserver-cp-1 within 3 s",
            "stop etcd-cp-1 within 30 s",
            "copy etcd",
            "write kubestrap-upgrade.json",
            "write etcd.yaml",
            "start kubelet"
        ]
    );
    let scheduler = "stop kube-scheduler-cp-1 within 3 s";
    assert_eq!(
        order("kube-scheduler"),
        ["stop kubelet", scheduler, "write kube-scheduler.yaml", "start kubelet"]
    );
    assert!(!site.has_journal());
}

#[test]
fn second_upgrade_to_the_same_version_stops_nothing() {
    let site = Site::new();
    site.apply(&node(0)).unwrap();
    let (before, node) = (site.files(), node(0));
    assert!(!site.apply(&node).unwrap());
    assert_eq!(node.events(), [""; 0]);
    assert!(site.files() == before);
}

#[test]
fn etcd_member_keeps_the_members_it_joined_for_as_long_as_they_name_it() {
    let flags = |site: &Site| -> Vec<String> {
        let text = std::fs::read_to_string(site.path("kubernetes/manifests/etcd.yaml")).unwrap();
        let flags = text.lines().filter_map(|line| line.trim().strip_prefix("- --initial-cluster"));
        flags.map(str::to_owned).collect()
    };
    let own = format!("cp-1={}", Site::new().run(OLD, node(0)).settings.etcd_peer_url());
    for (members, kept) in [
        (format!("n1=https://192.0.2.9:2380,{own}"), true),
        (format!("{own},n1=https://192.0.2.9:2380"), true),
        ("n1=https://192.0.2.9:2380,cp-1=https://192.0.2.99:2380".to_owned(), false),
    ] {
        let site = Site::new();
        static_pods::write_joining_etcd(&mut site.run(OLD, node(0)), &members).unwrap();
        site.apply(&node(0)).unwrap();
        let expected = if kept {
            vec![format!("={members}"), "-state=existing".into()]
        } else {
            vec![format!("={own}")]
        };
        assert_eq!(flags(&site), expected);
        assert!(!site.apply(&node(0)).unwrap(), "a second upgrade restarts nothing");
    }
}

#[test]
fn control_plane_that_does_not_get_healthy_or_will_not_stay_so_is_put_back() {
    for probes in [false, true] {
        let site = Site::new();
        let before = site.files();
        let node = node(0);
        let mut upgrade = site.upgrade(&node);
        upgrade.run.watch = Box::new(Unhealthy { probes, ..Unhealthy::default() });
        let error = control_plane::upgrade(&mut upgrade).unwrap_err();
        assert_eq!(error.message.contains("probe fails: kubelet will kill it"), probes, "{error}");
        assert!(error.message.contains("this node is back at v1.35.6, and healthy"), "{error}");
        assert!(site.files() == before, "manifests, certificates and kubeconfigs are those from before");
        assert_eq!(site.etcd_data(), "old data");
        assert_eq!(node.events().iter().rfind(|e| e.ends_with("kubelet")).unwrap(), "start kubelet");
        assert!(!site.has_journal());
    }
}

#[test]
fn killed_before_any_act_it_is_finished_by_the_next_run() {
    let site = Site::new();
    let whole = node(0);
    site.apply(&whole).unwrap();
    let acts = whole.events().len();
    assert!(acts > 40, "{acts} acts: {:?}", whole.events());
    for killed_at in 1..=acts {
        site.fresh_again();
        let killed = catch_unwind(AssertUnwindSafe(|| site.apply(&node(killed_at))));
        assert!(killed.is_err(), "{killed_at}: it was not killed");
        let next = node(0);
        site.apply(&next).unwrap_or_else(|e| panic!("killed at {killed_at}: {e}"));
        assert_eq!(site.images(), ["3.6.8-0", NEW, NEW, NEW], "killed at {killed_at}");
        assert_eq!(site.etcd_data(), "old data", "killed at {killed_at}");
        assert!(!site.has_journal(), "killed at {killed_at}");
        assert!(!site.apply(&node(0)).unwrap(), "killed at {killed_at}: a third run has nothing to do");
    }
}

#[test]
fn killed_before_any_act_the_node_can_go_back() {
    let site = Site::new();
    let whole = node(0);
    site.apply(&whole).unwrap();
    for killed_at in 1..=whole.events().len() {
        site.fresh_again();
        let before = site.files();
        let killed = catch_unwind(AssertUnwindSafe(|| site.apply(&node(killed_at))));
        assert!(killed.is_err(), "{killed_at}: it was not killed");
        let mut back = site.run(OLD, node(0));
        let Some(journal) = Journal::read(&back.settings.node.paths, &RealHost::of_files()).unwrap() else {
            // Before anything was begun, or after everything was done.
            let done = killed_at + 1 > whole.events().len();
            assert!(site.files() == before || done, "killed at {killed_at}");
            continue;
        };
        undo::undo(&mut back, &journal).unwrap_or_else(|e| panic!("killed at {killed_at}: {e}"));
        assert!(site.files() == before, "killed at {killed_at}");
        assert_eq!(site.etcd_data(), "old data", "killed at {killed_at}");
        assert!(!site.has_journal(), "killed at {killed_at}");
    }
}

#[test]
fn data_of_etcd_is_put_back_only_where_the_old_one_needs_it() {
    for (progress, needed, data, lost) in [
        (Progress::Begun, false, "old data", false),
        (Progress::Healthy, false, "new data", false),
        (Progress::Healthy, true, "old data", true),
    ] {
        let site = Site::new();
        let mut upgrade = site.upgrade(&node(0));
        control_plane::upgrade(&mut upgrade).unwrap();
        std::fs::write(site.path(ETCD_FILE), "new data").unwrap();
        let mut journal = upgrade.journal.unwrap();
        journal.components.insert(Component::Etcd, progress);
        journal.etcd.as_mut().unwrap().needed = needed;
        let told = undo::undo(&mut site.run(OLD, node(0)), &journal).unwrap();
        assert_eq!((site.etcd_data().as_str(), told.is_some()), (data, lost), "{progress:?} {needed}");
        assert!(!site.path("etcd/member-of-failed-upgrade").exists());
    }
}
