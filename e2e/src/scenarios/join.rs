//! Machines that join: workers and control planes, by kubestrap and by kubeadm, to clusters of both.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use super::kubeadm::kubeadm;
use crate::balancer::Balancer;
use crate::cluster;
use crate::command::{self, Output};
use crate::config::Config;
use crate::json::at;
use crate::machine::{NODE_NAME, Network};
use crate::neighbour::{Neighbour, ignored_checks, join_words};
use crate::node::{ADMIN, CONFIG, Node, PATIENCE};
use crate::wait::eventually;

/// How long a control plane may be unreachable through the balancer when one of its machines is lost.
const OUTAGE: Duration = Duration::from_secs(20);
/// How soon a silent kubelet's Node is no longer Ready: after 50 s (--node-monitor-grace-period), and looked at every 5 s.
const NOTICED: Duration = Duration::from_secs(90);
/// How long a control-plane join runs before it is killed, at the last of the moments.
const JOIN: Duration = Duration::from_secs(12);

/// A worker joins with the command that `init` printed, and once more: then nothing is changed.
pub(super) fn worker(node: &Node) -> anyhow::Result<()> {
    let join = init(node, false)?;
    let worker = Neighbour::new(node, 1)?;
    joined(node, &worker, "kubestrap", &join)?;
    let kubelet = worker.run(&["pidof", "kubelet"])?.stdout;
    joined(node, &worker, "kubestrap", &join)?;
    ensure!(worker.run(&["pidof", "kubelet"])?.stdout == kubelet, "the second join restarted kubelet");
    Ok(())
}

/// kubeadm's worker joins our cluster.
pub(super) fn kubeadm_worker(node: &Node) -> anyhow::Result<()> {
    let join = init(node, false)?;
    joined(node, &Neighbour::new(node, 1)?, "kubeadm", &join)
}

/// kubeadm's control plane joins ours: it fetches and decrypts the certificates.
pub(super) fn kubeadm_control_plane(node: &Node) -> anyhow::Result<()> {
    let join = init(node, true)?;
    let machine = Neighbour::new(node, 1)?;
    joined(node, &machine, "kubeadm", &join)?;
    is_control_plane(node, &machine)?;
    voting(node, &[NODE_NAME, machine.name()])
}

/// Our worker and our control plane join kubeadm's cluster.
pub(super) fn to_kubeadm(node: &Node) -> anyhow::Result<()> {
    let made = init_by_kubeadm(node)?;
    let worker = Neighbour::new(node, 1)?;
    joined(node, &worker, "kubestrap", &join_command(&made, false)?)?;
    let machine = Neighbour::new(node, 2)?;
    joined(node, &machine, "kubestrap", &join_command(&made, true)?)?;
    is_control_plane(node, &machine)?;
    voting(node, &[NODE_NAME, machine.name()])
}

/// Three control planes behind a load balancer, two of which join at the same time. Each is lost once, and the API
/// answers; one comes back as a fresh machine under its name.
pub(super) fn three(node: &Node) -> anyhow::Result<()> {
    let _balancer = Balancer::start(1..=3)?;
    let (first, join) = init_behind_balancer(node)?;
    let mut machines = vec![first, Neighbour::new(node, 2)?, Neighbour::new(node, 3)?];

    let joining = machines.iter().skip(1).map(|machine| command_to_join(machine, "kubestrap", &join));
    let joining = joining.collect::<anyhow::Result<Vec<_>>>()?;
    for output in at_once(joining)? {
        node.log(&output)?;
        note(node, "join", &output.success()?);
    }
    for machine in &machines {
        is_control_plane(node, machine)?;
    }
    let names: Vec<String> = machines.iter().map(|machine| machine.name().to_owned()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let members_by =
        |machine: &Neighbour| members(&machine.run(&["kubestrap", "etcd", "members", "-o", "json"])?);
    for machine in &machines {
        let found = members_by(machine)?;
        ensure!(found == names, "etcd's voting members are {found:?}");
    }

    for (number, machine) in machines.iter_mut().enumerate() {
        // One of them keeps running, but nobody hears it.
        let unplugged = number == 1;
        if unplugged {
            machine.plug(false)?;
        } else {
            machine.cut();
        }
        let start = Instant::now();
        let object = format!("while-{}-is-gone", machine.name());
        eventually("the API is written to while a machine is lost", OUTAGE, || {
            node.kubectl(&["create", "configmap", &object, "--request-timeout", "3s"])
        })?;
        node.note(format!("without {} {:.1} s", machine.name(), start.elapsed().as_secs_f64()));
        if unplugged {
            machine.plug(true)?;
        } else {
            machine.start()?;
        }
        is_control_plane(node, machine)?;
        eventually("etcd is healthy", PATIENCE, || machine.run(&["kubestrap", "etcd", "health"])?.success())?;
    }

    let lost = machines.get_mut(2).context("no such machine")?;
    lost.start_fresh()?;
    // With a network for Pods it was Ready, and counts as that until its silence is noticed; a Ready Node is not replaced.
    eventually("the lost Node is not Ready any more", NOTICED, || {
        let found = node.get(&["node", lost.name()])?;
        ensure!(cluster::has_ready_condition(&found).is_err(), "it is Ready");
        Ok(())
    })?;
    let mut again = join.clone();
    again.push("--replace-etcd-member".to_owned());
    joined(node, lost, "kubestrap", &again)?;
    is_control_plane(node, lost)?;
    ensure!(members_by(lost)? == names, "etcd's voting members are {:?}", members_by(lost)?);
    for name in &names {
        node.kubectl(&["get", "configmap", &format!("while-{name}-is-gone")])?;
    }
    Ok(())
}

/// Two control planes join a third at the same time, as often as `--kills` says; `reset` takes them away again.
pub(super) fn at_once_again_and_again(node: &Node) -> anyhow::Result<()> {
    let join = init(node, true)?;
    let machines = [Neighbour::new(node, 1)?, Neighbour::new(node, 2)?];
    let [first, second] = &machines;
    for round in 1..=node.plan.kills {
        let joining = machines.iter().map(|machine| command_to_join(machine, "kubestrap", &join));
        let joining = joining.collect::<anyhow::Result<Vec<_>>>()?;
        for output in at_once(joining)? {
            node.log(&output)?;
            note(node, "join", &output.success().with_context(|| format!("round {round}"))?);
        }
        voting(node, &[NODE_NAME, first.name(), second.name()])?;
        for machine in &machines {
            machine.run(&["kubestrap", "reset", "--force"])?.success()?;
            node.kubectl(&["delete", "node", machine.name()])?;
        }
        voting(node, &[NODE_NAME])?;
    }
    Ok(())
}

/// A control-plane join that is killed at any moment, and run again: as many etcd members as nodes, and `reset` takes
/// the member away again.
pub(super) fn killed(node: &Node) -> anyhow::Result<()> {
    let join = init(node, true)?;
    let machine = Neighbour::new(node, 1)?;
    let moments = u32::from(node.plan.kills);
    let mut died = 0;
    for moment in 1..=moments {
        let after = JOIN * moment / moments;
        let seconds = format!("{:.2}", after.as_secs_f64());
        let ignored = ignored_checks();
        let join: Vec<&str> = join.iter().map(String::as_str).collect();
        let mut words = vec!["timeout", "--signal", "KILL", &seconds];
        words.extend(join_words("kubestrap", &join, &ignored));
        if machine.run(&words)?.code != Some(0) {
            died += 1;
        }
        machine
            .run(&join_words("kubestrap", &join, &ignored))?
            .success()
            .with_context(|| format!("killed after {seconds} s"))?;
        is_control_plane(node, &machine)?;
        voting(node, &[NODE_NAME, machine.name()])?;
        machine.run(&["kubestrap", "reset", "--force"])?.success()?;
        voting(node, &[NODE_NAME])?;
        node.kubectl(&["delete", "node", machine.name()])?;
    }
    node.note(format!("{moments} joins, {died} killed"));
    Ok(())
}

/// `init` on the first machine; the words of the join command that it printed.
///
/// # Errors
/// When it fails.
pub fn init(node: &Node, control_plane: bool) -> anyhow::Result<Vec<String>> {
    let flags: &[&str] = if control_plane { &["--upload-certs"] } else { &[] };
    let output = node.init_with(&shared_endpoint(), flags)?;
    cluster::healthy(node)?;
    join_command(&output.stdout, control_plane)
}

/// `init` on a machine behind a load balancer, whose kubeconfig the first machine gets; and the words that join a further
/// control plane.
///
/// # Errors
/// When it fails.
pub(super) fn init_behind_balancer(node: &Node) -> anyhow::Result<(Neighbour<'_>, Vec<String>)> {
    let first = Neighbour::new(node, 1)?;
    let config = Config::cluster(&format!("controlPlaneEndpoint: \"{}\"", Balancer::endpoint()));
    let config = first.put("config.yaml", &config.text(&node.plan.version))?;
    let init = ["kubestrap", "init", "--config", &config, &ignored_checks(), "--upload-certs"];
    let init = first.run(&init)?.success()?;
    note(node, "init", &init);
    fs::create_dir_all("/etc/kubernetes")?;
    fs::write(ADMIN, first.read(ADMIN)?)?;
    let join = join_command(&init.stdout, true)?;
    Ok((first, join))
}

/// kubeadm's `init` on the first machine; what it printed.
///
/// # Errors
/// When it fails.
pub(super) fn init_by_kubeadm(node: &Node) -> anyhow::Result<String> {
    let ignored = node.prepare_init(&shared_endpoint())?;
    let made = kubeadm(node, &format!("init --config {CONFIG} {ignored} --upload-certs"))?;
    cluster::healthy(node)?;
    Ok(made.stdout)
}

/// The same with more configuration of the cluster; for control planes.
pub(super) fn init_with(node: &Node, mut config: Config) -> anyhow::Result<Vec<String>> {
    config.cluster = format!("{}{}", shared_endpoint().cluster, config.cluster);
    let output = node.init_with(&config, &["--upload-certs"])?;
    join_command(&output.stdout, true)
}

/// The words that join a worker, of those that join a control plane.
pub fn as_worker(join: &[String]) -> Vec<String> {
    let mut rest = join.iter();
    let mut words = vec![];
    while let Some(word) = rest.next() {
        match word.as_str() {
            "--control-plane" => {}
            "--certificate-key" => drop(rest.next()),
            _ => words.push(word.clone()),
        }
    }
    words
}

fn shared_endpoint() -> Config {
    Config::cluster(&format!("controlPlaneEndpoint: \"{}:6443\"\n", Network::alone().address))
}

/// What joins a machine by `program`.
///
/// # Errors
/// When the machine is cut off.
pub fn command_to_join(
    machine: &Neighbour<'_>,
    program: &str,
    join: &[String],
) -> anyhow::Result<std::process::Command> {
    let join: Vec<&str> = join.iter().map(String::as_str).collect();
    machine.command(&join_words(program, &join, &ignored_checks()))
}

/// Joins a machine; its Node is there, of the version of the cluster.
pub(super) fn joined(node: &Node, machine: &Neighbour, program: &str, join: &[String]) -> anyhow::Result<()> {
    let join: Vec<&str> = join.iter().map(String::as_str).collect();
    let output = machine.run(&join_words(program, &join, &ignored_checks()))?;
    note(node, &format!("{program} join"), &output.success()?);
    joined_version(node, machine, &node.plan.version)
}

/// The cluster has signed what machines discover it by: the controller that signs starts seconds after `init` has ended.
///
/// # Errors
/// When it has not, within minutes.
pub fn is_discoverable(node: &Node) -> anyhow::Result<()> {
    eventually("cluster-info is signed", PATIENCE, || {
        let info = node.get(&["--namespace", "kube-public", "configmap", "cluster-info"])?;
        let data = at(&info, "/data").as_object().context("it has no data")?;
        ensure!(data.keys().any(|key| key.starts_with("jws-kubeconfig-")), "it has {:?}", data.keys());
        Ok(())
    })
}

/// The machine's Node is registered; gives it.
///
/// # Errors
/// When it is not, within minutes.
pub fn is_node(node: &Node, machine: &Neighbour) -> anyhow::Result<Value> {
    eventually("the Node is registered", PATIENCE, || node.get(&["node", machine.name()]))
}

/// The machine's Node is registered, with a kubelet of this version.
pub(super) fn joined_version(node: &Node, machine: &Neighbour, version: &str) -> anyhow::Result<()> {
    let found = is_node(node, machine)?;
    let kubelet = at(&found, "/status/nodeInfo/kubeletVersion");
    ensure!(kubelet == version, "its kubelet's version is {kubelet}");
    Ok(())
}

/// Runs commands at the same time.
pub(super) fn at_once(commands: Vec<std::process::Command>) -> anyhow::Result<Vec<Output>> {
    std::thread::scope(|scope| {
        let running: Vec<_> =
            commands.into_iter().map(|mut c| scope.spawn(move || command::run(&mut c))).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("a thread panicked")))
            .collect()
    })
}

/// The machine's static Pods are ready.
///
/// # Errors
/// When they are not, within minutes.
pub fn is_control_plane(node: &Node, machine: &Neighbour) -> anyhow::Result<()> {
    runs(node, machine, cluster::COMPONENTS)
}

/// The machine's static Pods of these components are ready.
pub(super) fn runs(node: &Node, machine: &Neighbour, components: &[&str]) -> anyhow::Result<()> {
    for component in components {
        let name = format!("{component}-{}", machine.name());
        eventually(&format!("{name} is ready"), PATIENCE, || {
            cluster::is_ready(&node.get(&["--namespace", "kube-system", "pod", &name])?)
        })?;
    }
    Ok(())
}

/// etcd's voting members are those of these nodes, and there is no other.
pub(super) fn voting(node: &Node, names: &[&str]) -> anyhow::Result<()> {
    let found = members(&node.run("kubestrap", &["etcd", "members", "-o", "json"])?)?;
    let mut names = names.to_vec();
    names.sort_unstable();
    ensure!(found == names, "etcd's voting members are {found:?}, not {names:?}");
    Ok(())
}

/// The names of the members, sorted.
fn members(output: &Output) -> anyhow::Result<Vec<String>> {
    let last = output.stdout.lines().last().with_context(|| output.failure())?;
    let result: Value = serde_json::from_str(last)?;
    let members = at(&result, "/members").as_array().with_context(|| output.failure())?;
    ensure!(members.iter().all(|m| at(m, "/learner") == false), "there is a learner: {members:?}");
    let mut names: Vec<String> =
        members.iter().map(|m| at(m, "/name").as_str().unwrap_or_default().to_owned()).collect();
    names.sort();
    Ok(names)
}

fn note(node: &Node, what: &str, output: &Output) {
    node.note(format!("{what} {:.1} s", output.elapsed.as_secs_f64()));
}

/// The words behind `kubeadm` or `kubestrap` of a join command in `text`.
pub(super) fn join_command(text: &str, control_plane: bool) -> anyhow::Result<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let mut commands = joined.lines().filter_map(|l| {
        let words: Vec<&str> = l.split_whitespace().collect();
        let (program, rest) = words.split_first()?;
        let joins = matches!(*program, "kubeadm" | "kubestrap") && rest.first() == Some(&"join");
        joins.then(|| rest.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
    });
    commands
        .find(|words| words.iter().any(|w| w == "--control-plane") == control_plane)
        .with_context(|| format!("there is no such join command in what init printed:\n{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_join_command_is_found_in_the_closing_message() {
        let text = "Workers join with this:\n\n  kubeadm join 10.0.0.1:6443 --token a.b \\\n\t--discovery-token-ca-cert-hash sha256:1 \\\n\t\
                    --control-plane --certificate-key 2\n\nor any worker to join:\n\nkubeadm join 10.0.0.1:6443 \
                    --token a.b \\\n\t--discovery-token-ca-cert-hash sha256:1 \n";
        let worker = join_command(text, false).unwrap().join(" ");
        assert_eq!(worker, "join 10.0.0.1:6443 --token a.b --discovery-token-ca-cert-hash sha256:1");
        let control_plane = join_command(text, true).unwrap();
        assert!(control_plane.ends_with(&["--certificate-key".into(), "2".into()]));
        assert_eq!(as_worker(&control_plane).join(" "), worker);
        assert!(join_command("no", true).is_err());
    }
}
