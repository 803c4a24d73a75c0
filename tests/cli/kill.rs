//! kill -9 at any moment: what stands under a final name is whole, and a second run finishes the work.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::support::{
    CLUSTER, INIT, Run, all_certificates, config, dry_run, files, is_root, kubestrap, note_skipped,
};

/// In how many steps to go through a run.
const MOMENTS: u32 = 25;

/// Checks that every file that bears its final name is whole: PEM and YAML parse, and nothing is empty. Temporary
/// files begin with a dot, so that kubelet does not take them for manifests.
pub(crate) fn all_whole(dir: &Path) {
    for file in files(dir) {
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.starts_with('.') {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let place = file.display();
        assert!(!text.is_empty() && text.ends_with('\n'), "{place}: {text:?}");
        match file.extension().and_then(|e| e.to_str()) {
            Some("crt" | "key" | "pub") => {
                let blocks = pem::parse_many(&text).unwrap_or_else(|e| panic!("{place}: {e}\n{text}"));
                assert_eq!(blocks.len(), 1, "{place}: {text}");
                let der = blocks[0].contents();
                // DER tells its own length: two bytes after the tag and 0x82, or one after 0x81, or one.
                let length = match der[1] {
                    0x82 => 4 + usize::from(der[2]) * 256 + usize::from(der[3]),
                    0x81 => 3 + usize::from(der[2]),
                    short => 2 + usize::from(short),
                };
                assert_eq!(der.len(), length, "{place}");
            }
            Some("yaml" | "conf") => {
                let values =
                    kubestrap::testing::parse_values(&text).unwrap_or_else(|e| panic!("{place}: {e}"));
                let complete = |key: &str| text.contains(&format!("\n{key}"));
                let last = match values[0]["kind"].as_str() {
                    Some("Pod") => complete("status: {}"),
                    Some("Config") => complete("users:"),
                    _ => true,
                };
                assert!(last, "{place} breaks off: {text}");
            }
            Some("env") => assert!(text.trim_end().ends_with('"'), "{place}: {text}"),
            other => panic!("{place}: what is this? {other:?}"),
        }
    }
}

/// Runs what `prepare` makes to its end for its time, then kills it at many moments; `check` looks at what each left.
fn kill_at_many_moments(prepare: impl Fn() -> Run, check: impl Fn(&Run)) {
    let start = Instant::now();
    let status = quiet(&prepare()).wait().unwrap();
    assert!(status.success());
    let whole = start.elapsed();
    let mut killed = 0;
    for moment in 1..=MOMENTS {
        let run = prepare();
        let mut child = quiet(&run);
        std::thread::sleep(whole * moment / MOMENTS);
        // SIGKILL, to this child alone.
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
        check(&run);
    }
    assert!(killed > 0, "no run was still at work when it was killed ({whole:?})");
}

fn quiet(run: &Run) -> std::process::Child {
    run.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn while_certificates_are_made() {
    let prepare = || {
        let run = all_certificates();
        let pki = run.path().join("pki");
        run.args("--node-name cp-1 --apiserver-advertise-address 192.0.2.2").arg("--cert-dir").arg(pki)
    };
    kill_at_many_moments(prepare, |run| {
        let pki = run.path().join("pki");
        all_whole(&pki);
        let before: Vec<_> =
            named(&pki).into_iter().map(|f| (f.clone(), std::fs::read(f).unwrap())).collect();
        let again = run.command().output().unwrap();
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        all_whole(&pki);
        assert_eq!(named(&pki).len(), 22);
        for (file, content) in before {
            assert!(std::fs::read(&file).unwrap() == content, "{} was made again", file.display());
        }
        belong_together(&pki);
    });
}

#[test]
fn while_manifests_are_written() {
    if !is_root() {
        return note_skipped(
            "only root can change its root folder, to write manifests that are not the machine's",
        );
    }
    let prepare = || {
        let run = kubestrap(&["init", "phase", "control-plane", "all"]);
        run.file("root/config.yaml", format!("{INIT}---\n{CLUSTER}"));
        let root = run.path().join("root");
        run.arg("--rootfs").arg(root).args("--config /config.yaml")
    };
    kill_at_many_moments(prepare, |run| {
        let manifests = run.path().join("root/etc/kubernetes/manifests");
        all_whole(&manifests);
        let again = run.command().output().unwrap();
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        all_whole(&manifests);
        assert_eq!(named(&manifests).len(), 3);
    });
}

#[test]
fn while_a_dry_run_leaves_its_folder() {
    kill_at_many_moments(|| dry_run().config(config("", "")), |run| all_whole(&run.path().join("out")));
}

#[test]
fn an_interrupt_ends_a_run_soon() {
    if interrupts_are_ignored() {
        return note_skipped("this shell has its background jobs ignore interrupts, and so do we");
    }
    let run = dry_run().config(config("", "").replace("ECDSA-P256", "RSA-4096"));
    let mut child = quiet(&run);
    std::thread::sleep(Duration::from_millis(100));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let start = Instant::now();
    assert!(!child.wait().unwrap().success());
    assert!(start.elapsed() < Duration::from_secs(2));
    all_whole(&run.path().join("out"));
}

/// Whether SIGINT, bit 1 of the mask, is ignored here, which a child inherits (proc(5)).
fn interrupts_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() & 0b10 != 0
}

/// The files that bear their final names.
fn named(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut all = files(dir);
    all.retain(|f| !f.file_name().unwrap().to_str().unwrap().starts_with('.'));
    all
}

/// Checks that each certificate is for the key beside it, and leads to its CA.
fn belong_together(pki: &Path) {
    use kubestrap::testing::{Bundle, CERTIFICATES, PrivateKey, verify_chain};
    let bundle =
        |base: &str| Bundle::from_pem(&std::fs::read(pki.join(format!("{base}.crt"))).unwrap()).unwrap();
    for row in CERTIFICATES.iter() {
        let own = bundle(row.base);
        let key = std::fs::read(pki.join(format!("{}.key", row.base))).unwrap();
        assert!(own.certificate.matches_key(&PrivateKey::from_pem(&key).unwrap()), "{}", row.base);
        let signer = row.signer_row().unwrap_or(row);
        verify_chain(&own, &[bundle(signer.base).certificate], time::OffsetDateTime::now_utc()).unwrap();
    }
}
