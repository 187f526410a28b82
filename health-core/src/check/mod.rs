//! The declaration of a check, its result, and the inputs of a run.
//!
//! Most checks need nothing from this module: an annotated function returns
//! `()`, `bool`, a `Result` or an [`Outcome`], see [`IntoOutcome`](crate::IntoOutcome).

pub(crate) mod class;
pub(crate) mod dependencies;
pub(crate) mod function;
pub(crate) mod indicator;
pub(crate) mod options;
pub(crate) mod outcome;
pub(crate) mod parameters;
pub(crate) mod probe;
pub(crate) mod rules;
pub(crate) mod source;
pub(crate) mod time_left;
pub(crate) mod unit;
pub(crate) mod uri;

use std::sync::Arc;

use async_trait::async_trait;

pub use self::class::FailureClass;
pub use self::indicator::{BlockingIndicator, Indicator};
pub use self::outcome::{Detail, IntoFailure};
pub use self::parameters::{HealthState, Provide};
pub use self::time_left::time_left;
pub use self::unit::Unit;
use crate::check::function::{CheckFn, LocalRunning, Running};
use crate::check::options::CheckOptions;
use crate::check::outcome::Outcome;
use crate::check::parameters::{Context, Need};

/// A check that is implemented by hand and can be used as a trait object.
///
/// Use it for a check that owns its connection or comes from a library. If the
/// application has a state, a function with `#[health_check]` is shorter.
///
/// `Box<dyn HealthCheck>` and `Arc<dyn HealthCheck>` are checks too.
///
/// ```
/// use health_core::{CheckOptions, Health, HealthCheck, Outcome, async_trait};
///
/// struct Queue { limit: usize }
///
/// #[async_trait]
/// impl HealthCheck for Queue {
///     async fn check(&self) -> Outcome {
///         let waiting = 3;
///         if waiting < self.limit { Outcome::pass() } else { Outcome::fail("the queue is full") }
///     }
/// }
///
/// # tokio_test(async {
/// let health = Health::builder()
///     .check_impl("queue", CheckOptions::new().critical(), Queue { limit: 100 })
///     .start()?;
/// # Ok::<_, health_core::StartError>(()) });
/// # fn tokio_test<T>(test: impl Future<Output = Result<T, health_core::StartError>>) {
/// #     tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test).unwrap();
/// # }
/// ```
#[async_trait]
pub trait HealthCheck: Send + Sync + 'static {
    /// Runs the check once. It may hang, block or panic; only this check fails.
    async fn check(&self) -> Outcome;
}

#[async_trait]
impl<C: HealthCheck + ?Sized> HealthCheck for Box<C> {
    async fn check(&self) -> Outcome {
        (**self).check().await
    }
}

#[async_trait]
impl<C: HealthCheck + ?Sized> HealthCheck for Arc<C> {
    async fn check(&self) -> Outcome {
        (**self).check().await
    }
}

/// A declared check: what `#[health_check]` registers.
#[doc(hidden)]
#[derive(Debug)]
pub struct CheckDef {
    /// The name, already validated by the macro.
    pub name: &'static str,
    /// Returns the options of the attribute.
    pub options: fn() -> CheckOptions,
    /// Where the check is declared.
    pub origin: Origin,
    /// The parameters of the function.
    pub needs: &'static [Need],
    /// How to run it.
    pub run: Run,
}

impl CheckDef {
    /// Returns whether the dependency exists: the field of the check is not `None`.
    /// The caller has verified that the parameters are provided.
    pub(crate) fn is_configured(&self, context: &Context) -> bool {
        match self.run {
            Run::OptionalField { is_some, .. } => is_some(context),
            _ => true,
        }
    }
}

inventory::collect!(CheckDef);

/// How the generated code runs the user's function.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// An `async fn`: polled on the application's runtime.
    Async(fn(&Context) -> Running),
    /// An `async fn` whose future is not `Send`: polled on its own thread.
    Local(fn(&Context) -> LocalRunning),
    /// A plain `fn`: called on its own thread.
    Blocking(fn(&Context) -> Outcome),
    /// A check of a field: called once, to create the function of all runs.
    Field(fn(&Context) -> CheckFn),
    /// A check of a field of type `Option<T>`. There is no check if it is `None`.
    OptionalField {
        /// Whether the field is `Some`.
        is_some: fn(&Context) -> bool,
        /// Called like that of `Field`.
        make: fn(&Context) -> CheckFn,
    },
}

impl Run {
    /// Returns the function of all runs.
    pub(crate) fn check_fn(self, context: &Context) -> CheckFn {
        let context = context.clone();
        match self {
            Run::Field(make) | Run::OptionalField { make, .. } => make(&context),
            Run::Async(run) => CheckFn::Async(Arc::new(move || run(&context))),
            Run::Local(run) => CheckFn::Local(Arc::new(move || run(&context))),
            Run::Blocking(run) => CheckFn::Blocking(Arc::new(move || run(&context))),
        }
    }
}

/// Where a check was declared.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The package.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The file, as rustc names it.
    pub file: &'static str,
    /// The line of the attribute.
    pub line: u32,
    /// The column of the attribute, to distinguish two on the same line.
    pub column: u32,
}
