//! Advice in the words of the machine's init system.

/// Where OpenRC has people give kubelet more flags.
const KUBELET_FLAGS: &str = "/etc/conf.d/kubelet";

/// `advice`, whose commands between backticks are systemd's, with those of the init system called `init`.
pub(crate) fn in_words_of(init: Option<&str>, advice: &str) -> String {
    if init != Some("OpenRC") {
        return advice.to_owned();
    }
    let translated = |(index, part): (usize, &str)| if index % 2 == 1 { line(part) } else { part.to_owned() };
    let advice = advice
        .replace("/etc/default/kubelet or /etc/sysconfig/kubelet", KUBELET_FLAGS)
        .replace("/etc/default/kubelet", KUBELET_FLAGS);
    advice.split('`').enumerate().map(translated).collect::<Vec<_>>().join("`")
}

/// A command line with OpenRC's commands in place of systemd's.
fn line(line: &str) -> String {
    let piped = |part: &str| part.split(" | ").map(command).collect::<Vec<_>>().join(" | ");
    // OpenRC reads a service's script whenever it starts the service.
    let parts = line.split(" && ").filter(|part| *part != "systemctl daemon-reload");
    let parts: Vec<String> = parts.map(piped).collect();
    if parts.is_empty() { line.to_owned() } else { parts.join(" && ") }
}

fn command(command: &str) -> String {
    let words: Vec<&str> = command.split(' ').map(|word| word.trim_end_matches(".service")).collect();
    match words[..] {
        ["systemctl", "enable", "--now", s] => format!("rc-update add {s} default && rc-service {s} start"),
        ["systemctl", "disable", "--now", s] => {
            format!("rc-update delete {s} default && rc-service {s} stop")
        }
        ["systemctl", "enable", s] => format!("rc-update add {s} default"),
        ["systemctl", "cat", s] => format!("cat /etc/init.d/{s} /etc/conf.d/{s}"),
        ["systemctl", verb @ ("start" | "stop" | "restart" | "status"), s] => {
            format!("rc-service {s} {verb}")
        }
        ["journalctl", "-u", s] => format!("cat {}", log(s)),
        ["journalctl", "-xeu", s] | ["journalctl", "-u", s, "-n", "50"] => format!("tail -n 50 {}", log(s)),
        _ => command.to_owned(),
    }
}

/// Where the log of `service` lies: OpenRC keeps none, and the packages for it write here.
pub(super) fn log(service: &str) -> String {
    format!("/var/log/{service}/{service}.log")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openrc_gets_its_own_commands_and_systemd_keeps_its() {
        for (advice, openrc) in [
            ("`systemctl enable --now crio`", "`rc-update add crio default && rc-service crio start`"),
            (
                "`systemctl disable --now etcd.service`",
                "`rc-update delete etcd default && rc-service etcd stop`",
            ),
            ("`systemctl enable kubelet.service`", "`rc-update add kubelet default`"),
            (
                "run `systemctl daemon-reload && systemctl restart kubelet`.",
                "run `rc-service kubelet restart`.",
            ),
            (
                "`systemctl start crio`; else `journalctl -u crio -n 50` and `crictl ps`",
                "`rc-service crio start`; else `tail -n 50 /var/log/crio/crio.log` and `crictl ps`",
            ),
            ("`journalctl -xeu kubelet` tells", "`tail -n 50 /var/log/kubelet/kubelet.log` tells"),
            ("`journalctl -u kubelet | grep -i x`", "`cat /var/log/kubelet/kubelet.log | grep -i x`"),
            (
                "its script (`systemctl cat kubelet`)",
                "its script (`cat /etc/init.d/kubelet /etc/conf.d/kubelet`)",
            ),
            ("flags (in /etc/default/kubelet or /etc/sysconfig/kubelet)", "flags (in /etc/conf.d/kubelet)"),
            ("systemctl start x without backticks", "systemctl start x without backticks"),
        ] {
            assert_eq!(in_words_of(Some("OpenRC"), advice), openrc);
            assert_eq!(in_words_of(Some("systemd"), advice), advice);
            assert_eq!(in_words_of(None, advice), advice);
        }
    }
}
