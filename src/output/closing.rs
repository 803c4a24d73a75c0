//! What init says when it is done: how to use the cluster, and how nodes join it. This is the one place where a
//! token may be seen, unless the user wants it withheld.

use std::path::PathBuf;

use askama::Template;
use serde_json::{Map, Value, json};

use super::JoinCommand;
use crate::program;

/// What the message is made of.
#[derive(Clone)]
pub(crate) struct Closing {
    /// How nodes join.
    pub(crate) join: JoinCommand,
    /// The administrator's kubeconfig.
    pub admin_conf: PathBuf,
    /// Tokens with which nodes join; secrets.
    pub tokens: Vec<String>,
    /// The key of the uploaded certificates, if they were uploaded; a secret.
    pub certificate_key: Option<String>,
    /// Print the tokens.
    pub show_tokens: bool,
    /// Print the key.
    pub show_certificate_key: bool,
    /// Whether other control-plane nodes can join: there is a stable endpoint.
    pub joinable_control_plane: bool,
}

#[derive(Template)]
#[template(path = "messages/closing.txt")]
struct Message<'a> {
    program: &'static str,
    closing: &'a Closing,
    worker: Vec<String>,
    control_plane: Vec<String>,
}

#[derive(Template)]
#[template(path = "messages/unchanged.txt")]
struct Unchanged<'a> {
    closing: &'a Closing,
}

/// A secret, or what stands in its place.
pub(crate) fn shown(secret: &str, show: bool) -> &str {
    if show { secret } else { "<value withheld>" }
}

impl Closing {
    /// The commands with which workers join, one a token.
    pub(crate) fn worker_commands(&self) -> Vec<String> {
        self.tokens.iter().map(|token| self.join.worker(shown(token, self.show_tokens))).collect()
    }

    /// The commands with which control-plane nodes join, one a token.
    pub(crate) fn control_plane_commands(&self) -> Vec<String> {
        let command =
            |token: &String| self.join.control_plane(shown(token, self.show_tokens), self.shown_key());
        self.tokens.iter().map(command).collect()
    }

    /// The key of the uploaded certificates, as it may be shown.
    pub(crate) fn shown_key(&self) -> Option<&str> {
        self.certificate_key.as_deref().map(|key| shown(key, self.show_certificate_key))
    }

    /// The facts for machines.
    pub(crate) fn data(&self) -> Map<String, Value> {
        let fields = json!({
            "endpoint": self.join.endpoint,
            "kubeconfig": self.admin_conf,
            "caCertHashes": self.join.ca_hashes,
            "joinCommands": { "worker": self.worker_commands(), "controlPlane": self.control_plane_commands() },
        });
        fields.as_object().cloned().unwrap_or_default()
    }

    /// The message for people after a run that changed nothing.
    ///
    /// # Errors
    /// When the template can't be rendered: a fault of ours.
    pub(crate) fn unchanged_text(&self) -> Result<String, askama::Error> {
        Unchanged { closing: self }.render()
    }

    /// The message for people.
    ///
    /// # Errors
    /// When the template can't be rendered: a fault of ours.
    pub(crate) fn text(&self) -> Result<String, askama::Error> {
        Message {
            program: program::name(),
            closing: self,
            worker: self.worker_commands(),
            control_plane: self.control_plane_commands(),
        }
        .render()
    }
}
