//! `token list`.

use std::path::Path;

use serde::Serialize;
use time::OffsetDateTime;

use super::PATIENCE;
use crate::certs::{human, utc};
use crate::cluster::StoredToken;
use crate::commands::reach::{connect, find_kubeconfig};
use crate::error::Error;
use crate::exit_status::ExitStatus;
use crate::output::table::columns;
use crate::output::{API_VERSION, ObjectFormat, Printer};

/// kubeadm's object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    kind: &'static str,
    api_version: &'static str,
    token: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    usages: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<String>,
    /// Not kubeadm's: how a node joins with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    join_command: Option<String>,
}

impl Item {
    pub(super) fn new(token: StoredToken, join_command: Option<String>) -> Self {
        Self {
            kind: "BootstrapToken",
            api_version: API_VERSION,
            token: token.token,
            description: token.description,
            expires: token.expires.map(utc),
            usages: token.usages,
            groups: token.groups,
            join_command,
        }
    }
}

/// Prints the tokens.
///
/// # Errors
/// When the cluster can't be asked.
pub(crate) fn run(
    kubeconfig: Option<&Path>,
    format: &ObjectFormat,
    out: &Printer,
) -> Result<ExitStatus, Error> {
    let path = find_kubeconfig(kubeconfig)?;
    let (tokens, odd) = connect(&path, PATIENCE)?.cluster.bootstrap_tokens()?;
    for why in odd {
        out.warn("token", why);
    }
    if *format == ObjectFormat::Text {
        out.data(&text(&tokens, OffsetDateTime::now_utc()));
        return Ok(ExitStatus::Done);
    }
    // As kubeadm prints them: one object after the other.
    let objects = tokens.into_iter().map(|t| format.render(&Item::new(t, None), |_| String::new()));
    let between = if *format == ObjectFormat::Yaml { "---\n" } else { "" };
    out.data(&objects.collect::<Result<Vec<_>, _>>()?.join(between));
    Ok(ExitStatus::Done)
}

/// kubeadm's table; nothing at all where there is no token.
fn text(tokens: &[StoredToken], now: OffsetDateTime) -> String {
    if tokens.is_empty() {
        return String::new();
    }
    let or_none = |text: String| if text.is_empty() { "<none>".to_owned() } else { text };
    let head = ["TOKEN", "TTL", "EXPIRES", "USAGES", "DESCRIPTION", "EXTRA GROUPS"].map(str::to_owned);
    let rows = tokens.iter().map(|t| {
        [
            t.token.clone(),
            t.expires.map_or("<forever>".into(), |end| human(end - now)),
            t.expires.map_or("<never>".into(), utc),
            or_none(t.usages.join(",")),
            or_none(t.description.clone()),
            or_none(t.groups.join(",")),
        ]
    });
    columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::output::escape::testing::{has_forged_line, hostile};
    use time::macros::datetime;

    #[test]
    fn what_a_token_does_not_have_is_said() {
        let token = StoredToken {
            token: "abcdef.0123456789abcdef".into(),
            description: String::new(),
            expires: None,
            usages: vec!["authentication".into(), "signing".into()],
            groups: vec![],
        };
        let now = datetime!(2026-11-23 10:00 UTC);
        let ending = StoredToken { expires: Some(datetime!(2026-11-23 11:30 UTC)), ..token.clone() };
        let text = text(&[token, ending], now);
        let cells = |line: usize| text.lines().nth(line).unwrap().split_whitespace().collect::<Vec<_>>();
        assert_eq!(cells(1)[1..], ["<forever>", "<never>", "authentication,signing", "<none>", "<none>"]);
        assert_eq!(cells(2)[1..3], ["1h", "2026-11-23T11:30:00Z"]);
        assert_eq!(super::text(&[], now), "");
    }
    proptest! {
        #[test]
        fn what_a_token_says_of_itself_forges_no_line(text in hostile()) {
            let token = StoredToken {
                token: format!("t{text}"),
                description: text.clone(),
                expires: None,
                usages: vec![text.clone()],
                groups: vec![text],
            };
            let shown = super::text(&[token], datetime!(2026-11-23 10:00 UTC));
            prop_assert!(!has_forged_line(&shown) && shown.lines().count() == 2, "{shown:?}");
        }
    }
}
