//! One of two machines that go through the same.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Command;

use anyhow::Context;

use super::compare::Said;
use super::files::Files;
use crate::command::Output;
use crate::config::Config;
use crate::machine::Network;
use crate::neighbour::Neighbour;
use crate::node::{ADMIN, Node, PATIENCE};
use crate::wait::eventually;

/// What a machine joins with.
const TOKEN: &str = "abcdef.0123456789abcdef";
const KEY: &str = "2e3c4239bc78c27f40530ddc2df7049a2c5ff146e5a702e9c9b6cdbec70df9f3";
const SOCKET: &str = "unix:///run/containerd/containerd.sock";
/// The folder of the program that is called kubeadm here, first on PATH.
const PROGRAM: &str = "/opt/callers";

/// The machine.
pub(super) struct Twin<'n> {
    node: &'n Node,
    machine: Neighbour<'n>,
    address: String,
    /// The address of the control plane that it makes or joins.
    first: String,
    /// The hash of that control plane's CA.
    hash: String,
    /// What stands for the machine in a comparison, with what is said instead.
    own_words: Vec<(String, &'static str)>,
}

impl<'n> Twin<'n> {
    /// The machine `number`, on which `program` is called kubeadm.
    ///
    /// # Errors
    /// When it can't be made.
    pub(super) fn new(node: &'n Node, number: u8, first: u8, program: &str) -> anyhow::Result<Self> {
        let network = Network::beside(number);
        let control_plane = Network::beside(first);
        let machine = Neighbour::new(node, number)?;
        let own_words = vec![
            (network.address.to_string(), "ADDRESS"),
            (control_plane.address.to_string(), "ENDPOINT"),
            (network.name.clone(), "NAME"),
            (control_plane.name.clone(), "CONTROL-PLANE"),
        ];
        let twin = Self {
            node,
            machine,
            address: network.address.to_string(),
            first: control_plane.address.to_string(),
            hash: String::new(),
            own_words,
        };
        let link = format!("mkdir -p {PROGRAM} && ln -sf \"$(command -v {program})\" {PROGRAM}/kubeadm");
        twin.machine.run(&["sh", "-c", &link])?.success()?;
        for (name, text) in twin.documents() {
            twin.machine.put(name, &text)?;
        }
        Ok(twin)
    }

    /// With the hash of the CA of the cluster that it joins.
    pub(super) fn with_hash(self, hash: String) -> Self {
        Self { hash, ..self }
    }

    /// The files that lines name.
    fn documents(&self) -> Vec<(&'static str, String)> {
        let Self { first, address, .. } = self;
        let config = Config {
            init: format!(
                "bootstrapTokens: [{{token: {TOKEN}}}]\ncertificateKey: {KEY}\nlocalAPIEndpoint: {{advertiseAddress: {address}}}\n\
                 nodeRegistration: {{criSocket: \"{SOCKET}\", ignorePreflightErrors: [SystemVerification, Swap, NumCPU]}}"
            ),
            cluster: format!(
                "controlPlaneEndpoint: \"{first}:6443\"\nnetworking: {{podSubnet: 10.244.0.0/16}}"
            ),
            kubelet: String::new(),
        };
        let config = config.text(&self.node.plan.version);
        let version = self.version();
        let ignored =
            "ignorePreflightErrors: [SystemVerification, Swap, NumCPU, CreateJob, ControlPlaneNodesReady]";
        let documents = format!(
            "{config}---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: UpgradeConfiguration\n\
             apply: {{kubernetesVersion: {version}, forceUpgrade: true, {ignored}}}\nnode: {{{ignored}}}\n\
             plan: {{kubernetesVersion: {version}, {ignored}}}\ndiff: {{kubernetesVersion: {version}}}\n\
             ---\napiVersion: kubeadm.k8s.io/v1beta4\nkind: ResetConfiguration\nforce: true\n"
        );
        let join = format!(
            "apiVersion: kubeadm.k8s.io/v1beta4\nkind: JoinConfiguration\n\
             discovery: {{bootstrapToken: {{apiServerEndpoint: \"{first}:6443\", token: {TOKEN}, unsafeSkipCAVerification: true}}}}\n\
             nodeRegistration: {{criSocket: \"{SOCKET}\", ignorePreflightErrors: [SystemVerification, Swap, NumCPU]}}\n"
        );
        let control_plane = format!(
            "{join}controlPlane: {{certificateKey: {KEY}, localAPIEndpoint: {{advertiseAddress: {address}}}}}\n"
        );
        // What tools say of kubelet and kube-proxy is for other machines than these.
        let components = config.split_once("---\napiVersion: kubelet").map_or("", |(_, rest)| rest);
        let of_tool = |text: &str| format!("{}---\napiVersion: kubelet{components}", self.filled(text));
        vec![
            ("kind.yaml", of_tool(include_str!("kind.yaml"))),
            ("cluster-api.yaml", of_tool(include_str!("cluster-api.yaml"))),
            (
                "typo.yaml",
                config.replace("kind: ClusterConfiguration", "kind: ClusterConfiguration\ntypo: 1"),
            ),
            ("old.yaml", config.replace("kubeadm.k8s.io/v1beta4", "kubeadm.k8s.io/v1beta3")),
            ("config.yaml", config),
            ("documents.yaml", documents),
            ("join.yaml", join),
            ("control-plane.yaml", control_plane),
        ]
    }

    fn version(&self) -> String {
        format!("v{}", self.node.plan.version.trim_start_matches('v'))
    }

    /// The line with what the tools fill in.
    fn filled(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (word, value) in [
            ("{config}", "/e2e/logs/config.yaml"),
            ("{documents}", "/e2e/logs/documents.yaml"),
            ("{typo}", "/e2e/logs/typo.yaml"),
            ("{kind}", "/e2e/logs/kind.yaml"),
            ("{cluster-api}", "/e2e/logs/cluster-api.yaml"),
            ("{old}", "/e2e/logs/old.yaml"),
            ("{join}", "/e2e/logs/join.yaml"),
            ("{control-plane}", "/e2e/logs/control-plane.yaml"),
            ("{version}", &self.version()),
            ("{token}", TOKEN),
            ("{key}", KEY),
            ("{hash}", &self.hash),
            ("{address}", &self.address),
            ("{endpoint}", &format!("{}:6443", self.first)),
            ("{name}", self.machine.name()),
            ("{socket}", SOCKET),
            ("{admin}", ADMIN),
        ] {
            line = line.replace(word, value);
        }
        line
    }

    /// The hash of the CA that it made.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn ca_hash(&self) -> anyhow::Result<String> {
        let script = "openssl x509 -pubkey -noout -in /etc/kubernetes/pki/ca.crt | openssl pkey -pubin -outform der | \
                      sha256sum | cut -d ' ' -f 1";
        let hash = self.machine.run(&["sh", "-c", script])?.success()?.stdout;
        Ok(format!("sha256:{}", hash.trim()))
    }

    /// kubeadm with these arguments.
    ///
    /// # Errors
    /// When they can't be filled in.
    pub(super) fn command(&self, line: &str) -> anyhow::Result<Command> {
        let filled = self.filled(line);
        let path = format!("PATH={PROGRAM}:{}", std::env::var("PATH")?);
        let mut words = vec!["timeout", "300", "env", path.as_str(), "kubeadm"];
        words.extend(filled.split_whitespace());
        self.machine.command(&words)
    }

    /// What it said, in words that are not this machine's own.
    ///
    /// # Errors
    /// When it can't be logged.
    pub(super) fn said(&self, output: Output) -> anyhow::Result<Said> {
        self.node.log(&output)?;
        Ok(Said {
            code: output.code,
            stdout: self.not_own(&output.stdout),
            stderr: self.not_own(&output.stderr),
        })
    }

    fn not_own(&self, text: &str) -> String {
        self.own_words.iter().fold(text.to_owned(), |text, (word, instead)| text.replace(word, instead))
    }

    /// What kubeadm has to do with, now.
    ///
    /// # Errors
    /// When it can't be read.
    pub(super) fn files(&self) -> anyhow::Result<Files> {
        let listing = self.machine.run(&["sh", "-c", Files::SCRIPT])?.success()?.stdout;
        Ok(Files::read(
            &self.own_words.iter().fold(listing, |text, (word, instead)| text.replace(word, instead)),
        ))
    }

    /// Takes the Node of a machine out of its cluster.
    ///
    /// # Errors
    /// When that fails.
    pub(super) fn delete_node(&self, of: &Self) -> anyhow::Result<()> {
        let name = of.machine.name();
        let words = ["kubectl", "--kubeconfig", ADMIN, "delete", "node", name, "--ignore-not-found"];
        self.machine.run(&words)?.success().map(|_| ())
    }

    /// Waits until the node's static Pods are registered and the cluster can be discovered: what is asked next must not
    /// depend on how long ago it was made.
    ///
    /// # Errors
    /// When that does not happen.
    pub(super) fn wait_until_ready(&self) -> anyhow::Result<()> {
        let kubectl = "kubectl --kubeconfig /etc/kubernetes/admin.conf";
        let pods = format!("{kubectl} -n kube-system get pods -l tier=control-plane -o name");
        let info = format!("{kubectl} -n kube-public get configmap cluster-info -o yaml");
        eventually("the static Pods are registered, and cluster-info is signed", PATIENCE, || {
            let listed = self.machine.run(&["sh", "-c", &format!("{pods}; {info}")])?.success()?.stdout;
            let pods = listed.lines().filter(|line| line.starts_with("pod/")).count();
            let signed = listed.contains("jws-kubeconfig-");
            (pods == 4 && signed).then_some(()).context(listed)
        })
    }

    /// Adds a difference to the list in the logs, which is there also where a later line breaks the run.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn note(&self, text: &str) -> anyhow::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open("/e2e/logs/differences.txt")?;
        Ok(writeln!(file, "{text}")?)
    }
}
