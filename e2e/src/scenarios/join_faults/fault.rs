//! A fault: how it comes about, the join that meets it, and what must be said.

use std::fs;
use std::time::Duration;

use anyhow::bail;

use super::super::join::as_worker;
use super::LIMIT;
use crate::command::Output;
use crate::node::Node;

/// A fault.
#[derive(Clone, Copy)]
pub(super) struct Fault {
    pub(super) name: &'static str,
    /// Kubernetes' objects that are changed or gone meanwhile.
    pub(super) objects: &'static [Object],
    /// What is done to the cluster, by a shell on its first machine, and what undoes it.
    pub(super) cluster: &'static str,
    pub(super) mend_cluster: &'static str,
    /// The same of the joining machine; `reset` follows in any case.
    pub(super) machine: &'static str,
    pub(super) fix: &'static str,
    /// Files in /e2e/logs of the joining machine.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// How the words of the join differ: what is replaced by what; an empty first part is appended.
    pub(super) words: &'static [(&'static str, &'static str)],
    /// The words instead, where they have little in common.
    pub(super) line: &'static str,
    pub(super) control_plane: bool,
    pub(super) code: i32,
    /// How long it may pass by itself: before, it is not proven.
    pub(super) may_pass: Duration,
    /// What must be said; `|` parts words of which one will do.
    pub(super) says: &'static [&'static str],
}

/// What most faults have in common.
pub(super) const FAULT: Fault = Fault {
    name: "",
    objects: &[],
    cluster: "",
    mend_cluster: "",
    machine: "",
    fix: "",
    files: &[],
    words: &[],
    line: "",
    control_plane: false,
    code: 1,
    may_pass: Duration::ZERO,
    says: &[],
};

/// An object of Kubernetes, and how it is changed.
#[derive(Clone, Copy)]
pub(super) struct Object {
    pub(super) namespace: &'static str,
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    /// Texts in its JSON that are replaced, by what; it is deleted where there are none.
    pub(super) replaced: &'static [(&'static str, &'static str)],
}

/// One that is deleted.
pub(super) const fn without(namespace: &'static str, kind: &'static str, name: &'static str) -> Object {
    Object { namespace, kind, name, replaced: &[] }
}

/// A ConfigMap of kube-system in which texts are replaced.
pub(super) const fn config_map(
    name: &'static str,
    replaced: &'static [(&'static str, &'static str)],
) -> Object {
    Object { namespace: "kube-system", kind: "configmap", name, replaced }
}

/// The file with an object as it was.
pub(super) struct Kept {
    file: String,
    deleted: bool,
}

impl Object {
    /// Changes or deletes it.
    pub(super) fn change(&self, node: &Node) -> anyhow::Result<Kept> {
        let Self { namespace, kind, name, replaced } = self;
        let object = node.kubectl(&["--namespace", namespace, "get", kind, name, "-o", "json"])?;
        let file = format!("/e2e/logs/{}.json", name.replace(':', "-"));
        // A new object can't begin with a version.
        let versionless = object.lines().filter(|line| !line.contains("\"resourceVersion\""));
        let object = versionless.collect::<Vec<_>>().join("\n");
        fs::write(&file, &object)?;
        if replaced.is_empty() {
            node.kubectl(&["--namespace", namespace, "delete", kind, name])?;
            return Ok(Kept { file, deleted: true });
        }
        let mut changed = object;
        for (old, new) in *replaced {
            if !changed.contains(old) {
                bail!("there is no {old:?} in {kind} {name}: {changed}");
            }
            changed = changed.replace(old, new);
        }
        let other = format!("{file}.changed");
        fs::write(&other, changed)?;
        node.kubectl(&["replace", "-f", &other])?;
        Ok(Kept { file, deleted: false })
    }
}

impl Kept {
    /// Has the object be as it was.
    pub(super) fn put_back(&self, node: &Node) -> anyhow::Result<()> {
        node.kubectl(&[if self.deleted { "create" } else { "replace" }, "-f", &self.file])?;
        Ok(())
    }
}

impl Fault {
    /// The join's words, with what the fault changes in them.
    pub(super) fn line(&self, join: &[String]) -> anyhow::Result<String> {
        if !self.line.is_empty() {
            return Ok(fill(self.line, join));
        }
        let mut line = if self.control_plane { join.join(" ") } else { as_worker(join).join(" ") };
        for (old, new) in self.words {
            let (old, new) = (fill(old, join), fill(new, join));
            line = match old.as_str() {
                "" => format!("{line} {new}"),
                old if line.contains(old) => line.replace(old, &new),
                old => bail!("there is no {old:?} in {line}"),
            };
        }
        Ok(line)
    }

    /// After how many seconds it was told, or what is wrong with what was said.
    pub(super) fn judge(&self, output: &Output) -> Result<f64, String> {
        output.told(self.code, LIMIT + self.may_pass, self.says)
    }
}

/// A text with the words of a join command in place of `TOKEN`, its `SECRET`, `HASH` and `KEY`.
pub(in super::super) fn fill(text: &str, join: &[String]) -> String {
    let after = |flag: &str| join.iter().skip_while(|w| *w != flag).nth(1).map_or("", String::as_str);
    let token = after("--token");
    let secret = token.split('.').nth(1).unwrap_or_default();
    let known = [
        ("TOKEN", token),
        ("SECRET", secret),
        ("HASH", after("--discovery-token-ca-cert-hash")),
        ("KEY", after("--certificate-key")),
    ];
    known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join() -> Vec<String> {
        let line = "join a:6443 --token i.s --discovery-token-ca-cert-hash sha256:1 --control-plane --certificate-key k";
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn words_of_a_fault_are_those_of_the_join_with_its_own() {
        let line = |fault: Fault| fault.line(&join()).unwrap();
        assert_eq!(line(FAULT), "join a:6443 --token i.s --discovery-token-ca-cert-hash sha256:1");
        let other = Fault { words: &[("SECRET", "x"), ("", "--dry-run")], control_plane: true, ..FAULT };
        assert!(
            line(other).contains("--token i.x ") && line(other).ends_with("--certificate-key k --dry-run")
        );
        assert_eq!(line(Fault { line: "join --token TOKEN", ..FAULT }), "join --token i.s");
        assert!(Fault { words: &[("nowhere", "")], ..FAULT }.line(&join()).is_err());
    }
}
