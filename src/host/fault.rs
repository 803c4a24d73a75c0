//! The steps in which a file is written, and where tests make one of them fail. Outside of tests nothing happens here.

use std::fs::File;
use std::io::{self, Write};

/// Before a step: an error, where a test wants one.
#[cfg(not(test))]
pub(super) fn step() -> io::Result<()> {
    Ok(())
}

/// Whether what a step leaves behind stays, as after kill -9.
#[cfg(not(test))]
pub(super) fn kills() -> bool {
    false
}

/// Writes content, which is a step too: a test may have it end in the middle.
pub(super) fn write_all(file: &mut File, content: &[u8]) -> io::Result<()> {
    if let Err(error) = step() {
        let half = content.get(..content.len() / 2).unwrap_or_default();
        file.write_all(half)?;
        return Err(error);
    }
    file.write_all(content)
}

#[cfg(test)]
pub(crate) use plan::{Plan, kills, plan, step, steps};

#[cfg(test)]
mod plan {
    use std::cell::Cell;
    use std::io;

    /// Which step of this thread fails, and how.
    #[derive(Clone, Copy, Debug, Default)]
    pub(crate) struct Plan {
        /// Its number, from 1; 0 is none.
        pub(crate) at: usize,
        /// The system's error.
        pub(crate) errno: i32,
        /// Nothing is tidied up after it.
        pub(crate) kill: bool,
    }

    thread_local! {
        static PLAN: Cell<Plan> = const { Cell::new(Plan { at: 0, errno: 0, kill: false }) };
        static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    /// From now on.
    pub(crate) fn plan(plan: Plan) {
        PLAN.set(plan);
        STEPS.set(0);
    }

    /// How many steps there were since [`plan`].
    pub(crate) fn steps() -> usize {
        STEPS.get()
    }

    pub(crate) fn step() -> io::Result<()> {
        STEPS.set(STEPS.get() + 1);
        let Plan { at, errno, .. } = PLAN.get();
        if at == STEPS.get() { Err(io::Error::from_raw_os_error(errno)) } else { Ok(()) }
    }

    pub(crate) fn kills() -> bool {
        PLAN.get().kill
    }
}
