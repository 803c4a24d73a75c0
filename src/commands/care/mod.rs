//! `care`: a control plane that is looked after.

mod cluster;
mod external;
mod hands;
pub(crate) mod run;
pub(crate) mod schedule;
pub(crate) mod status;

/// The area of log lines.
const AREA: &str = "care";
