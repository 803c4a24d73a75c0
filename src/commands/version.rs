//! `version`.

use serde::Serialize;

use crate::config::{KubernetesVersion, Release, default_version};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::{kubelet, system};
use crate::output::Printer;
use crate::program;
use crate::yaml;

/// How the version is printed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// The version alone.
    Short,
    /// As JSON.
    Json,
    /// As YAML.
    Yaml,
}

/// kubeadm's answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    client_version: Info,
}

/// Kubernetes' `version.Info`. What a package's build says is empty in any other, as is what only Go has.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    major: String,
    minor: String,
    git_version: String,
    git_commit: &'static str,
    git_tree_state: &'static str,
    build_date: &'static str,
    go_version: &'static str,
    compiler: &'static str,
    platform: String,
    /// Not kubeadm's: what `init` sets up unless told otherwise.
    kubernetes_version: String,
}

impl Info {
    /// Under our own name our version. Under kubeadm's, callers expect a Kubernetes version, by which they choose between
    /// kubeadm's flags.
    fn own() -> Self {
        let kubelet = kubelet::installed_version();
        let kubernetes = default_version(kubelet.as_ref());
        let git_version = if program::is_kubeadm() {
            stands_for(kubelet, &kubernetes).to_string()
        } else {
            concat!("v", env!("CARGO_PKG_VERSION")).to_owned()
        };
        let mut parts = git_version.trim_start_matches('v').split('.').map(str::to_owned);
        Self {
            major: parts.next().unwrap_or_default(),
            minor: parts.next().unwrap_or_default(),
            git_version,
            git_commit: option_env!("KUBESTRAP_GIT_COMMIT").unwrap_or_default(),
            git_tree_state: option_env!("KUBESTRAP_GIT_TREE_STATE").unwrap_or_default(),
            build_date: option_env!("KUBESTRAP_BUILD_DATE").unwrap_or_default(),
            go_version: "",
            compiler: "rustc",
            platform: system::platform(),
            kubernetes_version: kubernetes.to_string(),
        }
    }

    /// kubeadm's form for people, out of which callers cut `GitVersion:"…"`.
    fn go_text(&self) -> String {
        let fields = [
            ("Major", self.major.as_str()),
            ("Minor", &self.minor),
            ("EmulationMajor", ""),
            ("EmulationMinor", ""),
            ("MinCompatibilityMajor", ""),
            ("MinCompatibilityMinor", ""),
            ("GitVersion", &self.git_version),
            ("GitCommit", self.git_commit),
            ("GitTreeState", self.git_tree_state),
            ("BuildDate", self.build_date),
            ("GoVersion", self.go_version),
            ("Compiler", self.compiler),
            ("Platform", &self.platform),
        ];
        let fields = fields.map(|(name, value)| format!("{name}:{value:?}"));
        format!("kubeadm version: &version.Info{{{}}}\n", fields.join(", "))
    }
}

/// The version of kubeadm that we stand in for: a machine's kubelet and kubeadm are installed together.
fn stands_for(kubelet: Option<KubernetesVersion>, default: &KubernetesVersion) -> KubernetesVersion {
    kubelet.filter(|kubelet| Release::of(kubelet).is_ok()).unwrap_or_else(|| default.clone())
}

/// Prints the version; without a form, in a sentence.
///
/// # Errors
/// When it can't be written.
pub(crate) fn run(form: Option<Form>, out: &Printer) -> Result<ExitStatus, Error> {
    let info = Info::own();
    let text = match form {
        None if program::is_kubeadm() => info.go_text(),
        None => format!(
            "kubestrap {} ({}); sets up Kubernetes {} unless told otherwise\n",
            info.git_version, info.platform, info.kubernetes_version
        ),
        Some(Form::Short) => format!("{}\n", info.git_version),
        Some(Form::Json) => {
            format!("{}\n", serde_json::to_string_pretty(&Answer { client_version: info })?)
        }
        Some(Form::Yaml) => yaml::to_string(&Answer { client_version: info })?,
    };
    out.data(&text);
    Ok(ExitStatus::Done)
}
