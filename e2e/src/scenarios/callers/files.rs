//! The files that a line leaves: which there are, with which mode, which were changed, and what is in those that hold
//! no secret.

use std::collections::BTreeMap;

use super::compare;

/// A file or a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// Type and mode.
    mode: String,
    /// Its content's hash.
    hash: String,
    /// What is in it, where that is no secret.
    text: String,
}

/// All of them, by path.
#[derive(Clone, Debug, Default)]
pub(super) struct Files(BTreeMap<String, Entry>);

/// What a line did to a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Type and mode afterwards; nothing where it is gone.
    mode: String,
    /// Made, changed, removed.
    how: &'static str,
    text: String,
}

impl Files {
    /// Lists them. What kubeadm keeps of former times below /etc/kubernetes/tmp has the moment in its name; kubelet's
    /// own files come and go by themselves: kubelet.conf too, as long as there is one to bootstrap with.
    pub(super) const SCRIPT: &str = "\
        for place in /etc/kubernetes /etc/systemd/system /usr/lib/systemd/system/kubelet.service.d \
            /var/lib/kubelet/config.yaml /var/lib/kubelet/instance-config.yaml /var/lib/kubelet/kubeadm-flags.env; do \
            [ -e $place ] || continue; \
            find $place -not -path '/etc/kubernetes/tmp*' -printf '%y%m %p\\n' | while read -r mode path; do \
                [ $path = /etc/kubernetes/kubelet.conf ] && [ -e /etc/kubernetes/bootstrap-kubelet.conf ] && continue; \
                hash=; [ -f $path ] && hash=$(sha256sum < $path | cut -c 1-64); \
                echo \"@ $mode $path $hash\"; \
                case $path in *.yaml|*.env|*.service) [ -f $path ] && cat $path; echo;; esac; \
            done; \
        done; \
        for place in /var/lib/etcd /var/lib/kubelet /etc/cni/net.d; do \
            [ -e $place ] && find $place -maxdepth 0 -printf '@ %y%m %p \\n'; \
        done; true";

    /// Out of what the script prints.
    pub(super) fn read(listing: &str) -> Self {
        let mut all = BTreeMap::new();
        let mut path = String::new();
        for line in listing.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["@", mode, place, hash] = words.as_slice() {
                path = (*place).to_owned();
                let entry = Entry { mode: (*mode).to_owned(), hash: (*hash).to_owned(), text: String::new() };
                all.insert(path.clone(), entry);
            } else if let Some(entry) = all.get_mut(&path) {
                entry.text.push_str(line);
                entry.text.push('\n');
            }
        }
        Self(all)
    }

    /// What was done since `before`.
    pub(super) fn since(&self, before: &Self) -> BTreeMap<String, Change> {
        let mut changes = BTreeMap::new();
        for (path, entry) in &self.0 {
            let how = match before.0.get(path) {
                None => "made",
                Some(old) if old.hash != entry.hash || old.mode != entry.mode => "changed",
                Some(_) => continue,
            };
            let change = Change { mode: entry.mode.clone(), how, text: entry.text.clone() };
            changes.insert(path.clone(), change);
        }
        for path in before.0.keys().filter(|path| !self.0.contains_key(*path)) {
            changes.insert(path.clone(), Change { mode: String::new(), how: "removed", text: String::new() });
        }
        changes
    }
}

/// How the two sets of changes differ, a line each.
pub(super) fn compare(theirs: &BTreeMap<String, Change>, ours: &BTreeMap<String, Change>) -> Vec<String> {
    let paths = theirs.keys().chain(ours.keys().filter(|path| !theirs.contains_key(*path)));
    let shown = |change: Option<&Change>| {
        change.map_or("left".to_owned(), |c| format!("{} {}", c.how, c.mode).trim_end().to_owned())
    };
    let mut differences = vec![];
    for path in paths {
        let (their, our) = (theirs.get(path), ours.get(path));
        let (their_words, our_words) = (shown(their), shown(our));
        if their_words != our_words {
            differences.push(format!("{path}: kubeadm {their_words}, kubestrap {our_words}"));
        } else if let (Some(their), Some(our)) = (their, our)
            && !compare::same_yaml(&their.text, &our.text)
        {
            let place = compare::first_difference(&their.text, &our.text);
            differences.push(format!("{path}: {place}"));
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_from_what_was_there() {
        let before = Files::read("@ f600 /a 1\n@ f644 /b.yaml 2\nx: 1\n@ d755 /c \n");
        let after = Files::read("@ f600 /a 3\n@ f644 /b.yaml 2\nx: 1\n@ f600 /d 4\n");
        let changes = after.since(&before);
        let told: Vec<String> = changes.iter().map(|(path, c)| format!("{path} {}", c.how)).collect();
        assert_eq!(told, ["/a changed", "/c removed", "/d made"]);
        assert_eq!(compare(&changes, &changes), Vec::<String>::new());
        let differences = compare(&changes, &after.since(&after));
        assert_eq!(differences[0], "/a: kubeadm changed f600, kubestrap left");
    }

    #[test]
    fn contents_are_compared_as_yaml() {
        let none = Files::default();
        let left = Files::read("@ f644 /b.yaml 1\na: \"x\"\nb: 2\n").since(&none);
        let right = Files::read("@ f644 /b.yaml 2\nb: 2\na: x\n").since(&none);
        let other = Files::read("@ f644 /b.yaml 3\nb: 3\na: x\n").since(&none);
        assert_eq!(compare(&left, &right), Vec::<String>::new());
        assert_eq!(compare(&left, &other).len(), 1);
    }
}
