//! What lands on disk: every file that kubeadm leaves, with kubeadm's modes (§0.10 of its behaviour), whole or not
//! at all.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::support::{
    CLUSTER, Done, INIT, KUBECONFIGS, PKI, all_certificates, binary, config, dry_run, files, kubestrap,
};
use super::support::{is_root, note_skipped, program};

/// Every file of a default init, by its mode.
const SECRET: &[&str] = &[
    "pki/ca.key",
    "pki/apiserver.key",
    "pki/apiserver-kubelet-client.key",
    "pki/apiserver-etcd-client.key",
    "pki/front-proxy-ca.key",
    "pki/front-proxy-client.key",
    "pki/etcd/ca.key",
    "pki/etcd/server.key",
    "pki/etcd/peer.key",
    "pki/etcd/healthcheck-client.key",
    "pki/sa.key",
    "pki/sa.pub",
    "admin.conf",
    "super-admin.conf",
    "kubelet.conf",
    "controller-manager.conf",
    "scheduler.conf",
];
const MANIFESTS: &[&str] = &["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
const KUBELET: &[&str] = &["config.yaml", "instance-config.yaml", "kubeadm-flags.env"];

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).permissions().mode()
        & 0o7777
}

fn check_modes(done: &Done) {
    let mut known = vec!["cluster-objects.yaml".to_owned()];
    let mut check = |path: String, expected: u32| {
        assert_eq!(format!("{:o}", mode(&done.file(&path))), format!("{expected:o}"), "{path}");
        known.push(path.trim_start_matches('/').to_owned());
    };
    for file in SECRET {
        check(format!("{KUBECONFIGS}/{file}"), 0o600);
        if let Some(base) = file.strip_suffix(".key").filter(|base| *base != "pki/sa") {
            check(format!("{KUBECONFIGS}/{base}.crt"), 0o644);
        }
    }
    for name in MANIFESTS {
        check(format!("/etc/kubernetes/manifests/{name}.yaml"), 0o600);
    }
    for name in KUBELET {
        check(format!("/var/lib/kubelet/{name}"), 0o600);
    }
    let left: Vec<String> = files(&done.out())
        .iter()
        .map(|f| f.strip_prefix(done.out()).unwrap().to_str().unwrap().to_owned())
        .collect();
    let strangers: Vec<&String> = left.iter().filter(|f| !known.contains(f)).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    assert_eq!(left.len(), known.len());
    for (dir, expected) in [
        ("/etc/kubernetes/manifests", 0o700),
        ("/var/lib/kubelet", 0o700),
        ("/var/lib/etcd", 0o700),
        (PKI, 0o755),
        ("/opt/kubestrap-test/pki/etcd", 0o755),
    ] {
        assert_eq!(mode(&done.file(dir)), expected, "{dir}");
    }
    assert_eq!(mode(&done.file("cluster-objects.yaml")), 0o600, "it holds a token");
    assert_eq!(mode(&done.out()), 0o700);
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    for umask in ["0000", "0022", "0077", "0777"] {
        if umask == "0777" && !is_root() {
            continue; // Then nobody but root can enter the folders that are made.
        }
        let run = dry_run().config(config("", ""));
        let mut command = Command::new("sh");
        command.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).arg(binary());
        command.args(run.command().get_args());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        if umask == "0000" || umask == "0022" {
            check_modes(&run.into_done());
        } else {
            // Folders get less, never more; files get what they need.
            let done = run.into_done();
            assert_eq!(mode(&done.pki("ca.key")), 0o600);
            assert_eq!(mode(&done.pki("ca.crt")), 0o644);
        }
    }
}

#[test]
fn kept_files_stay_as_they_are() {
    let run = all_certificates();
    let pki = run.path().join("pki");
    let command = |run: &super::support::Run| {
        let mut command = run.command();
        command.arg("--cert-dir").arg(run.path().join("pki"));
        command.output().unwrap()
    };
    assert!(command(&run).status.success());
    let state = || {
        let all = files(&pki);
        assert_eq!(all.len(), 22);
        all.iter()
            .map(|f| {
                (f.clone(), std::fs::read(f).unwrap(), f.metadata().unwrap().modified().unwrap(), mode(f))
            })
            .collect::<Vec<_>>()
    };
    std::fs::set_permissions(pki.join("ca.key"), std::fs::Permissions::from_mode(0o400)).unwrap();
    let before = state();
    let again = command(&run);
    assert!(again.status.success());
    assert!(before == state(), "{}", String::from_utf8_lossy(&again.stderr));
}

#[test]
fn a_write_that_fails_leaves_nothing_behind() {
    if program("prlimit").is_none() {
        return note_skipped("prlimit is not here");
    }
    // A limit on the size of files ends the process (SIGXFSZ) or the write (EFBIG) in the middle of a file: at the
    // first key, at the first certificate, at the first manifest…
    for limit in [1, 100, 226, 240, 500, 700, 2000, 3000, 3500] {
        let run = dry_run().config(config("", ""));
        let mut command = Command::new("prlimit");
        command.arg(format!("--fsize={limit}")).arg(binary()).args(run.command().get_args());
        command.current_dir(run.path()).stdout(std::process::Stdio::null());
        let output = command.output().unwrap();
        assert!(!output.status.success(), "with {limit} bytes");
        super::kill::all_whole(&run.path().join("out"));
    }
}

#[test]
fn a_disk_that_is_full_or_read_only_is_told_and_the_next_run_goes_on() {
    if !is_root() || program("unshare").is_none() {
        return note_skipped("only root can mount a small disk, with unshare");
    }
    let run = all_certificates();
    let pki = run.path().join("pki");
    std::fs::create_dir(&pki).unwrap();
    // In a mount namespace of its own: a disk with space for some files, then for all, then one that is read-only.
    let script = r#"
        set -eu
        mount -t tmpfs -o size=24k tmpfs pki
        kubestrap() { code=0; "$@" --cert-dir "$PWD/pki" 2>"$log" || code=$?; echo "$code" >"$log.code"; cp -a pki "$log.pki"; }
        log=full kubestrap "$@"
        mount -o remount,size=1m pki
        log=space kubestrap "$@"
        rm pki/apiserver.crt
        mount -o remount,ro pki
        log=read-only kubestrap "$@"
    "#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(binary()).args(run.command().get_args());
    super::support::tool(command.current_dir(run.path()));
    let read = |name: &str| std::fs::read_to_string(run.path().join(name)).unwrap();
    let codes = ["full.code", "space.code", "read-only.code"].map(|name| read(name).trim().to_owned());
    assert_eq!(codes, ["1", "0", "1"], "{}{}{}", read("full"), read("space"), read("read-only"));
    for (said, parts) in
        [("full", ["can't write", "no space left"]), ("read-only", ["apiserver.crt", "mounted read-only"])]
    {
        let text = read(said);
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
    for state in ["full.pki", "space.pki", "read-only.pki"] {
        let dir = run.path().join(state);
        super::kill::all_whole(&dir);
        let temporary = |f: &std::path::PathBuf| f.file_name().unwrap().to_str().unwrap().starts_with('.');
        assert!(!files(&dir).iter().any(temporary), "{:?}", files(&dir));
    }
    let count = |state: &str| files(&run.path().join(state)).len();
    assert!((1..22).contains(&count("full.pki")), "{}", count("full.pki"));
    assert_eq!((count("space.pki"), count("read-only.pki")), (22, 21));
}

#[test]
fn a_folder_that_can_not_be_written_to_is_told() {
    let run = kubestrap(&[
        "init",
        "phase",
        "certs",
        "ca",
        "--kubernetes-version=v1.36.2",
        "--feature-gates=PublicKeysECDSA=true",
    ]);
    run.file("pki", "a file");
    let pki = run.path().join("pki");
    run.arg("--cert-dir")
        .arg(&pki)
        .run()
        .refused(1, &["certs/ca", "pki", "a file is where a directory should be"]);
    let run = kubestrap(&[
        "init",
        "phase",
        "certs",
        "ca",
        "--kubernetes-version=v1.36.2",
        "--feature-gates=PublicKeysECDSA=true",
    ]);
    run.arg("--cert-dir=/proc/kubestrap").run().refused(1, &["certs/ca", "/proc/kubestrap"]);
    let run = kubestrap(&[
        "init",
        "phase",
        "certs",
        "ca",
        "--kubernetes-version=v1.36.2",
        "--feature-gates=PublicKeysECDSA=true",
    ])
    .run_by_nobody();
    run.arg("--cert-dir=/etc/kubestrap-test").run().refused(1, &["/etc/kubestrap-test", "run as root?"]);
}

#[test]
fn a_real_phase_writes_where_it_should() {
    if !is_root() {
        return note_skipped(
            "only root can change its root folder, to write manifests that are not the machine's",
        );
    }
    let text = format!("{INIT}---\n{CLUSTER}");
    let run = kubestrap(&["init", "phase", "control-plane", "all"]);
    let root = run.path().join("root");
    run.file("root/config.yaml", text);
    let done = run.arg("--rootfs").arg(&root).args("--config /config.yaml").run().succeeded();
    let manifests: Vec<_> = files(&done.path().join("root/etc/kubernetes/manifests"));
    assert_eq!(manifests.len(), 3, "{manifests:?}");
    assert!(manifests.iter().all(|m| mode(m) == 0o600));
    assert_eq!(mode(&done.path().join("root/etc/kubernetes/manifests")), 0o700);
}
