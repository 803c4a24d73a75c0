//! Leaves the unwind tables out of the release binary. A panic aborts there, so that nothing reads them, and they are a
//! sixth of it; the compiler writes them all the same, since the standard library and C code come with theirs.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// For the linker, beside its own script. GNU ld and LLD take it.
const SCRIPT: &str =
    "SECTIONS { /DISCARD/ : { *(.eh_frame .gcc_except_table .gcc_except_table.*) } } INSERT AFTER .text;\n";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("PROFILE")? == "release" && env::var("CARGO_CFG_TARGET_OS")? == "linux" {
        let script = Path::new(&env::var("OUT_DIR")?).join("no-unwind-tables.ld");
        fs::write(&script, SCRIPT)?;
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
    }
    Ok(())
}
