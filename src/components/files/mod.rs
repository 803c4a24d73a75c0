//! Files that kube-apiserver reads when it starts, judged as it judges them: before anything is written, and without a
//! machine. Who has the text of a file, [`ApiServerFiles`] tells what is wrong with it.
//!
//! `cases/` holds texts with what the real kube-apiserver (1.33 to 1.36) said of each.

mod admission;
mod audit;
mod authentication;
mod authorization;
mod document;
mod egress;
mod encryption;
mod fault;
mod tracing;

use serde::de::DeserializeOwned;

use super::Subject;
use super::command::Command;
use super::program::Program;
use super::rule::Judge;
use super::{command_line, gates, rules};
use crate::manifest::Component;
use crate::yaml::{Node, Position};
use document::Format;
pub(crate) use fault::Fault;
use fault::{Faults, Fields};

/// One of the files, and how it is judged.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// The flag that names it; for a file that another file names, what it configures.
    pub(crate) name: &'static str,
    judge: fn(&Node, &mut Faults, &Context<'_>) -> Vec<Named>,
    read: fn(&str, &mut Faults) -> Option<Node>,
}

/// Declares a row from its format and the function that judges its type.
macro_rules! row {
    ($name:literal, $format:expr, $judge:expr) => {
        Row {
            name: $name,
            judge: |node, faults, context| judge(node, &$format, faults, context, $judge),
            read: |text, faults| document::read(text, &$format, faults),
        }
    };
}

/// The files that flags name.
const ROWS: &[Row] = &[
    row!("encryption-provider-config", encryption::FORMAT, encryption::judge),
    row!("audit-policy-file", audit::FORMAT, audit::judge),
    row!("authentication-config", authentication::FORMAT, authentication::judge),
    row!("authorization-config", authorization::FORMAT, authorization::judge),
    row!("admission-control-config-file", admission::FORMAT, admission::judge),
    row!("egress-selector-config-file", egress::FORMAT, egress::judge),
    row!("tracing-config-file", tracing::FORMAT, tracing::judge),
];

const POD_SECURITY: Row = row!("PodSecurity", admission::POD_SECURITY_FORMAT, admission::pod_security);

/// A file that another one names: kube-apiserver wants it, too.
pub(crate) struct Named {
    /// Its path, as the container sees it.
    pub(crate) path: String,
    /// Where it is named.
    pub(crate) position: Position,
    /// How it is judged, if it is.
    pub(crate) row: Option<Row>,
}

impl Named {
    fn file(fields: &Fields<'_>, path: &str, file: &str) -> Self {
        Self { path: file.to_owned(), position: fields.root.nearest(path).position, row: None }
    }
}

impl Row {
    fn judge_document(&self, node: &Node, faults: &mut Faults, context: &Context<'_>) -> Vec<Named> {
        (self.judge)(node, faults, context)
    }
}

fn judge<T: DeserializeOwned>(
    node: &Node,
    format: &Format,
    faults: &mut Faults,
    context: &Context<'_>,
    rules: fn(T, &mut Fields<'_>, &Context<'_>) -> Vec<Named>,
) -> Vec<Named> {
    if !document::is_of_kind(node, format, context.minor(), faults) {
        return vec![];
    }
    match document::decode::<T>(node, format, faults) {
        Some(value) => rules(value, &mut Fields { root: node, faults }, context),
        None => vec![],
    }
}

/// What rules go by, apart from the file itself.
struct Context<'a> {
    command: &'a Command,
    gates: Vec<(String, bool)>,
}

impl Context<'_> {
    fn minor(&self) -> u64 {
        self.command.minor
    }

    fn is_on(&self, gate: &str) -> bool {
        gates::enabled(&self.gates, gate, self.command.minor)
    }
}

/// The files of one kube-apiserver.
#[derive(Debug)]
pub(crate) struct ApiServerFiles {
    command: Command,
}

/// What there is to say about a file.
#[derive(Default)]
pub(crate) struct Judged {
    /// What is wrong with it, in its order.
    pub(crate) faults: Vec<Fault>,
    /// The files that it names.
    pub(crate) named: Vec<Named>,
}

impl ApiServerFiles {
    /// Of the kube-apiserver of a subject; of one without Pods by the user's flags alone.
    pub(crate) fn of(subject: &Subject<'_>) -> Self {
        let extra = subject.args(Component::ApiServer);
        let pod = subject.pods.iter().find(|(component, _)| *component == Component::ApiServer);
        let command = match pod {
            Some((_, pod)) => Command::new(Program::ApiServer, subject.minor, &command_line(pod), extra),
            None => Command::of_args(Program::ApiServer, subject.minor, extra),
        };
        Self { command }
    }

    /// Whether a flag names one of them.
    pub(crate) fn are_named_by(flag: &str) -> bool {
        let flag = flag.replace('_', "-");
        ROWS.iter().any(|row| row.name == flag)
    }

    /// The files that its flags name, as the container sees them.
    pub(crate) fn named(&self) -> impl Iterator<Item = (Row, &str)> {
        ROWS.iter().filter_map(|row| Some((*row, self.command.value(row.name)?)))
    }

    /// Judges a file's text.
    pub(crate) fn judge(&self, row: Row, text: &str) -> Judged {
        let set = rules::common::set_gates(&Judge::new(&self.command));
        let context = Context { command: &self.command, gates: set };
        let mut faults = Faults::default();
        let named = match (row.read)(text, &mut faults) {
            Some(node) => row.judge_document(&node, &mut faults, &context),
            None => vec![],
        };
        faults.list.sort_by_key(|fault| fault.position);
        Judged { faults: faults.list, named }
    }
}

#[cfg(test)]
mod tests;
