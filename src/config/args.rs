//! Flags as configurations list them.

use super::v1beta4::Arg;

/// The value of the last flag named `name`.
pub(crate) fn last_value<'a>(args: &'a [Arg], name: &str) -> Option<&'a str> {
    args.iter().rev().find(|a| a.name == name).map(|a| a.value.as_str())
}
