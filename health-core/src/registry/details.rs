//! How much an answer says.

/// How much an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Details {
    /// One word.
    Status,
    /// Each check with its name, verdict, timing and what it made public. The
    /// texts of errors are not.
    Checks,
    /// Everything, the texts of errors too. What looks like a secret in them is
    /// masked. Shown to clients that a [`Guard`](crate::http::Guard) recognizes; as a
    /// level for every client it counts as [`Checks`](Self::Checks).
    Full,
}
