//! The workflows: ordered tables of phases, and what runs them.

pub mod phase;
pub mod runner;
