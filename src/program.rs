//! The name that the program was started under. Under kubeadm's name (a link) it stands in for kubeadm: what callers of
//! kubeadm match is kubeadm's then.

use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;

/// Our own name.
pub(crate) const NAME: &str = "kubestrap";
/// The name that we stand in for.
const KUBEADM: &str = "kubeadm";

/// The name to show in usage and in commands to run: `kubeadm` where the program was started as that.
pub(crate) fn name() -> &'static str {
    static STARTED_AS: OnceLock<&'static str> = OnceLock::new();
    STARTED_AS.get_or_init(|| of_path(&std::env::args().next().unwrap_or_default()))
}

/// Whether the program stands in for kubeadm.
pub(crate) fn is_kubeadm() -> bool {
    name() == KUBEADM
}

/// Text in which commands to run have the name that the program was started under.
pub(crate) fn in_own_words(text: &str) -> Cow<'_, str> {
    if is_kubeadm() { Cow::Owned(renamed(text)) } else { Cow::Borrowed(text) }
}

/// Our own name is a command's where another word follows it.
fn renamed(text: &str) -> String {
    let mut parts = text.split("kubestrap ");
    let mut renamed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_command = part.starts_with(|c: char| c.is_ascii_lowercase() || matches!(c, '-' | '<' | '…'));
        renamed.push_str(if is_command { KUBEADM } else { NAME });
        renamed.push(' ');
        renamed.push_str(part);
    }
    renamed
}

fn of_path(path: &str) -> &'static str {
    if Path::new(path).file_name().is_some_and(|name| name == KUBEADM) { KUBEADM } else { NAME }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_get_the_name_and_versions_do_not() {
        assert_eq!(
            renamed("`kubestrap reset` and kubestrap token create"),
            "`kubeadm reset` and kubeadm token create"
        );
        assert_eq!(renamed("kubestrap 0.1.0, /tmp/kubestrap"), "kubestrap 0.1.0, /tmp/kubestrap");
    }

    #[test]
    fn only_a_file_called_kubeadm_is_a_stand_in() {
        assert_eq!(of_path("/usr/bin/kubeadm"), "kubeadm");
        assert_eq!(of_path("kubeadm"), "kubeadm");
        assert_eq!(of_path("/opt/kubeadm/kubestrap"), "kubestrap");
        assert_eq!(of_path(""), "kubestrap");
    }
}
