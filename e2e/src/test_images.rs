//! The images of Kubernetes' own end-to-end tests that are made of the programs `agnhost` and `busybox`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::{self, check};
use crate::image::Image;
use crate::libraries::with_libraries;
use crate::plan::program;

/// The program with the tests.
pub(crate) const PROGRAM: &str = "e2e.test";
/// Where the tests' images come from, except for the sandbox's.
const REPOSITORY: &str = "registry.k8s.io/e2e-test-images/";
/// The sandbox's image, which some tests run as a container.
const PAUSE: &str = "registry.k8s.io/pause:";

/// Programs of this machine that tests run in agnhost's containers. The shell is among them because busybox's prefers
/// its own `nc` to the one on PATH.
const TOOLS: &[&str] = &["sh", "bash", "curl", "dig", "nslookup", "nc", "ss"];

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n\
                      user-defined-in-image:x:1000:1000::/home:/bin/sh\n";
const GROUP: &str = "root:x:0:\nnogroup:x:65534:\nuser-defined-in-image:x:1000:\n\
                     group-defined-in-image:x:50000:user-defined-in-image\n";
const NSSWITCH: &str = "passwd: files\ngroup: files\nhosts: files dns\n";

/// The references of those that can be made, as the tests name them; none without the tests.
///
/// # Errors
/// When the tests can't be asked.
pub(crate) fn references(programs: &[(String, PathBuf)]) -> anyhow::Result<Vec<String>> {
    let Some(tests) = program(programs, PROGRAM) else { return Ok(vec![]) };
    let listed = command::run(Command::new(tests).arg("--list-images"))?.success()?.stdout;
    let can_be_made = |reference: &&str| {
        let name = reference.strip_prefix(REPOSITORY).and_then(|rest| rest.split(':').next());
        reference.starts_with(PAUSE)
            || name.is_some_and(|name| ["agnhost", "busybox"].contains(&name) && has_programs(programs, name))
    };
    Ok(listed.split_whitespace().filter(can_be_made).map(str::to_owned).collect())
}

/// What the image `name` is made of, if it is one of the tests'.
///
/// # Errors
/// When busybox does not list its applets.
pub(crate) fn describe(
    programs: &[(String, PathBuf)],
    name: &str,
    reference: &str,
) -> anyhow::Result<Option<Image>> {
    let Some(busybox) = program(programs, "busybox").filter(|_| reference.starts_with(REPOSITORY)) else {
        return Ok(None);
    };
    let mut image = Image {
        reference: reference.to_owned(),
        files: vec![(busybox.to_owned(), "/bin/busybox".to_owned())],
        scratch: ["/home", "/root", "/tmp", "/var/tmp"].map(str::to_owned).to_vec(),
        texts: [("passwd", PASSWD), ("group", GROUP), ("nsswitch.conf", NSSWITCH)]
            .map(|(file, text)| (format!("/etc/{file}"), text.to_owned()))
            .to_vec(),
        ..Image::default()
    };
    match (name, program(programs, "agnhost")) {
        ("busybox", _) => image.command = vec!["sh".to_owned()],
        ("agnhost", Some(agnhost)) => add_agnhost(&mut image, agnhost),
        _ => return Ok(None),
    }
    let applets = check(busybox, &["--list"])?.stdout;
    let applets = applets.lines().map(|applet| format!("/bin/{applet}"));
    let taken: BTreeSet<String> = image
        .files
        .iter()
        .map(|(_, path)| path)
        .chain(image.links.iter().map(|(path, _)| path))
        .cloned()
        .collect();
    image.links.extend(applets.filter(|path| !taken.contains(path)).map(|path| (path, "busybox".to_owned())));
    Ok(Some(image))
}

/// agnhost itself, the tools that tests expect beside it, and what the subcommand `porter` serves TLS with.
fn add_agnhost(image: &mut Image, agnhost: &Path) {
    image.entrypoint = Some("/agnhost".to_owned());
    image.command = vec!["pause".to_owned()];
    image.files.push((agnhost.to_owned(), "/agnhost".to_owned()));
    image.links.push(("/agnhost-2".to_owned(), "agnhost".to_owned()));
    image.scratch.push("/uploads".to_owned());
    let mut libraries = BTreeSet::new();
    for tool in TOOLS {
        let Some((program, linked)) = with_libraries(tool) else { continue };
        image.files.push((program, format!("/usr/bin/{tool}")));
        image.links.push((format!("/bin/{tool}"), format!("/usr/bin/{tool}")));
        libraries.extend(linked);
    }
    image.files.extend(libraries.into_iter().map(|file| (file.clone(), file.display().to_string())));
    image.texts.extend(porter_certificate().into_iter().flatten());
}

/// A self-signed certificate and its key, which nobody verifies; none where this machine has no openssl.
fn porter_certificate() -> Option<[(String, String); 2]> {
    let words = "req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=localhost -keyout - -out -";
    let made = check("openssl", &words.split(' ').collect::<Vec<_>>()).ok()?.stdout;
    let start = made.find("-----BEGIN CERTIFICATE-----")?;
    let (key, certificate) = made.split_at_checked(start)?;
    Some(
        [("/localhost.key", key), ("/localhost.crt", certificate)]
            .map(|(path, pem)| (path.to_owned(), pem.to_owned())),
    )
}

/// agnhost's image holds busybox too.
fn has_programs(programs: &[(String, PathBuf)], name: &str) -> bool {
    ["busybox", name].iter().all(|name| program(programs, name).is_some())
}
