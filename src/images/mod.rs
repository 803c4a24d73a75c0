//! Images on their way to machines without a registry: out of one runtime, in an archive, into another.
//!
//! CRI has no call for either, so the runtime's own program does it ([`tools::TOOLS`]). What goes into an archive and what
//! comes out of it is verified here ([`archive::Archive`]): nothing damaged or incomplete reaches a runtime.

mod archive;
mod error;
mod pull;
mod reference;
mod tool;
mod tools;
mod transfer;
pub(crate) use error::TransferError;
pub(crate) use pull::pull;
pub(crate) use reference::canonical;
pub(crate) use transfer::{Carrier, Moved, Step};
