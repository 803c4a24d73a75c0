//! stub
use super::context::InitContext;
use super::phase::{Outcome, Phase};
pub(super) fn phase() -> Phase<InitContext> {
    Phase::group(
        "kubelet-finalize",
        "x",
        vec![Phase::new("enable-client-cert-rotation", "x", |_: &mut InitContext| Ok(Outcome::Done))],
    )
}
