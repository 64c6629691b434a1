//! Ctrl-C: the first one ends a run after its step, the second one the program.

use std::sync::atomic::{AtomicBool, Ordering};

/// Raised by the first Ctrl-C.
pub static STOP: AtomicBool = AtomicBool::new(false);

/// What the program ends with when a run was interrupted, as shells have it for this signal.
pub const INTERRUPTED: u8 = 130;

/// From here on, Ctrl-C raises [`STOP`].
pub fn listen() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        eprintln!("\nending after this step; once more ends at once, without saving");
    })?;
    Ok(())
}
