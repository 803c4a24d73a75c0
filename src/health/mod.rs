//! The health of a control plane that kubelet starts: where each component reports it, and how far each has come,
//! from manifest to sandbox to container to healthy.

mod endpoint;
mod observe;
mod target;
mod watch;

pub use endpoint::{Answer, Endpoint};
pub use observe::{ComponentState, ContainerView, Observer, Progress, Snapshot, Stage};
pub use target::Target;
pub(crate) use target::target;
pub use watch::{DryWatch, LiveWatch, Watch, Watched};
