//! What machines read: one JSON object a line.

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An event: what kind it is, when it was, and its facts.
#[derive(Debug, Serialize)]
pub(crate) struct Event {
    /// `phase`, `log`, `warning`, `document` or `result`.
    event: &'static str,
    /// RFC 3339, UTC.
    time: String,
    /// The facts, beside the others.
    #[serde(flatten)]
    data: Value,
}

impl Event {
    /// An event of now.
    pub(crate) fn new(event: &'static str, data: Value) -> Self {
        Self { event, time: OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default(), data }
    }
}
