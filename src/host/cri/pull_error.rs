//! Why an image can't be pulled, and what to do.

use super::{CriCause, CriError, KnownRuntime};
use crate::finding::Finding;

/// The name of this check, as kubeadm has it.
pub(crate) const IMAGE_PULL: &str = "ImagePull";

/// An image that can't be pulled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("image {image} can't be pulled: {reason}")]
pub(crate) struct PullError {
    /// The image.
    pub image: String,
    /// How often it was tried.
    pub tries: u32,
    /// The registry's reason, in the runtime's words.
    pub reason: String,
    /// The runtime.
    runtime: &'static KnownRuntime,
}

/// What the words of a failed pull mean.
struct Rule {
    marks: &'static [&'static str],
    cause: &'static str,
    fix: &'static str,
    /// Trying again can help.
    may_pass: bool,
}

const fn rule(
    may_pass: bool,
    marks: &'static [&'static str],
    cause: &'static str,
    fix: &'static str,
) -> Rule {
    Rule { marks, cause, fix, may_pass }
}

/// The first that fits counts; marks are in lower case.
static RULES: [Rule; 12] = [
    rule(
        false,
        &["is blocked in"],
        "registries.conf of this machine blocks the registry",
        "take `blocked` out of the registry's section in /etc/containers/registries.conf or registries.conf.d, and restart the runtime",
    ),
    rule(
        false,
        &["policy.json", "rejected by policy"],
        "the policy of this machine accepts no such image, or there is no policy",
        "write `{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}` or your own policy into /etc/containers/policy.json",
    ),
    rule(
        false,
        &["did not resolve to an alias and no unqualified-search registries"],
        "the image's name has no registry, and registries.conf names none to search",
        "give the image's full name, as registry.k8s.io/pause:3.10.2",
    ),
    rule(
        true,
        &["no such host", "name resolution", "server misbehaving", "lookup "],
        "the name of the registry can't be resolved: no network, or no DNS",
        "see /etc/resolv.conf and `getent hosts REGISTRY`",
    ),
    rule(
        true,
        &["toomanyrequests", "too many requests", "429"],
        "the registry limits how much is pulled from here",
        "wait, log the runtime in to the registry, or use a mirror",
    ),
    rule(
        false,
        &["unauthorized", "authorization failed", "denied", "401", "403 forbidden", "insufficient_scope"],
        "the registry refuses it: it needs a login, or there is no such image",
        "give the runtime credentials ({registry_credentials}), or correct the image's name",
    ),
    rule(
        false,
        &["not found", "manifest unknown", "name unknown", "404"],
        "the registry has no such image",
        "correct kubernetesVersion, imageRepository or the image's tag",
    ),
    rule(
        false,
        &["x509", "certificate signed by unknown authority", "tls: failed to verify"],
        "the registry's certificate is not trusted here",
        "put its CA below {registry_certificates}/REGISTRY/ or into the system's, and restart the runtime",
    ),
    rule(
        false,
        &["http response to https client"],
        "the registry speaks plain HTTP",
        "tell the runtime so: {plain_http}",
    ),
    rule(
        false,
        &["invalid reference", "could not parse reference"],
        "its name is not a valid image name",
        "correct it",
    ),
    rule(
        false,
        &["no space left on device"],
        "the disk with the images is full",
        "`df -h` shows which; free some space",
    ),
    rule(
        true,
        &[
            "refused",
            "timeout",
            "timed out",
            "unreachable",
            "no route to host",
            "reset by peer",
            "proxyconnect",
            "eof",
            "deadline exceeded",
        ],
        "the registry can't be reached: a firewall, or a proxy that the runtime does not know (its service needs HTTPS_PROXY of its own)",
        "`curl -I https://REGISTRY/v2/` shows more",
    ),
];

impl PullError {
    pub(super) fn new(image: &str, tries: u32, error: &CriError) -> Self {
        let words = match &error.cause {
            CriCause::Rpc { message, .. } => message.clone(),
            cause => cause.to_string(),
        };
        // containerd begins with the image's name, which we say ourselves.
        let bare =
            words.split_once("failed to pull and unpack image").and_then(|(_, rest)| rest.split_once("\": "));
        let reason = bare.map_or(words.as_str(), |(_, rest)| rest).to_owned();
        let runtime = KnownRuntime::of_socket(&error.endpoint.to_string());
        Self { image: image.to_owned(), tries, reason, runtime }
    }

    fn rule(&self) -> Option<&'static Rule> {
        let reason = self.reason.to_lowercase();
        RULES.iter().find(|rule| rule.marks.iter().any(|mark| says(&reason, mark)))
    }

    /// Whether trying again can help.
    pub(super) fn may_pass(&self) -> bool {
        self.rule().is_none_or(|rule| rule.may_pass)
    }

    /// The same as a finding.
    pub(crate) fn finding(&self) -> Finding {
        let again = "; `kubestrap config images pull` tries again, and `kubestrap config images import FILE.tar` brings images without a network";
        let tries = if self.tries == 1 { String::new() } else { format!(" ({} tries)", self.tries) };
        let finding =
            Finding::error(format!("the image {} can't be pulled{tries}", self.image)).evidence(&self.reason);
        let finding = match self.rule() {
            Some(rule) => finding.cause(rule.cause).fix(format!(
                "{}{again}",
                self.runtime
                    .advice(rule.fix)
                    .replace("REGISTRY", self.image.split('/').next().unwrap_or_default())
            )),
            None => finding.fix(again.trim_start_matches("; ")),
        };
        Finding { check: IMAGE_PULL.into(), ..finding }
    }
}

/// Whether the mark is in the words; a status code is none within a longer number, such as a port.
fn says(words: &str, mark: &str) -> bool {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let ends_with_digit = is_digit(mark.chars().next_back());
    words.match_indices(mark).any(|(at, _)| {
        let (before, from) = words.split_at(at);
        let after = from.strip_prefix(mark).unwrap_or_default();
        !(is_digit(mark.chars().next()) && is_digit(before.chars().next_back())
            || ends_with_digit && is_digit(after.chars().next()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::cri_error;
    use tonic::Code;

    fn error(message: &str) -> PullError {
        let cause = CriCause::Rpc { code: Code::Unknown, message: message.into() };
        PullError::new("r.example/a:1", 5, &cri_error("PullImage", cause))
    }

    #[test]
    fn port_is_no_status_code() {
        assert!(says("unexpected status: 404 not found", "404") && says("status=404", "404"));
        assert!(!says("pinging container registry 127.0.0.1:34041", "404"));
    }

    #[test]
    fn recorded_words_of_cri_o() {
        for (message, may_pass, cause) in [
            (
                "unable to pull image or OCI artifact: pull image err: initializing source docker://registry.k8s.io/pause:9: registry registry.k8s.io is blocked in /etc/containers/registries.conf or /root/.config/containers/registries.conf.d; artifact err: image reference: get manifest from ref: create image source: registry registry.k8s.io is blocked in /etc/containers/registries.conf or /root/.config/containers/registries.conf.d",
                false,
                "blocks the registry",
            ),
            (
                "no policy.json file found at any of the following: \"/root/.config/containers/policy.json\", \"/etc/containers/policy.json\"",
                false,
                "policy",
            ),
            (
                "short-name \"x/pause:1\" did not resolve to an alias and no unqualified-search registries are defined in \"/etc/containers/registries.conf\"",
                false,
                "has no registry",
            ),
            (
                "unable to pull image: initializing source docker://k8s.gcr.io/pause:3.2: pinging container registry k8s.gcr.io: Get \"https://k8s.gcr.io/v2/\": dial tcp: lookup k8s.gcr.io on 10.255.255.53:53: dial udp 10.255.255.53:53: connect: network is unreachable",
                true,
                "resolved",
            ),
        ] {
            let error = error(message);
            assert_eq!(error.may_pass(), may_pass, "{message}");
            assert!(error.finding().cause.unwrap().contains(cause), "{message}");
        }
    }

    #[test]
    fn recorded_words_of_containerd() {
        for (message, may_pass, cause) in [
            (
                "failed to pull and unpack image \"127.0.0.1:1/none:1\": failed to resolve image: failed to do request: Head \"https://127.0.0.1:1/v2/none/manifests/1\": dial tcp 127.0.0.1:1: connect: connection refused",
                true,
                "reached",
            ),
            (
                "failed to pull and unpack image \"registry.k8s.io/x:1\": failed to resolve image: failed to do request: Head \"https://registry.k8s.io/v2/x/manifests/1\": dial tcp: lookup registry.k8s.io on 10.255.255.53:53: no such host",
                true,
                "resolved",
            ),
            (
                "rpc error: code = NotFound desc = failed to pull and unpack image \"registry.k8s.io/kube-apiserver:v1.36.99\": failed to resolve reference \"registry.k8s.io/kube-apiserver:v1.36.99\": registry.k8s.io/kube-apiserver:v1.36.99: not found",
                false,
                "no such image",
            ),
            (
                "x: tls: failed to verify certificate: x509: certificate signed by unknown authority",
                false,
                "trusted",
            ),
        ] {
            let error = error(message);
            let found = error.finding();
            assert!(found.cause.unwrap().contains(cause), "{message}");
            assert_eq!(error.may_pass(), may_pass, "{message}");
            assert!(found.what.contains("r.example/a:1") && found.fix.unwrap().contains("images import"));
        }
        assert!(error(RECORDED).reason.starts_with("failed to resolve image"));
        assert!(error("never seen").may_pass());
    }

    const RECORDED: &str = "failed to pull and unpack image \"a\": failed to resolve image: x";
}
