//! A fresh node and the init that is about to run on it: what a fault may change.

use std::any::Any;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::command::{Output, check};
use crate::config::Config;
use crate::image::{self, Image};
use crate::node::{CONFIG, Node};

/// Where a fault puts files of its own.
pub(super) const OWN: &str = "/etc/fault";
/// The folder of patches.
const PATCHES: &str = "/etc/fault/patches";
/// Where the cluster's certificates are.
pub(super) const PKI: &str = "/etc/kubernetes/pki";
/// More flags for kubelet, as Debian's packages let people give them.
pub(super) const KUBELET_FLAGS: &str = "/etc/default/kubelet";
/// An init that has not ended by then has failed to find out.
const LIMIT: &str = "60";

/// The node, and what init will be told.
pub(super) struct Scene<'n> {
    /// The node.
    pub(super) node: &'n Node,
    /// The configuration.
    pub(super) config: Config,
    /// Preflight checks whose errors init is told to ignore, as people do.
    pub(super) ignored: Vec<&'static str>,
    /// Checks that count, although this machine can't pass them: what the fault is about.
    pub(super) minded: Vec<&'static str>,
    /// init's environment.
    pub(super) environment: Vec<(&'static str, String)>,
    held: Vec<Box<dyn Any>>,
    meanwhile: Vec<Box<dyn FnOnce() + Send>>,
}

impl<'n> Scene<'n> {
    /// Nothing is broken yet.
    pub(super) fn new(node: &'n Node) -> anyhow::Result<Self> {
        fs::create_dir_all(OWN)?;
        Ok(Self {
            node,
            config: Config::default(),
            ignored: vec![],
            minded: vec![],
            environment: vec![],
            held: vec![],
            meanwhile: vec![],
        })
    }

    /// Adds lines to ClusterConfiguration.
    pub(super) fn cluster(&mut self, lines: &str) {
        self.config.cluster.push_str(lines);
        self.config.cluster.push('\n');
    }

    /// Adds lines to InitConfiguration.
    pub(super) fn init(&mut self, lines: &str) {
        self.config.init.push_str(lines);
        self.config.init.push('\n');
    }

    /// Adds lines to KubeletConfiguration.
    pub(super) fn kubelet(&mut self, lines: &str) {
        self.config.kubelet.push_str(lines);
        self.config.kubelet.push('\n');
    }

    /// Gives a component one more flag. `place` is its field in ClusterConfiguration; etcd's is `etcd.local`.
    pub(super) fn extra_arg(&mut self, place: &str, name: &str, value: &str) {
        let arg = format!("extraArgs: [{{name: {name}, value: {value:?}}}]");
        self.cluster(&match place.split_once('.') {
            Some((outer, inner)) => format!("{outer}: {{{inner}: {{{arg}}}}}"),
            None => format!("{place}: {{{arg}}}"),
        });
    }

    /// Gives kubelet one more flag, through the configuration.
    pub(super) fn kubelet_arg(&mut self, name: &str, value: &str) {
        self.init(&format!("nodeRegistration: {{kubeletExtraArgs: [{{name: {name}, value: {value:?}}}]}}"));
    }

    /// Gives init a patch. `name` as patches are called: `etcd+merge.yaml`.
    pub(super) fn patch(&mut self, name: &str, text: &str) -> anyhow::Result<()> {
        put(&format!("{PATCHES}/{name}"), text)?;
        self.init(&format!("patches: {{directory: {PATCHES}}}"));
        Ok(())
    }

    /// Listens on `address` until init has ended.
    pub(super) fn hold(&mut self, address: &str) -> anyhow::Result<()> {
        let listener = TcpListener::bind(address).with_context(|| format!("{address} can't be held"))?;
        self.keep(listener);
        Ok(())
    }

    /// Keeps something until init has ended.
    pub(super) fn keep(&mut self, thing: impl Any) {
        self.held.push(Box::new(thing));
    }

    /// Does something while init runs, once `file` is there.
    pub(super) fn once_there(&mut self, file: &'static str, act: impl FnOnce() + Send + 'static) {
        self.meanwhile.push(Box::new(move || {
            let start = Instant::now();
            while !Path::new(file).exists() && start.elapsed() < Duration::from_secs(60) {
                std::thread::sleep(Duration::from_millis(5));
            }
            act();
        }));
    }

    /// Runs phases of init, which leave what an earlier run would have left.
    pub(super) fn phase(&self, words: &[&str]) -> anyhow::Result<()> {
        self.node.prepare_init(&self.config)?;
        let mut args = vec!["init", "phase"];
        args.extend(words);
        args.extend(["--config", CONFIG]);
        self.node.kubestrap(&args).map(drop)
    }

    /// The reference of a component's image.
    pub(super) fn reference(&self, component: &str) -> anyhow::Result<String> {
        let mark = format!("/{component}:");
        let found = self.node.plan.references.iter().find(|r| r.contains(&mark));
        found.cloned().with_context(|| format!("no image of {component}"))
    }

    /// Takes a component's image away. Nothing is there to pull it from.
    pub(super) fn remove_image(&self, component: &str) -> anyhow::Result<()> {
        let reference = self.reference(component)?;
        self.node.plan.runtime.remove(&reference)
    }

    /// Puts another image in the place of a component's: `program`, at `path`.
    pub(super) fn replace_image(&self, component: &str, program: &Path, path: &str) -> anyhow::Result<()> {
        let image = Image {
            reference: self.reference(component)?,
            entrypoint: Some(path.to_owned()),
            files: vec![(program.to_owned(), path.to_owned())],
            ..Image::default()
        };
        let archive = Path::new(OWN).join("image.tar");
        image::write(&image, &archive, Path::new(OWN))?;
        self.node.plan.runtime.import(&archive, &image.reference)
    }

    /// Takes a program away from the machine, wherever it lies.
    pub(super) fn remove_program(&self, name: &str) -> anyhow::Result<()> {
        while let Some(file) = crate::command::find(name) {
            fs::remove_file(&file).with_context(|| format!("{} can't be removed", file.display()))?;
        }
        Ok(())
    }

    /// Runs a whole init, takes the cluster away, and gives back `kept` of it: what an earlier cluster leaves.
    pub(super) fn leave_behind(&self, kept: &[&str]) -> anyhow::Result<()> {
        self.node.init()?;
        // etcd writes until it is stopped; its data survive that.
        self.node.run("systemctl", &["stop", "kubelet"])?.success()?;
        for pid in self.node.processes("etcd") {
            check("kill", &["-KILL", &pid.to_string()])?;
        }
        crate::wait::eventually("etcd ends", Duration::from_secs(10), || {
            ensure!(self.node.processes("etcd").is_empty(), "it runs");
            Ok(())
        })?;
        let aside = Path::new("/var/lib/aside");
        fs::create_dir_all(aside)?;
        for (index, path) in kept.iter().enumerate() {
            check("cp", &["--archive", path, &aside.join(index.to_string()).display().to_string()])?;
        }
        self.node.reset()?;
        for (index, path) in kept.iter().enumerate() {
            let from = aside.join(index.to_string()).display().to_string();
            check("rm", &["--recursive", "--force", path])?;
            check("cp", &["--archive", &from, path])?;
        }
        Ok(())
    }

    /// Runs init to its end, which is waited for [`LIMIT`] seconds. What happens meanwhile happens to the first run only.
    pub(super) fn run(&mut self) -> anyhow::Result<Output> {
        let ignored = self.node.prepare_init(&self.config)?;
        let (_, names) = ignored.split_once('=').unwrap_or_default();
        let names = names.split(',').filter(|n| !n.is_empty() && !self.minded.contains(n));
        let names: Vec<&str> = names.chain(self.ignored.iter().copied()).collect();
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", LIMIT, &self.node.init, "init", "-o", "json", "--config", CONFIG]);
        if !names.is_empty() {
            command.arg(format!("--ignore-preflight-errors={}", names.join(",")));
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        for act in self.meanwhile.drain(..) {
            std::thread::spawn(act);
        }
        self.node.run_command(&mut command)
    }
}

/// Writes a file, with the folders on its way.
pub(super) fn put(path: &str, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = Path::new(path).parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text).with_context(|| format!("{path} can't be written"))
}

/// A file in [`OWN`]; its path.
pub(super) fn own(name: &str, text: &str) -> anyhow::Result<String> {
    let path = format!("{OWN}/{name}");
    put(&path, text)?;
    Ok(path)
}

/// A mount over `place`, with mount(8)'s words.
pub(super) fn mount(words: &[&str], place: &str) -> anyhow::Result<()> {
    fs::create_dir_all(place)?;
    let args: Vec<&str> = words.iter().copied().chain([place]).collect();
    check("mount", &args).map(drop)
}

/// Puts a script in the place of a program.
pub(super) fn script(s: &Scene, program: &str, text: &str) -> anyhow::Result<()> {
    install(s, program, format!("#!/bin/sh\n{text}\n").as_bytes())
}

/// Puts another file in the place of a program.
pub(super) fn install(s: &Scene, program: &str, content: &[u8]) -> anyhow::Result<()> {
    s.remove_program(program)?;
    let place = Path::new("/usr/bin").join(program);
    fs::write(&place, content)?;
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Mounts a disk without room at `place`: of one page, which a file holds.
pub(super) fn full(place: &str) -> anyhow::Result<()> {
    mount(&["-t", "tmpfs", "-o", "size=4k", "tmpfs"], place)?;
    fs::write(format!("{place}/filler"), vec![0; 4096])?;
    Ok(())
}

/// Configures the runtime for a sandbox image that nobody brought; its name stands after `mark`.
pub(super) fn another_pause(s: &Scene, mark: &str) -> anyhow::Result<()> {
    s.node.change_runtime(|text| {
        let end = text.split_once(mark).and_then(|(_, rest)| rest.split_once('"')).map_or("", |(n, _)| n);
        text.replace(end, "k8s.gcr.io/pause:3.2")
    })
}

/// Sends processes a signal; that one has ended does not matter.
pub(super) fn signal(signal: &str, processes: &[i32]) {
    for pid in processes {
        let _ = check("kill", &[&format!("-{signal}"), &pid.to_string()]);
    }
}
