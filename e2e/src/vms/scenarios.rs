//! What must hold in virtual machines.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::Scenario;
use super::healthy::{KUBECTL, containers, healthy};
use super::machines::Machines;
use crate::command::tail;
use crate::machine::NODE_NAME;
use crate::plan::Plan;
use crate::wait::eventually;

/// All of them.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "vm-readme",
        asserts: "the README's commands, typed in on a fresh machine, make a healthy cluster; init again changes nothing",
        machines: 1,
        run: readme,
    },
    Scenario {
        name: "vm-init",
        asserts: "as --vm: kubelet is systemd's after init, init again restarts nothing, reset leaves a fresh machine",
        machines: 1,
        run: init_and_reset,
    },
    Scenario {
        name: "vm-reboot",
        asserts: "the cluster is back after a reboot, and after a power cut as soon as init has ended",
        machines: 1,
        run: reboot,
    },
    Scenario {
        name: "vm-cut",
        asserts: "init that a power cut ended at any moment is finished by the next",
        machines: 1,
        run: cut,
    },
    Scenario {
        name: "vm-three",
        asserts: "two control planes join at once; the API answers while one has no power, and it comes back",
        machines: 3,
        run: three,
    },
];

const README: &str = include_str!("../../../README.md");

/// The line of the README that begins with `words`, as root types it, for the Kubernetes that is installed there.
fn line_of_readme(machines: &Machines, words: &str) -> anyhow::Result<String> {
    let mut lines = README.lines().filter_map(|line| line.trim().strip_prefix("sudo "));
    let line = lines.find(|line| line.starts_with(words));
    let line = line.with_context(|| format!("the README has no `sudo {words}`"))?;
    let versioned = |word: &str| word.starts_with("v1.").then(|| version(machines)).transpose();
    let words: anyhow::Result<Vec<String>> =
        line.split(' ').map(|word| Ok(versioned(word)?.unwrap_or_else(|| word.to_owned()))).collect();
    Ok(words?.join(" "))
}

fn version(machines: &Machines) -> anyhow::Result<String> {
    let said = machines.sh(1, "kubelet --version")?.success()?.stdout;
    Ok(said.split_whitespace().next_back().context("kubelet tells no version")?.to_owned())
}

/// The machine's preparation and init, as the README says; how long init took.
fn init(machines: &Machines) -> anyhow::Result<Duration> {
    machines.sh(1, &line_of_readme(machines, "kubestrap preflight")?)?.success()?;
    let took = machines.sh(1, &line_of_readme(machines, "kubestrap init")?)?.success()?.elapsed;
    machines.note(format!("init {:.1} s", took.as_secs_f64()));
    Ok(took)
}

fn readme(machines: &Machines) -> anyhow::Result<()> {
    init(machines)?;
    let nodes = machines.sh(1, &line_of_readme(machines, "kubectl")?)?.success()?.stdout;
    ensure!(nodes.contains("n1") && nodes.contains("control-plane"), "{nodes}");
    healthy(machines, 1, 1)?;

    let before = containers(machines, 1)?;
    let again = machines.sh(1, &line_of_readme(machines, "kubestrap init")?)?.success()?;
    machines.note(format!("again {:.1} s", again.elapsed.as_secs_f64()));
    ensure!(containers(machines, 1)? == before, "the second init restarted containers");
    Ok(())
}

fn init_and_reset(machines: &Machines) -> anyhow::Result<()> {
    machines.sh(1, &line_of_readme(machines, "kubestrap preflight")?)?.success()?;
    // What the job looks for.
    machines.sh(1, &format!("hostname {NODE_NAME} && echo 127.0.1.1 {NODE_NAME} >>/etc/hosts"))?.success()?;
    machines.sh(1, "mkdir -p /e2e/logs")?.success()?;
    let version = version(machines)?;
    let (plan, harness) = (Path::new("/e2e/plan.json"), Path::new("/e2e/harness"));
    machines.put(1, &std::env::current_exe()?, harness)?;
    let text = serde_json::to_string(&Plan::installed(Path::new("/e2e"), harness, &version))?;
    machines.sh(1, &format!("cat >{} <<'END'\n{text}\nEND", plan.display()))?.success()?;
    let job = format!("{} machine job {} vm", harness.display(), plan.display());
    machines.note(machines.sh(1, &job)?.success()?.stdout.trim());
    Ok(())
}

fn reboot(machines: &Machines) -> anyhow::Result<()> {
    init(machines)?;
    // etcd has an object on its disk before the API server says that it has.
    machines.sh(1, &format!("{KUBECTL} create configmap before-the-cut"))?.success()?;
    machines.cut(1)?;
    machines.start(1)?;
    let start = Instant::now();
    healthy(machines, 1, 1)?;
    machines.note(format!("healthy {:.1} s after the power cut", start.elapsed().as_secs_f64()));
    machines.sh(1, &format!("{KUBECTL} get configmap before-the-cut"))?.success()?;

    machines.reboot(1)?;
    let start = Instant::now();
    healthy(machines, 1, 1)?;
    machines.note(format!("healthy {:.1} s after a reboot", start.elapsed().as_secs_f64()));
    Ok(())
}

fn cut(machines: &Machines) -> anyhow::Result<()> {
    let took = init(machines)?;
    healthy(machines, 1, 1)?;
    let line = line_of_readme(machines, "kubestrap init")?;
    for moment in 1..=machines.cuts {
        machines.sh(1, "kubestrap reset --force")?.success()?;
        let mut running = machines.begin(1, &line)?;
        std::thread::sleep(took.mul_f64(f64::from(moment) / f64::from(machines.cuts + 1)));
        machines.cut(1)?;
        running.wait()?;
        machines.start(1)?;
        let after = format!("after the power cut number {moment}");
        machines.sh(1, &line)?.success().context(after.clone())?;
        healthy(machines, 1, 1).context(after)?;
    }
    machines.note(format!("{} power cuts", machines.cuts));
    Ok(())
}

/// How long the two that are left may take to agree on a leader, and the API server to find it.
const ELECTION: Duration = Duration::from_secs(60);
/// Where the first machine's API server is.
const FIRST: &str = "10.77.0.11:6443";

fn three(machines: &Machines) -> anyhow::Result<()> {
    for number in 1..=3 {
        machines.sh(number, &line_of_readme(machines, "kubestrap preflight")?)?.success()?;
    }
    let line = line_of_readme(machines, "kubestrap init")?;
    machines.sh(1, &format!("{line} --control-plane-endpoint {FIRST} --upload-certs"))?.success()?;
    let key = machines.sh(1, "kubestrap phase upload-certs --upload-certs")?.success()?.stdout;
    let key = key.split_whitespace().next_back().context("no certificate key was told")?;
    let join = machines.sh(1, "kubestrap token create --print-join-command")?.success()?.stdout;
    let join = format!("{} --control-plane --certificate-key {key}", join.trim());
    let start = Instant::now();
    let joins = [machines.begin(2, &join)?, machines.begin(3, &join)?];
    for joining in joins {
        let ended = joining.wait_with_output()?;
        let said = String::from_utf8_lossy(&ended.stderr);
        ensure!(ended.status.success(), "a join ended with {}: {}", ended.status, tail(&said, 25));
    }
    machines.note(format!("both joined in {:.1} s", start.elapsed().as_secs_f64()));
    healthy(machines, 1, 3)?;

    machines.cut(3)?;
    let start = Instant::now();
    // It may have been etcd's leader.
    eventually("the API answers", ELECTION, || {
        machines.sh(1, &format!("{KUBECTL} create configmap after-the-cut"))?.success()
    })?;
    machines.note(format!("the API answers {:.1} s after the power cut", start.elapsed().as_secs_f64()));
    for number in 1..=20 {
        machines.sh(1, &format!("{KUBECTL} create configmap without-one-{number}"))?.success()?;
    }
    machines.start(3)?;
    let start = Instant::now();
    healthy(machines, 3, 3)?;
    machines.note(format!("whole {:.1} s after the third has power again", start.elapsed().as_secs_f64()));
    machines.sh(3, &format!("{KUBECTL} get configmap without-one-20"))?.success()?;
    Ok(())
}
