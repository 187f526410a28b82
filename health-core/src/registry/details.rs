//! Levels of detail of an answer.

/// The level of detail of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Details {
    /// The status only.
    Status,
    /// Each check with its name, verdict, timing and public texts. The texts of
    /// errors are not included.
    Checks,
    /// All data, including the texts of errors with secrets masked. Shown to
    /// clients that a [`Guard`](crate::http::Guard) recognizes. If it is set
    /// for all clients, it counts as [`Checks`](Self::Checks).
    Full,
}
