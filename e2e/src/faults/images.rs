//! Images: absent, of another machine, without their program; registries that refuse.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use anyhow::Context;

use super::fault::{Fault, fault};
use super::scene::{OWN, Scene};
use crate::command::find;

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "pause-image-missing",
        "the runtime's sandbox image is not here, and no registry is reached",
        |s| s.remove_image("pause"),
        &["pause", "sandbox image", "missing|can't be pulled"],
        &["images pull|images import"],
    ),
    fault(
        "apiserver-image-missing",
        "kube-apiserver's image is not here, and no registry is reached",
        |s| s.remove_image("kube-apiserver"),
        &["kube-apiserver:v1", "pull|not here"],
        &["images pull|import|imageRepository|--image-repository"],
    ),
    fault(
        "image-never-pulled",
        "kube-scheduler's image is not here, and imagePullPolicy is Never",
        |s| {
            s.init("nodeRegistration: {imagePullPolicy: Never}");
            s.remove_image("kube-scheduler")
        },
        &["kube-scheduler:v1", "Never|not here"],
        &["imagePullPolicy|import|images pull"],
    ),
    fault(
        "image-pull-check-ignored",
        "etcd's image is not here, and the check of it is ignored",
        |s| {
            s.ignored.push("ImagePull");
            s.remove_image("etcd")
        },
        &["etcd", "image", "pull"],
        &["images pull|import|imageRepository"],
    ),
    fault(
        "registry-not-there",
        "imageRepository names a host at which nobody listens",
        |s| repository(s, "127.0.0.1:5999"),
        &["127.0.0.1:5999", "connection refused|nobody listens"],
        &["imageRepository|--image-repository|registry"],
    ),
    fault(
        "registry-name-unknown",
        "imageRepository names a host that can't be resolved",
        |s| repository(s, "registry.example.invalid"),
        &["registry.example.invalid", "resolve|lookup|name"],
        &["DNS|resolv.conf|imageRepository"],
    ),
    fault(
        "registry-unauthorized",
        "the registry wants a login",
        |s| answering(s, "401 Unauthorized", "{\"errors\":[{\"code\":\"UNAUTHORIZED\"}]}"),
        &["127.0.0.1:", "authori|login|credentials|401"],
        &["login|credentials|auth"],
    ),
    fault(
        "registry-has-no-such-image",
        "the registry does not have the images",
        |s| answering(s, "404 Not Found", "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}"),
        &["127.0.0.1:", "not found|does not have|no such|has no"],
        &["imageRepository|--image-repository|kubernetesVersion|mirror"],
    ),
    fault(
        "image-of-another-architecture",
        "kube-apiserver's program is built for another kind of machine",
        |s| {
            let mut program = fs::read(find("pause").context("no pause")?)?;
            // An ELF file's e_machine: 0xB7 is AArch64, 0x3E x86-64.
            let machine = if cfg!(target_arch = "x86_64") { 0xb7 } else { 0x3e };
            *program.get_mut(18).context("pause is not an ELF file")? = machine;
            let file = Path::new(OWN).join("kube-apiserver");
            fs::write(&file, program)?;
            s.replace_image("kube-apiserver", &file, "/usr/local/bin/kube-apiserver")
        },
        &["kube-apiserver", "exec format error|architecture"],
        &["image", "architecture|platform|kind of machine"],
    ),
    fault(
        "image-without-program",
        "kube-controller-manager's image does not hold the program",
        |s| {
            let pause = find("pause").context("no pause")?;
            s.replace_image("kube-controller-manager", &pause, "/usr/bin/other")
        },
        &["kube-controller-manager", "not found|no such file|does not hold|executable"],
        &["image"],
    ),
];

fn repository(s: &mut Scene, host: &str) -> anyhow::Result<()> {
    s.cluster(&format!("imageRepository: {host}/k8s"));
    Ok(())
}

/// A registry on this machine that answers everything the same.
fn answering(s: &mut Scene, status: &'static str, body: &'static str) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    repository(s, &address.to_string())
}
