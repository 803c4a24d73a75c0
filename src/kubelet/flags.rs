//! kubelet's flags, in the file that the drop-in reads.

use crate::config::Settings;
use crate::config::args::last_value;
use crate::config::settings::taint_text;
use crate::config::v1beta4::Arg;
use crate::manifest;

/// The flags: those that this node needs, then the user's `kubeletExtraArgs`.
pub(crate) fn flags(settings: &Settings) -> Vec<Arg> {
    let node = &settings.node.registration;
    let mut base = vec![];
    let mut add = |name: &str, value: &str| base.push(Arg { name: name.into(), value: value.into() });
    if !settings.instance_config() {
        add("container-runtime-endpoint", &node.cri_socket);
    }
    if settings.cluster.release.pod_infra_flag {
        add("pod-infra-container-image", &settings.pause_image());
    }
    if settings.node.kubelet_registers_taints && !settings.node.taints.is_empty() {
        let taints: Vec<String> = settings.node.taints.iter().map(taint_text).collect();
        add("register-with-taints", &taints.join(","));
    }
    // kubelet takes the host's name in lower case by itself.
    let name = host_name(settings);
    if name != settings.node.facts.hostname.trim().to_lowercase() {
        add("hostname-override", name);
    }
    let in_given_order =
        settings.cluster.version.patch() >= settings.cluster.release.args_in_given_order_since;
    manifest::merge_flags(base, &node.kubelet_extra_args, in_given_order)
}

/// The name that kubelet uses for its host. The user's flag wins.
pub(super) fn host_name(settings: &Settings) -> &str {
    let flags = &settings.node.registration.kubelet_extra_args;
    last_value(flags, "hostname-override").unwrap_or(&settings.node.given_name)
}

/// `kubeadm-flags.env`: one variable, quoted as Go's `%q` quotes, which systemd's `EnvironmentFile` reads.
pub(crate) fn flags_file(settings: &Settings) -> String {
    let words: Vec<String> = flags(settings).iter().map(|a| format!("--{}={}", a.name, a.value)).collect();
    format!("KUBELET_KUBEADM_ARGS={}\n", go_quoted(&words.join(" ")))
}

/// A double-quoted string as Go's `strconv.Quote` writes it.
fn go_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => out.push_str(&format!("\\x{:02x}", c as u32)),
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::fake::settings;

    #[test]
    fn the_host_s_own_name_is_no_override_whatever_its_capitals() {
        let mut settings = settings("");
        for (host, overridden) in [("cp-1", false), ("CP-1", false), ("Other", true)] {
            settings.node.facts.hostname = host.into();
            assert_eq!(flags_file(&settings).contains("--hostname-override=cp-1"), overridden, "{host}");
        }
    }

    #[test]
    fn quoting_is_go_s() {
        assert_eq!(go_quoted("a \"b\" \\ \n\u{1}é☃\u{85}"), "\"a \\\"b\\\" \\\\ \\n\\x01é☃\\u0085\"");
    }
}
