//! What several test files need.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The text of the panic that `f` ends in.
pub fn panic_text<T>(f: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("it did not panic") };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        // A text without numbers is a literal.
        Err(payload) => (*payload.downcast::<&str>().expect("every panic of ours has a text")).to_owned(),
    }
}
