//! A rule: words that were really written, and what they mean.

use super::look::Look;
use crate::health::Stage;
use crate::manifest::Component;

/// Words that were really written, and what they mean.
///
/// `what`, `cause` and `fix` are texts in which `{name}` is a named group of `words`, or one of
/// `{component}`, `{manifest}`, `{field}`, `{manifests}`, `{pki}`, `{kubelet}`, `{socket}`, or a word of the
/// [runtime's](crate::host::cri::KnownRuntime::word).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// Its name, stable: machines know it.
    pub name: &'static str,
    /// Where the words are looked for.
    pub source: Source,
    /// The words: a regular expression. In log lines, `\"` reads as `"`.
    pub words: &'static str,
    /// What their being there proves.
    pub proof: Proof,
    /// What happened, in one sentence.
    pub what: &'static str,
    /// Why; may be empty.
    pub cause: &'static str,
    /// The command or edit that puts it right.
    pub fix: &'static str,
    /// Whether it holds, too, while what the component needs is not healthy: it does not follow from that.
    pub alone: bool,
    /// What on the machine makes it plainer.
    pub look: Look,
}

/// Where words are looked for, and while when they count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// kubelet's log and the init system's about it, while kubelet is not healthy.
    Kubelet,
    /// kubelet's log, whatever it is about, while anything is not healthy.
    Node,
    /// kubelet's log about the API server, while that is healthy and something else is not.
    Server,
    /// kubelet's log about a component's Pod, until the component has come as far as this.
    Pod(Stage),
    /// The last words of a container that ended, of one of these components; while it is not healthy.
    Ended(&'static [Component]),
    /// How a container ended: `exit code N, REASON`.
    Exit,
    /// The words of a container that runs and is not healthy, of one of these components.
    Running(&'static [Component]),
    /// What a component's health endpoint said, of one of these components.
    Health(&'static [Component]),
    /// What the runtime said when it was asked.
    Runtime,
}

/// What words prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Proof {
    /// It may be so: told when time is up, no reason to give up.
    Possible,
    /// It is so for now: proven when it stays so.
    Persisting,
    /// It will not change by itself.
    Proven,
}
