//! The health of a control plane that kubelet starts: where each component reports it, and how far each has come,
//! from manifest to sandbox to container to healthy.

mod endpoint;
mod observe;
mod target;
mod watch;
pub use observe::Stage;
pub(crate) use observe::{ComponentState, ContainerView, Progress, Snapshot};
pub use target::Target;
pub(crate) use target::{shared, target};
pub(crate) use watch::DryWatch;
pub use watch::{LiveWatch, Watch, Watched};
