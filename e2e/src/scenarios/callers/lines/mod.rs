//! The command lines of tools that drive kubeadm, as their sources have them (August 2026): who calls, from which file,
//! and what they read of the answer. Values that the tools fill in are words in braces:
//!
//! - `{config}`: the configuration for `init`; `{documents}`: the same with an UpgradeConfiguration and a
//!   ResetConfiguration; `{kind}`, `{cluster-api}`: what these tools write; `{join}`, `{control-plane}`: a JoinConfiguration of a worker, of a control plane
//! - `{version}`: the cluster's version; `{token}`, `{key}`, `{hash}`: what a machine joins with; `{address}`: the
//!   machine's own address; `{endpoint}`: that of the API server; `{name}`: the machine's name; `{socket}`: the
//!   runtime's; `{admin}`: the administrator's kubeconfig

mod anywhere;
mod cluster;
mod join;
mod making;
mod upgrade;

pub(crate) use anywhere::ANYWHERE;
pub(crate) use cluster::CLUSTER;
pub(crate) use join::{CONTROL_PLANE, CONTROL_PLANE_PHASES, WORKER, WORKER_AGAIN, WORKER_FLAGS};
pub(crate) use making::{BY_PHASES, BY_SEALOS, KIND, KUBESPRAY, ON_A_CLUSTER, RESET, RESET_DRY};
pub(crate) use upgrade::UPGRADE;

/// A command line of a caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// The tool.
    pub(crate) tool: &'static str,
    /// The file of its repository that has the line.
    pub(crate) source: &'static str,
    /// What follows the program's name.
    pub(crate) line: &'static str,
    /// What the tool reads of the answer, beside the exit code.
    pub(crate) reads: Reads,
    /// kubeadm's exit code.
    pub(crate) code: i32,
}

/// What a tool reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reads {
    /// The exit code alone.
    Code,
    /// Standard output, but for log lines.
    Text,
    /// The last line of standard output.
    Last,
    /// The lines of standard output that contain this.
    Lines(&'static str),
    /// The line after the one that contains this, on either stream.
    After(&'static str),
    /// Whether either stream says this.
    Says(&'static str),
    /// Standard output as JSON.
    Json,
    /// Standard output as a stream of YAML documents.
    Yaml,
}

/// A line that kubeadm ends with 0.
const fn line(tool: &'static str, source: &'static str, line: &'static str, reads: Reads) -> Line {
    Line { tool, source, line, reads, code: 0 }
}

/// A line that kubeadm refuses.
const fn refused(tool: &'static str, source: &'static str, line: &'static str, reads: Reads) -> Line {
    Line { tool, source, line, reads, code: 1 }
}
