//! Two kubestraps at once: the second is told who the first is, at once.

use std::process::Stdio;
use std::time::{Duration, Instant};

use kubestrap::testing::Lock;

use super::existing_pki::Place;
use super::support::{Machine, is_root, kubestrap, note_skipped};

#[test]
fn the_second_is_told_who_is_at_work() {
    let place = Place::filled();
    let before = place.state();
    let lock = Lock::take(&[&place.pki("")], "init phase certs").unwrap();
    let pid = format!("process {}, `kubestrap init phase certs`, since 2", std::process::id());
    let said = ["another kubestrap is at work", "pki", pid.as_str(), "fix: wait"];
    let dirs = |run: super::support::Run| {
        run.arg("--cert-dir").arg(place.pki("")).arg("--kubeconfig-dir").arg(place.path())
    };
    for run in [
        place.certs("all"),
        place.phase("kubeconfig all"),
        dirs(kubestrap(&["certs", "renew", "all"])),
        dirs(kubestrap(&["certs", "generate-csr"])),
    ] {
        let done = run.run().refused(1, &said);
        assert!(done.took < Duration::from_secs(2), "{:?}", done.took);
    }
    assert!(before == place.state());
    place.dry_run().run().succeeded();
    drop(lock);
    place.certs("all").run().succeeded();
}

#[test]
fn one_that_is_killed_is_not_in_the_way() {
    if !is_root() {
        return note_skipped("only root can change its root folder, to have a machine of its own");
    }
    let machine = Machine::new();
    // It waits for an answer, and keeps others out meanwhile.
    let run = kubestrap(&["reset", "--rootfs"]).arg(machine.file(""));
    let mut reset = run.command();
    let mut reset = reset.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !machine.file("/run/kubestrap").exists() {
        assert!(start.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(50));
    let phase = || machine.run("init phase control-plane all", "");
    phase().run().refused(1, &["another kubestrap is at work"]);
    let second = kubestrap(&["reset", "--force", "--rootfs"]).arg(machine.file(""));
    second.run().refused(1, &["another kubestrap is at work"]);
    assert!(machine.files().is_empty());
    reset.kill().unwrap();
    reset.wait().unwrap();
    phase().run().succeeded();
}
