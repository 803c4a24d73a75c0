//! stub
use super::context::InitContext;
use super::phase::{Outcome, Phase};
pub(super) fn phase() -> Phase<InitContext> {
    Phase::group(
        "addon",
        "Install the addons",
        vec![
            Phase::new("coredns", "Install CoreDNS", |_: &mut InitContext| Ok(Outcome::Done)),
            Phase::new("kube-proxy", "Install kube-proxy", |_: &mut InitContext| Ok(Outcome::Done)),
        ],
    )
}
