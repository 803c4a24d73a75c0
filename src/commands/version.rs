//! `version`.

use serde::Serialize;

use crate::config::version::DEFAULT_VERSION;
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::host::system;
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

/// Kubernetes' `version.Info`, without what only Go has. What a package's build says is empty in any other.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    major: String,
    minor: String,
    git_version: String,
    git_commit: &'static str,
    git_tree_state: &'static str,
    build_date: &'static str,
    compiler: &'static str,
    platform: String,
    /// Not kubeadm's: what `init` sets up unless told otherwise.
    kubernetes_version: &'static str,
}

impl Info {
    /// Under our own name our version. Under kubeadm's, callers expect a Kubernetes version, by which they choose between
    /// kubeadm's flags: the one that we stand in for.
    fn own() -> Self {
        let own = concat!("v", env!("CARGO_PKG_VERSION"));
        let git_version = if program::is_kubeadm() { DEFAULT_VERSION } else { own };
        let mut parts = git_version.trim_start_matches('v').split('.').map(str::to_owned);
        Self {
            major: parts.next().unwrap_or_default(),
            minor: parts.next().unwrap_or_default(),
            git_version: git_version.to_owned(),
            git_commit: option_env!("KUBESTRAP_GIT_COMMIT").unwrap_or_default(),
            git_tree_state: option_env!("KUBESTRAP_GIT_TREE_STATE").unwrap_or_default(),
            build_date: option_env!("KUBESTRAP_BUILD_DATE").unwrap_or_default(),
            compiler: "rustc",
            platform: system::platform(),
            kubernetes_version: DEFAULT_VERSION,
        }
    }
}

/// Prints the version; without a form, in a sentence.
///
/// # Errors
/// When it can't be written.
pub(crate) fn run(form: Option<Form>, out: &Printer) -> Result<ExitStatus, Error> {
    let info = Info::own();
    let text = match form {
        None if program::is_kubeadm() => format!("kubeadm version: {}\n", info.git_version),
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
