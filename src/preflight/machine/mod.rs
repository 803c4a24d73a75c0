//! The machine itself: processors, memory, kernel, programs, disks, clock.

pub(super) mod clock;
pub(super) mod disk;
pub(super) mod hostname;
pub(super) mod kernel;
pub(super) mod modules;
pub(super) mod programs;
pub(super) mod resources;
pub(super) mod system;
pub(super) mod writable;
