//! A rotation on a node whose files are real: before each of its acts, everybody who is there verifies everybody else.
//!
//! [`World`] knows what each component has read and when it reads again; certificates are verified as they do.

mod site;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use super::{clear, turn_back, workflow};
use crate::certs::rotation::Stage;
use crate::error::Error;
use crate::host::{Host, RealHost};
use crate::manifest::{self, Component};
use crate::node::StaticPod;
use crate::node::fake::FakeNode;
use crate::pki::Bundle;
use crate::workflow::Selection;
use site::Site;
use world::{World, observed, verify};

/// A site, and what everybody has read there.
fn site() -> (Arc<Site>, Arc<Mutex<World>>) {
    let site = Arc::new(Site::new());
    let world = Arc::new(Mutex::new(World::new(Arc::clone(&site))));
    (site, world)
}

/// All stages up to `last`, or as far as the process gets.
fn go(site: &Site, node: FakeNode, last: Stage) -> Result<Vec<String>, Error> {
    let events = Arc::clone(&node.events);
    let mut rotation = site.rotation(node);
    for stage in Stage::ALL.into_iter().filter(|stage| *stage <= last) {
        if rotation.progress.reached < Some(stage) {
            workflow(stage).run(&Selection::default(), &mut rotation)?;
        }
    }
    let events = events.lock().unwrap().clone();
    Ok(events)
}

#[test]
fn everybody_verifies_everybody_before_each_act_and_the_old_are_gone_at_the_end() {
    let (site, world) = site();
    let (old, old_key) = (site.bundle("ca.crt").certificate, site.signing_key());
    let events = go(&site, observed(&world, 0), Stage::Switched).unwrap();
    let restarts: Vec<&str> = events.iter().map(String::as_str).filter(|e| e.ends_with(" s")).collect();
    assert_eq!(
        restarts,
        [
            // Its manifest is replaced before the files of the stage.
            "stop kube-controller-manager-cp-1 within 3 s",
            "stop kube-apiserver-cp-1 within 3 s",
            "stop etcd-cp-1 within 30 s",
            "stop kube-controller-manager-cp-1 within 3 s",
            "stop kube-scheduler-cp-1 within 3 s",
            "stop kube-controller-manager-cp-1 within 3 s",
            "stop kube-apiserver-cp-1 within 3 s",
            "stop kube-controller-manager-cp-1 within 3 s",
            "stop kube-scheduler-cp-1 within 3 s",
        ]
    );
    let first = &site.bundle("ca.crt").certificate;
    assert_ne!(*first, old, "the CA that signs comes first");
    world.lock().unwrap().follow();
    go(&site, observed(&world, 0), Stage::Finished).unwrap();
    world.lock().unwrap().check();
    assert!(world.lock().unwrap().checks > 40);
    for file in ["ca.crt", "front-proxy-ca.crt", "etcd/ca.crt", "apiserver.crt", "etcd/server.crt"] {
        assert_eq!(site.bundle(file).iter().count(), 1, "{file}");
    }
    assert_eq!(site.bundle("ca.crt").certificate, *first);
    assert!(!site.public_keys().contains(&old_key));
    for client in ["admin.conf", "super-admin.conf", "scheduler.conf", "controller-manager.conf"] {
        assert_eq!(site.embedded(client).trusts, first.clone().into(), "{client}");
    }
    assert_eq!(world.lock().unwrap().signing_ca(), *first);
    let rotation = site.rotation(FakeNode::default());
    assert_eq!(rotation.progress.reached, Some(Stage::Finished));
    clear(&rotation).unwrap();
    assert!(!rotation.staging().dir.exists());
}

#[test]
fn killed_at_any_moment_it_is_resumed_to_the_same_end_and_breaks_nobody() {
    let (site, _) = site();
    // Every one would take a minute.
    for killed in (0..).step_by(7) {
        site.fresh_again();
        let world = Arc::new(Mutex::new(World::new(Arc::clone(&site))));
        let old = site.bundle("ca.crt").certificate;
        // The test before this one has verified all that comes before the kill.
        world.lock().unwrap().follows_only = true;
        let node = observed(&world, killed + 1);
        let attempt = catch_unwind(AssertUnwindSafe(|| go(&site, node, Stage::Switched)));
        // A look at what the kill left; whoever was stopped comes back with the resumed run.
        world.lock().unwrap().check();
        world.lock().unwrap().follows_only = false;
        let ended = attempt.is_ok();
        go(&site, observed(&world, 0), Stage::Switched).unwrap();
        world.lock().unwrap().check();
        let rotation = site.rotation(FakeNode::default());
        assert_eq!(rotation.progress.reached, Some(Stage::Switched), "killed before act {}", killed + 1);
        let signer = site.bundle("ca.crt").certificate;
        assert_ne!(signer, old);
        for leaf in ["apiserver.crt", "apiserver-kubelet-client.crt"] {
            let leaf: Bundle = site.bundle(leaf).certificate.into();
            verify(&leaf, &signer.clone().into(), "a leaf of the new CA");
        }
        let clients = world.lock().unwrap().clients.clone();
        for component in ["controller-manager", "scheduler", "kubelet"] {
            verify(&clients[component].shows, &signer.clone().into(), component);
        }
        if ended {
            assert!(killed > 50, "{killed}");
            break;
        }
    }
}

#[test]
fn killed_while_the_old_are_dropped_it_is_finished_by_the_next_run() {
    let (site, world) = site();
    go(&site, observed(&world, 0), Stage::Switched).unwrap();
    let switched = site.path("switched");
    RealHost::of_files().copy_all(&site.path("kubernetes"), &switched).unwrap();
    for killed_at in (1..).step_by(3) {
        std::fs::remove_dir_all(site.path("kubernetes")).unwrap();
        RealHost::of_files().copy_all(&switched, &site.path("kubernetes")).unwrap();
        let mut fresh = World::new(Arc::clone(&site));
        fresh.follow();
        let world = Arc::new(Mutex::new(fresh));
        let node = observed(&world, killed_at);
        let ended = catch_unwind(AssertUnwindSafe(|| go(&site, node, Stage::Finished))).is_ok();
        go(&site, observed(&world, 0), Stage::Finished).unwrap();
        world.lock().unwrap().check();
        assert_eq!(site.bundle("etcd/ca.crt").iter().count(), 1);
        assert_eq!(site.public_keys().len(), 1);
        if ended {
            assert!(killed_at > 20);
            break;
        }
    }
}

#[test]
fn rolled_back_from_any_stage_the_old_ca_signs_again_and_breaks_nobody() {
    for stage in [Stage::Trusted, Stage::Switched] {
        let (site, world) = site();
        let (old, old_key) = (site.bundle("ca.crt").certificate, site.signing_key());
        go(&site, observed(&world, 0), stage).unwrap();
        // Somebody has taken the new admin.conf already.
        let copy = site.embedded("admin.conf");
        world.lock().unwrap().clients.insert("new copy of admin.conf", copy);
        turn_back(&mut site.rotation(observed(&world, 0))).unwrap();
        go(&site, observed(&world, 0), Stage::Switched).unwrap();
        assert_eq!(site.bundle("ca.crt").certificate, old);
        assert_eq!(site.signing_key(), old_key);
        world.lock().unwrap().clients.remove("new copy of admin.conf");
        go(&site, observed(&world, 0), Stage::Finished).unwrap();
        world.lock().unwrap().check();
        assert_eq!(site.bundle("ca.crt"), old.into());
        assert_eq!(site.public_keys(), [old_key]);
    }
}

#[test]
fn init_and_upgrade_render_the_signing_ca_that_the_rotation_set() {
    let (site, world) = site();
    for stage in Stage::ALL {
        if stage == Stage::Finished {
            world.lock().unwrap().follow();
        }
        go(&site, observed(&world, 0), stage).unwrap();
        let facts = site.run(Arc::new(FakeNode::default())).pki_facts().unwrap();
        let rendered = manifest::render(Component::ControllerManager, &site.settings(), facts).unwrap();
        let rendered = StaticPod::new(Component::ControllerManager, serde_json::to_value(&rendered).unwrap());
        let manifests = site.path("kubernetes/manifests");
        let on_disk = StaticPod::read(&manifests, Component::ControllerManager, &RealHost::of_files());
        let on_disk = on_disk.unwrap().unwrap();
        for flag in ["cluster-signing-cert-file", "cluster-signing-key-file"] {
            assert_eq!(rendered.flag(flag), on_disk.flag(flag), "{stage:?}");
        }
    }
}

#[test]
fn external_ca_is_refused_and_nothing_is_written() {
    let (site, _) = site();
    std::fs::remove_file(site.path("kubernetes/pki/front-proxy-ca.key")).unwrap();
    let error = go(&site, FakeNode::default(), Stage::Switched).unwrap_err();
    assert!(error.message.contains("external CA") && error.message.contains("front-proxy-ca.key"), "{error}");
    assert!(!site.path("kubernetes/pki/ca-rotation").exists());
}

#[test]
fn component_that_is_given_another_file_is_refused() {
    let (site, _) = site();
    let manifest = site.path("kubernetes/manifests/kube-apiserver.yaml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("pki/sa.pub", "pki/mine.pub")).unwrap();
    let error = go(&site, FakeNode::default(), Stage::Switched).unwrap_err();
    assert!(
        error.message.contains("--service-account-key-file=") && error.message.contains("mine.pub"),
        "{error}"
    );
}

#[test]
fn ca_of_one_s_own_takes_over_where_it_was_put_before() {
    let (site, world) = site();
    let other = Site::new();
    let new = site.path("kubernetes/pki/ca-rotation/new");
    std::fs::create_dir_all(&new).unwrap();
    for file in ["ca.crt", "ca.key"] {
        std::fs::copy(other.path("kubernetes/pki").join(file), new.join(file)).unwrap();
    }
    go(&site, observed(&world, 0), Stage::Switched).unwrap();
    assert_eq!(site.bundle("ca.crt").certificate, other.bundle("ca.crt").certificate);
}
