//! The machine seam.

pub mod cri;
