//! One value, or one document.

use std::fmt;

use anyhow::{Context, bail};

use super::component::{Component, Configures};

/// What is fed to a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// Names and values of flags.
    Flags(Vec<(String, String)>),
    /// Fields of a configuration.
    Document(String),
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flags(flags) => {
                let words: Vec<String> =
                    flags.iter().map(|(name, value)| format!("--{name}={value}")).collect();
                f.write_str(&words.join(" "))
            }
            Self::Document(text) => f.write_str(&text.replace('\n', " | ")),
        }
    }
}

/// The cases of a component.
pub(super) fn read(component: &Component) -> anyhow::Result<Vec<Case>> {
    let text = component.cases.lines().filter(|line| !line.starts_with('#'));
    match component.configures {
        Configures::Flags { .. } | Configures::NodeFlags { .. } => text.map(flags).collect(),
        Configures::Document { .. } => {
            let text: Vec<&str> = text.collect();
            Ok(text.split(|line| *line == "---").map(|lines| Case::Document(lines.join("\n"))).collect())
        }
    }
}

/// A line such as `--a=b --c=d`, in which values may have blanks.
fn flags(line: &str) -> anyhow::Result<Case> {
    let Some(line) = line.strip_prefix("--") else { bail!("{line:?} begins with no flag") };
    let pairs = line.split(" --").map(|word| {
        let (name, value) = word.split_once('=').with_context(|| format!("{word:?} has no value"))?;
        Ok((name.to_owned(), value.to_owned()))
    });
    Ok(Case::Flags(pairs.collect::<anyhow::Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_have_blanks_and_equal_signs() {
        let case = flags("--a=b, c --d==e --f=").unwrap();
        let Case::Flags(given) = &case else { panic!("{case:?}") };
        let want = [("a", "b, c"), ("d", "=e"), ("f", "")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(given[..], want);
        assert_eq!(case.to_string(), "--a=b, c --d==e --f=");
    }
}
