//! Flags: kubeadm's rule for extraArgs over its own.

use crate::config::Settings;
use crate::config::v1beta4::Arg;

/// Merges `extra` into `base`: whatever `extra` names is dropped from `base`; the rest of `base` is sorted by name
/// and value; `extra` follows in the order given (`in_given_order`), or all is sorted, as older kubeadm did.
pub(crate) fn merge(base: Vec<Arg>, extra: &[Arg], in_given_order: bool) -> Vec<Arg> {
    let mut args: Vec<Arg> = base.into_iter().filter(|b| !extra.iter().any(|e| e.name == b.name)).collect();
    let sort = |args: &mut Vec<Arg>| args.sort_by(|a, b| (&a.name, &a.value).cmp(&(&b.name, &b.value)));
    if in_given_order {
        sort(&mut args);
        args.extend_from_slice(extra);
    } else {
        args.extend_from_slice(extra);
        sort(&mut args);
    }
    args
}

/// [`merge`] on a container's command: its first word is the binary, the rest are `--name=value`.
pub(super) fn override_command(command: Vec<String>, extra: &[Arg], settings: &Settings) -> Vec<String> {
    let mut words = command.into_iter();
    let binary = words.next();
    let base = words.map(|flag| {
        let bare = flag.strip_prefix("--").unwrap_or(&flag);
        let (name, value) = bare.split_once('=').unwrap_or((bare, ""));
        Arg { name: name.into(), value: value.into() }
    });
    let in_given_order =
        settings.cluster.version.patch() >= settings.cluster.release.args_in_given_order_since;
    let merged = merge(base.collect(), extra, in_given_order);
    binary.into_iter().chain(merged.into_iter().map(|a| format!("--{}={}", a.name, a.value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(list: &[(&str, &str)]) -> Vec<Arg> {
        list.iter().map(|(n, v)| Arg { name: (*n).into(), value: (*v).into() }).collect()
    }

    #[test]
    fn extra_args_replace_repeat_and_keep_their_order() {
        let base = args(&[("b", "1"), ("a", "1"), ("c", "1")]);
        let extra = args(&[("z", "2"), ("b", "3"), ("b", "2")]);
        assert_eq!(
            merge(base.clone(), &extra, true),
            args(&[("a", "1"), ("c", "1"), ("z", "2"), ("b", "3"), ("b", "2")])
        );
        assert_eq!(
            merge(base, &extra, false),
            args(&[("a", "1"), ("b", "2"), ("b", "3"), ("c", "1"), ("z", "2")])
        );
    }
}
