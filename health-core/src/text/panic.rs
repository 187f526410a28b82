//! Panics of user code: catching and describing them.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs user code. Returns the text of a panic as an error.
pub(crate) fn caught<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| {
        let text = text_of(&*payload);
        // The payload is a value of the user, and its drop may panic.
        if catch_unwind(AssertUnwindSafe(|| drop(payload))).is_err() {
            return format!("{text} (and its payload panicked when dropped)");
        }
        text
    })
}

/// `panic!("x")` carries a `&str`, `panic!("{x}")` a `String`.
fn text_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("the payload of the panic is no text")
        .to_owned()
}
