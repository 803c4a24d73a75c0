//! A real etcd, started with the command line of our manifest: it serves its health to the client certificate that is
//! made for that, and to nobody else. With `etcd` in PATH (Debian: etcd-server), on free ports of this machine.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::support::{Done, PKI, binary, config, dry_run, note_skipped, program, tool};

/// A child that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ports that were free a moment ago.
fn free_ports() -> [u16; 3] {
    let held = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// The manifest's command line, moved to the dry run's folder and to ports of the loopback, and the names of flags
/// that this etcd does not have.
fn command_line(done: &Done, etcd: &Path, [client, peer, metrics]: [u16; 3]) -> (Vec<String>, Vec<String>) {
    let help = Command::new(etcd).arg("--help").output().unwrap();
    let help = String::from_utf8_lossy(&[help.stdout, help.stderr].concat()).into_owned();
    let known: HashMap<&str, ()> =
        help.split_whitespace().filter_map(|w| w.strip_prefix("--")).map(|name| (name, ())).collect();
    let manifest = done.manifest("etcd");
    let command = manifest["spec"]["containers"][0]["command"].as_array().unwrap();
    assert_eq!(command[0], "etcd");
    let (mut args, mut lacking) = (vec![], vec![]);
    for flag in &command[1..] {
        let (name, value) = flag.as_str().unwrap().strip_prefix("--").unwrap().split_once('=').unwrap();
        if !known.contains_key(name) {
            lacking.push(name.to_owned());
            continue;
        }
        let mut value = value
            .replace("192.0.2.2", "127.0.0.1")
            .replace(":2379", &format!(":{client}"))
            .replace(":2380", &format!(":{peer}"))
            .replace(":2381", &format!(":{metrics}"))
            .replace(PKI, done.file(PKI).to_str().unwrap())
            .replace("/var/lib/etcd", done.file("/var/lib/etcd").to_str().unwrap());
        // Both of the addresses to listen on are the loopback now.
        if name == "listen-client-urls" {
            value = value.split(',').next().unwrap().to_owned();
        }
        args.push(format!("--{name}={value}"));
    }
    (args, lacking)
}

/// Asks for /health over TLS, and tells everything that came back.
fn health(done: &Done, port: u16, client: Option<&str>) -> String {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-verify_return_error", "-verify_ip", "127.0.0.1", "-ign_eof"]);
    command.arg("-connect").arg(format!("127.0.0.1:{port}")).arg("-CAfile").arg(done.pki("etcd/ca.crt"));
    if let Some(client) = client {
        command.arg("-cert").arg(done.pki(&format!("{client}.crt")));
        command.arg("-key").arg(done.pki(&format!("{client}.key")));
    }
    let request = done.path().join("request");
    std::fs::write(&request, "GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let output = command.stdin(std::fs::File::open(request).unwrap()).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Starts etcd, and waits until it serves.
fn start(done: &Done, etcd: &Path, args: &[String], ports: [u16; 3]) -> Running {
    let log = std::fs::File::create(done.path().join("etcd.log")).unwrap();
    let mut command = Command::new(etcd);
    command.args(args).env_clear().stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let mut running = Running(command.spawn().unwrap());
    let log = || std::fs::read_to_string(done.path().join("etcd.log")).unwrap();
    let start = Instant::now();
    loop {
        let said = health(done, ports[0], Some("etcd/healthcheck-client"));
        if said.contains("200 OK") && said.contains(r#""health":"true""#) {
            return running;
        }
        assert_eq!(running.0.try_wait().unwrap(), None, "etcd ended: {args:#?}\n{}", log());
        assert!(start.elapsed() < Duration::from_secs(30), "{said}\n{}", log());
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn serves_health_to_its_clients_alone(algorithm: &str) {
    let (Some(etcd), Some(_)) = (program("etcd"), program("openssl")) else {
        return note_skipped("etcd or openssl is not in PATH");
    };
    let done = dry_run().config(config("", "").replace("ECDSA-P256", algorithm)).run().succeeded();
    let ports = free_ports();
    let (args, lacking) = command_line(&done, &etcd, ports);
    // Debian's 3.4 lacks what 3.5 and 3.6 brought; more than that would hide a mistake of ours.
    let may_lack = ["feature-gates", "watch-progress-notify-interval"];
    assert!(lacking.iter().all(|name| may_lack.contains(&name.as_str())), "{lacking:?}");
    if !lacking.is_empty() {
        note_skipped(&format!("flags that this etcd lacks: {}", lacking.join(", ")));
    }
    let _running = start(&done, &etcd, &args, ports);
    let apiserver = health(&done, ports[0], Some("apiserver-etcd-client"));
    assert!(apiserver.contains("200 OK"), "{apiserver}");
    for stranger in [None, Some("apiserver-kubelet-client"), Some("front-proxy-client")] {
        let said = health(&done, ports[0], stranger);
        assert!(!said.contains("200 OK") && !said.contains("health\""), "{stranger:?}: {said}");
        assert!(said.contains("alert"), "{stranger:?} is turned away with a reason: {said}");
    }
    // What the manifest's probes ask, without TLS, on the loopback alone.
    let mut probe = std::net::TcpStream::connect(("127.0.0.1", ports[2])).unwrap();
    use std::io::{Read, Write};
    probe.write_all(b"GET /health HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    probe.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("200 OK"), "{answer}");
}

#[test]
fn etcd_commands_need_nothing_but_the_files_of_a_control_plane() {
    let (Some(etcd), Some(_)) = (program("etcd"), program("openssl")) else {
        return note_skipped("etcd or openssl is not in PATH");
    };
    let done = dry_run().config(config("", "")).run().succeeded();
    let ports = free_ports();
    let args = command_line(&done, &etcd, ports).0;
    let running = start(&done, &etcd, &args, ports);
    let file = |path: &str| done.file(path).to_str().unwrap().to_owned();
    let snapshots = done.path().join("snapshots").to_str().unwrap().to_owned();
    let endpoint = format!("https://127.0.0.1:{}", ports[0]);
    let run = |words: &[&str]| {
        let manifests = file("/etc/kubernetes/manifests");
        let mut command = Command::new(binary());
        command.arg("etcd").args(words).args(["--manifests", &manifests, "--endpoints", &endpoint]);
        // The manifest names the certificates where they will be.
        for (flag, name) in
            [("cacert", "ca.crt"), ("cert", "healthcheck-client.crt"), ("key", "healthcheck-client.key")]
        {
            command.arg(format!("--{flag}={}", file(&format!("{PKI}/etcd/{name}"))));
        }
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, members, _) = run(&["members"]);
    assert!(code == Some(0) && members.contains("voting"), "{members}");
    let (code, health, said) = run(&["health"]);
    assert_eq!(code, Some(0), "{health}{said}");
    assert!(health.contains("leader") && health.contains("etcd has a quorum"), "{health}");
    let (code, saved, said) = run(&["snapshot", "save", "--dir", &snapshots]);
    assert_eq!(code, Some(0), "{said}");
    let saved = saved.trim();
    assert!(Path::new(saved).starts_with(&snapshots) && said.contains("verified"), "{saved}{said}");
    assert_eq!(run(&["snapshot", "verify", saved]).0, Some(0));
    let (code, _, said) = run(&["snapshot", "verify", &snapshots]);
    assert!(code == Some(0) && said.contains(&format!("{saved} is good")), "{said}");
    let (code, _, said) = run(&["snapshot", "verify", &file("/etc/kubernetes/manifests")]);
    assert!(code == Some(1) && said.contains("there is no snapshot in"), "{said}");
    assert!(run(&["snapshot", "list", "--dir", &snapshots]).1.contains(saved));
    let (code, _, said) = run(&["snapshot", "save", saved]);
    assert!(code == Some(1) && said.contains("never overwrites"), "{said}");
    let (code, _, said) = run(&["snapshot", "prune", "--keep", "0", "--dir", &snapshots]);
    assert!(code == Some(0) && said.contains("No snapshot is to be removed"), "the newest stays: {said}");
    assert_eq!(run(&["defrag", "--all"]).0, Some(0));
    assert_eq!(run(&["alarm"]).0, Some(0));
    std::fs::write(saved, "not a snapshot").unwrap();
    let (code, _, said) = run(&["snapshot", "verify", saved]);
    assert!(code == Some(1) && said.contains("cut off"), "{said}");
    drop(running);
    let (code, _, said) = run(&["health"]);
    assert!(code == Some(4) && said.contains("connection refused"), "{said}");
}

#[test]
fn with_ecdsa_keys() {
    serves_health_to_its_clients_alone("ECDSA-P256");
}

#[test]
fn with_rsa_keys() {
    serves_health_to_its_clients_alone("RSA-2048");
}

#[test]
fn knows_every_flag_that_it_is_given() {
    let Some(etcd) = program("etcd") else { return note_skipped("etcd is not in PATH") };
    let version = tool(Command::new(&etcd).arg("--version"));
    if !version.contains("etcd Version: 3.6") {
        return note_skipped(&format!("this is not the etcd of Kubernetes 1.36: {version}"));
    }
    let done = dry_run().config(config("", "")).run().succeeded();
    assert_eq!(command_line(&done, &etcd, [1, 2, 3]).1, Vec::<String>::new());
}
