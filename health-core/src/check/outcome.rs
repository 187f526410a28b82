//! The result of one run of a check.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::check::class::FailureClass;

use crate::text::bounded;

/// The status of one run, of a probe or of a page. A worse status is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Works as expected.
    Pass,
    /// Works, but needs attention: degraded, still 200.
    Warn,
    /// Does not work.
    Fail,
}

impl Status {
    pub(crate) const ALL: [Status; 3] = [Status::Pass, Status::Warn, Status::Fail];

    /// Returns the word of the log, and of answers by default.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Status::Pass => "healthy",
            Status::Warn => "degraded",
            Status::Fail => "unhealthy",
        }
    }

    /// Returns the worst of these statuses; a pass if there is none.
    pub(crate) fn worst(statuses: impl IntoIterator<Item = Status>) -> Status {
        statuses.into_iter().max().unwrap_or(Status::Pass)
    }
}

/// The result of one run: a [`Status`] and optional texts.
///
/// The text given to [`warn`](Outcome::warn) or [`fail`](Outcome::fail) is
/// **public**: it is in the answer of `/health`. The cause added by
/// [`because`](Outcome::because) is **private**: it is only written to the log,
/// because error texts can contain host names, queries and passwords.
///
/// All texts are bounded: a public text to 256 bytes, the cause to 1 KiB.
/// Anything that looks like a secret is replaced by `***` before a text is
/// stored.
///
/// ```
/// use health_core::{Outcome, Status};
///
/// let error = std::io::Error::other("10.0.0.7:5432: connection refused");
/// let outcome = Outcome::fail("the ledger is unreachable").because(error);
///
/// assert_eq!(outcome.status(), Status::Fail);
/// assert_eq!(outcome.message(), Some("the ledger is unreachable"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "an outcome has no effect until the check returns it"]
pub struct Outcome {
    status: Status,
    reason: Option<Reason>,
    class: Option<FailureClass>,
    cause: Vec<String>,
    /// Boxed, since most results consist of the status only.
    findings: Option<Box<Findings>>,
}

/// The optional parts of a result.
#[derive(Clone, Debug, Default)]
struct Findings {
    observed: Option<Observed>,
    detail: Option<serde_json::Value>,
}

/// The public reason why a run did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The public text of the check.
    Text(Cow<'static, str>),
    /// There is a cause, but it is private.
    Withheld,
    /// The run exceeded its timeout.
    TimedOut,
    /// The check panicked.
    Panicked,
    /// The framework could not run the check.
    NotRun(Cow<'static, str>),
}

impl Reason {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Reason::Text(text) | Reason::NotRun(text) => text,
            Reason::Withheld => "withheld",
            Reason::TimedOut => "timed out",
            Reason::Panicked => "panicked",
        }
    }
}

/// A measured value and its unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Observed {
    pub(crate) value: serde_json::Value,
    pub(crate) unit: Cow<'static, str>,
}

impl Outcome {
    const fn of(status: Status) -> Self {
        Outcome {
            status,
            reason: None,
            class: None,
            cause: Vec::new(),
            findings: None,
        }
    }

    /// Creates a result that passes.
    pub const fn pass() -> Self {
        Outcome::of(Status::Pass)
    }

    /// Creates a warning: the check works but needs attention. The text is
    /// public.
    pub fn warn(public_text: impl Into<Cow<'static, str>>) -> Self {
        Outcome::of(Status::Warn).with_reason(Reason::Text(bounded::public(public_text.into())))
    }

    /// Creates a failure. The text is public.
    pub fn fail(public_text: impl Into<Cow<'static, str>>) -> Self {
        Outcome::of(Status::Fail).with_reason(Reason::Text(bounded::public(public_text.into())))
    }

    /// Adds the private cause: an error with its sources, or a text.
    ///
    /// The cause is cut at 16 parts and 1 KiB.
    ///
    /// ```
    /// use health_core::Outcome;
    ///
    /// let outcome = Outcome::warn("replication is behind").because("lag of 17 s on 10.0.0.9");
    /// assert_eq!(outcome.cause(), ["lag of 17 s on 10.0.0.9"]);
    /// ```
    pub fn because<Via>(mut self, cause: impl IntoFailure<Via>) -> Self {
        self.add_cause(cause.into_chain());
        self
    }

    /// Adds the class of the failure, which is public.
    ///
    /// ```
    /// use health_core::check::FailureClass;
    /// use health_core::Outcome;
    ///
    /// let outcome = Outcome::fail("the ledger is read-only").class(FailureClass::WrongRole);
    /// # let _ = outcome;
    /// ```
    pub const fn class(mut self, class: FailureClass) -> Self {
        self.class = Some(class);
        self
    }

    /// Adds a measured value and its unit, which are public. The value is a
    /// number or any other value that serde can serialize in 256 bytes; of a
    /// longer one only the length is shown. The unit is cut at 64 bytes.
    ///
    /// ```
    /// use health_core::Outcome;
    ///
    /// let free: u64 = 81_743_880_192;
    /// let outcome = Outcome::pass().observe(free, "bytes");
    /// # let _ = outcome;
    /// ```
    pub fn observe(mut self, value: impl Serialize, unit: impl Into<Cow<'static, str>>) -> Self {
        let unit = bounded::text(unit.into(), MAX_UNIT);
        let value = self.written(&value, "observed value", MAX_OBSERVED);
        self.findings().observed = value.map(|value| Observed { value, unit });
        self
    }

    /// Adds any serializable value, which is public.
    ///
    /// A detail is limited to 1 KiB of JSON and 32 levels of nesting, since
    /// monitors limit the size and depth of an answer. A larger one is replaced
    /// by its length, `{"withheld": "3211 bytes"}`. Secrets in it are replaced
    /// by `***`.
    ///
    /// A value that serde cannot serialize, such as a map whose keys are not
    /// strings, is left out, and the error becomes part of the private cause. A
    /// detail never changes the status.
    pub fn detail(mut self, detail: impl Serialize) -> Self {
        self.findings().detail = self.written(&detail, "detail", MAX_DETAIL);
        self
    }

    fn findings(&mut self) -> &mut Findings {
        self.findings.get_or_insert_default()
    }

    /// Serializes the value. An error of serde becomes part of the private
    /// cause.
    fn written(
        &mut self,
        value: &impl Serialize,
        what: &str,
        limit: usize,
    ) -> Option<serde_json::Value> {
        bounded::json(value, limit)
            .map_err(|error| {
                let error = format!("the {what} cannot be serialized: {error}");
                self.add_cause(vec![error]);
            })
            .ok()
    }

    fn add_cause(&mut self, parts: Vec<String>) {
        self.cause.extend(parts);
        bounded::cause(&mut self.cause);
    }

    /// Returns the status.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Returns the public text, if there is one.
    pub fn message(&self) -> Option<&str> {
        self.reason.as_ref().map(Reason::as_str)
    }

    /// Returns the class of the failure, if the check has set it.
    pub const fn failure_class(&self) -> Option<FailureClass> {
        self.class
    }

    /// Returns the private cause: the error's text and those of its sources.
    pub fn cause(&self) -> &[String] {
        &self.cause
    }

    fn with_reason(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }

    pub(crate) fn timed_out() -> Self {
        Outcome::of(Status::Fail)
            .with_reason(Reason::TimedOut)
            .class(FailureClass::TimedOut)
    }

    /// A timeout whose run has ended in the meantime.
    pub(crate) fn timed_out_because(cause: Vec<String>) -> Self {
        Outcome::failed(Reason::TimedOut, cause).class(FailureClass::TimedOut)
    }

    pub(crate) fn is_timed_out(&self) -> bool {
        self.reason == Some(Reason::TimedOut)
    }

    fn failed(reason: Reason, cause: Vec<String>) -> Self {
        let mut outcome = Outcome::of(Status::Fail).with_reason(reason);
        outcome.add_cause(cause);
        outcome
    }

    pub(crate) fn panicked(text: String) -> Self {
        Outcome::failed(Reason::Panicked, vec![text])
    }

    pub(crate) fn not_run(public_text: &'static str, cause: String) -> Self {
        Outcome::failed(Reason::NotRun(public_text.into()), vec![cause])
    }

    pub(crate) fn reason(&self) -> Option<&Reason> {
        self.reason.as_ref()
    }

    pub(crate) fn observed(&self) -> Option<&Observed> {
        self.findings.as_ref()?.observed.as_ref()
    }

    pub(crate) fn detailed(&self) -> Option<&serde_json::Value> {
        self.findings.as_ref()?.detail.as_ref()
    }

    /// Returns whether both results have the same public content.
    pub(crate) fn has_same_public_content(&self, other: &Outcome) -> bool {
        (self.status, &self.reason, self.class) == (other.status, &other.reason, other.class)
    }

    /// Creates a failure that only has a private cause.
    fn withheld(cause: Vec<String>) -> Self {
        Outcome::failed(Reason::Withheld, cause)
    }
}

/// In bytes of JSON, to bound the size of an answer.
const MAX_DETAIL: usize = 1024;
const MAX_OBSERVED: usize = 256;
const MAX_UNIT: usize = 64;

impl From<Status> for Outcome {
    fn from(status: Status) -> Self {
        Outcome::of(status)
    }
}

/// A passing result with public details.
///
/// Return `Result<Detail<T>, E>` if the check can fail, or
/// [`Outcome::fail(..)`](Outcome::fail)[`.detail(..)`](Outcome::detail) for a failure
/// with details.
///
/// ```standalone_crate
/// use health_core::check::Detail;
/// use health_core::health_check;
///
/// /// Reports how full the work queue is.
/// #[health_check]
/// fn queue() -> Detail<[(&'static str, u32); 1]> {
///     Detail([("waiting", 3)])
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Detail<T>(pub T);

/// Markers that keep the implementations of the conversion traits apart; the
/// compiler infers them.
pub mod via {
    /// The type itself is a result.
    #[derive(Debug)]
    pub enum Plain {}
    /// A `Result` of a plain type and an error.
    #[derive(Debug)]
    pub struct Fallible<Error>(std::marker::PhantomData<Error>);
    /// An error type, a text, or anything else that converts into a boxed error.
    #[derive(Debug)]
    pub enum Error {}
    /// `Box<dyn Error>` without `Send` and `Sync`.
    #[derive(Debug)]
    pub enum BoxedError {}
}

/// A type that a health check can return.
///
/// Implemented for `()`, `bool`, [`Status`], [`Outcome`] and [`Detail`], and
/// for a `Result` of one of them with any error type, `anyhow::Error`,
/// `Box<dyn Error>`, `String` or `&str`. The parameter `Via` keeps the
/// implementations apart; the compiler infers it.
#[diagnostic::on_unimplemented(
    message = "a health check cannot return `{Self}`",
    label = "not a health check result",
    note = "a function that returns a future is written `async fn`",
    note = "return `()`, `bool`, `Status`, `Outcome` or `Detail<impl Serialize>`, or a `Result<_, E>` of one of them, where `E` is an error type, `anyhow::Error`, `Box<dyn Error>`, `String` or `&str`"
)]
pub trait IntoOutcome<Via> {
    /// Converts the returned value into an outcome.
    fn into_outcome(self) -> Outcome;
}

impl IntoOutcome<via::Plain> for () {
    fn into_outcome(self) -> Outcome {
        Outcome::pass()
    }
}

impl IntoOutcome<via::Plain> for bool {
    fn into_outcome(self) -> Outcome {
        if self {
            Outcome::pass()
        } else {
            Outcome::fail("returned false")
        }
    }
}

impl IntoOutcome<via::Plain> for Status {
    fn into_outcome(self) -> Outcome {
        match self {
            Status::Pass => Outcome::pass(),
            Status::Warn => Outcome::warn("returned warn"),
            Status::Fail => Outcome::fail("returned fail"),
        }
    }
}

impl IntoOutcome<via::Plain> for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl<T: Serialize> IntoOutcome<via::Plain> for Detail<T> {
    fn into_outcome(self) -> Outcome {
        Outcome::pass().detail(self.0)
    }
}

impl<T, E, Via> IntoOutcome<via::Fallible<Via>> for Result<T, E>
where
    T: IntoOutcome<via::Plain>,
    E: IntoFailure<Via>,
{
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(value) => value.into_outcome(),
            Err(error) => Outcome::withheld(error.into_chain()),
        }
    }
}

/// A type that can be the `Err` of a health check.
///
/// Implemented for every error type, `anyhow::Error`, `eyre::Report`,
/// `Box<dyn Error>` (with and without `Send` and `Sync`), `String` and `&str`.
/// Its text, and those of its sources, are private.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a health check",
    label = "not an error type",
    note = "use a type that implements `std::error::Error`, or `anyhow::Error`, `Box<dyn Error>`, `String` or `&str`"
)]
pub trait IntoFailure<Via> {
    /// Returns the text of the error, followed by those of its sources.
    fn into_chain(self) -> Vec<String>;
}

// Without this the error for `Result<(), ()>` would mention `():
// std::error::Error`.
#[diagnostic::do_not_recommend]
impl<E> IntoFailure<via::Error> for E
where
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    fn into_chain(self) -> Vec<String> {
        chain(&*self.into())
    }
}

#[diagnostic::do_not_recommend]
impl IntoFailure<via::BoxedError> for Box<dyn StdError> {
    fn into_chain(self) -> Vec<String> {
        chain(&*self)
    }
}

fn chain(error: &(dyn StdError + 'static)) -> Vec<String> {
    let sources = std::iter::successors(Some(error), |&error| error.source());
    let mut texts: Vec<String> = Vec::new();
    // An error type may return itself as its source, so the chain is bounded.
    for source in sources.take(bounded::MAX_CHAIN_LEN) {
        let mut text = bounded::BoundedText::default();
        // Writing fails when the text is too long, which ends the formatting.
        let _ = write!(text, "{source}");
        let text = text.into_text();
        // Many errors repeat their source at the end of their own text.
        let repeated = texts.last().is_some_and(|last| last.ends_with(&text));
        if !repeated {
            texts.push(text);
        }
    }
    texts
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Status::Pass => "pass",
            Status::Warn => "warn",
            Status::Fail => "fail",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome<Via>(result: impl IntoOutcome<Via>) -> Outcome {
        result.into_outcome()
    }

    #[derive(Debug)]
    struct Refused;
    impl fmt::Display for Refused {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("refused")
        }
    }
    impl StdError for Refused {}

    #[derive(Debug)]
    struct Ping(Refused);
    impl fmt::Display for Ping {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("ping")
        }
    }
    impl StdError for Ping {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn unit_bool_and_status_are_results() {
        assert_eq!(outcome(()).status(), Status::Pass);
        assert_eq!(outcome(true).status(), Status::Pass);
        assert_eq!(outcome(false).status(), Status::Fail);
        assert_eq!(outcome(false).message(), Some("returned false"));
        assert_eq!(outcome(Status::Fail).message(), Some("returned fail"));
        assert_eq!(outcome(Status::Warn).status(), Status::Warn);
        assert_eq!(outcome(Outcome::warn("slow")).message(), Some("slow"));
        assert_eq!(outcome(Detail(3)).detailed(), Some(&serde_json::json!(3)));
    }

    #[test]
    fn the_text_of_an_error_is_private_and_its_sources_are_kept() {
        let failed = outcome(Err::<(), _>(Ping(Refused)));
        assert_eq!(failed.status(), Status::Fail);
        assert_eq!(failed.message(), Some("withheld"));
        assert_eq!(failed.cause(), ["ping", "refused"]);
    }

    #[test]
    fn a_source_repeated_by_its_error_is_kept_once() {
        #[derive(Debug)]
        struct Open(Refused);
        impl fmt::Display for Open {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "cannot open: {}", self.0)
            }
        }
        impl StdError for Open {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        let failed = outcome(Err::<(), _>(Open(Refused)));
        assert_eq!(failed.cause(), ["cannot open: refused"]);
    }

    #[test]
    fn common_error_types_are_accepted() {
        assert_eq!(outcome(Err::<(), _>("text")).cause(), ["text"]);
        assert_eq!(
            outcome(Err::<bool, _>(String::from("text"))).cause(),
            ["text"]
        );
        let boxed: Box<dyn StdError> = Box::new(Ping(Refused));
        assert_eq!(
            outcome(Err::<Status, _>(boxed)).cause(),
            ["ping", "refused"]
        );
        let shared: Box<dyn StdError + Send + Sync> = Box::new(Refused);
        assert_eq!(outcome(Err::<Outcome, _>(shared)).cause(), ["refused"]);
    }

    #[test]
    fn the_ok_value_decides_the_status() {
        assert_eq!(outcome(Ok::<_, Refused>(false)).status(), Status::Fail);
        assert_eq!(
            outcome(Ok::<_, Refused>(Status::Warn)).status(),
            Status::Warn
        );
    }

    #[test]
    fn a_value_that_is_too_long_is_replaced_by_its_length() {
        let observed = |value: &str| {
            let outcome = Outcome::pass().observe(value, "é".repeat(99));
            let Observed { value, unit } = outcome.observed().expect("it is written").clone();
            assert_eq!(unit.len(), 64);
            value
        };
        assert_eq!(observed(&"x".repeat(254)), "x".repeat(254));
        let withheld = serde_json::json!({"withheld": "257 bytes"});
        assert_eq!(observed(&"x".repeat(255)), withheld);
        let detailed = |length| outcome(Detail("x".repeat(length))).detailed().cloned();
        assert_eq!(detailed(1022), Some("x".repeat(1022).into()));
        let withheld = serde_json::json!({"withheld": "1025 bytes"});
        assert_eq!(detailed(1023), Some(withheld));
    }

    #[test]
    fn a_detail_that_cannot_be_serialized_does_not_change_the_status() {
        let keys = std::collections::HashMap::from([((1, 2), 3)]);
        let passed = outcome(Detail(keys));
        assert_eq!(passed.status(), Status::Pass);
        assert!(passed.detailed().is_none());
        assert_eq!(passed.cause().len(), 1);
    }
}
