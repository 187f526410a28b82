//! Checks that are declared on a field of the state: `#[health(check = ..)]`.
//!
//! The attribute takes a function or a value with options. The type parameter `Via`
//! distinguishes them; the compiler infers it, as it does for [`IntoOutcome`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::check::function::{CheckFn, LocalRunning, Running};
use crate::check::outcome::{IntoOutcome, Outcome};
use crate::check::parameters::Context;

/// A check of a dependency of type `T` with options of its own.
///
/// `#[health(check = ..)]` on a field of the state takes a function or a value of a
/// type that implements this trait. The value is created once, when the program
/// starts, and each run borrows it, so it can store earlier measurements.
///
/// Implement [`BlockingIndicator`] instead if a run blocks its thread.
///
/// ```standalone_crate
/// use health_core::check::Indicator;
/// use health_core::{HealthState, Outcome, health_check};
///
/// #[derive(Clone)]
/// struct Queue { waiting: usize }
///
/// struct Shorter { than: usize }
///
/// impl Indicator<Queue> for Shorter {
///     async fn check(&self, queue: &Queue) -> Outcome {
///         if queue.waiting < self.than {
///             Outcome::pass()
///         } else {
///             Outcome::fail("the queue is full")
///         }
///     }
/// }
///
/// #[derive(Clone, HealthState)]
/// struct AppState {
///     /// The work queue has room.
///     #[health(check = Shorter { than: 100 }, timeout = "1s", critical)]
///     queue: Queue,
/// }
/// ```
pub trait Indicator<T: ?Sized>: Send + Sync + 'static {
    /// Runs the check once. It may hang, block or panic; only this check fails.
    fn check(&self, dependency: &T) -> impl Future<Output = Outcome> + Send;
}

/// An [`Indicator`] whose runs block. They run on a thread of their own.
///
/// ```standalone_crate
/// use std::path::PathBuf;
/// use health_core::check::BlockingIndicator;
/// use health_core::{HealthState, Outcome};
///
/// struct Exists;
///
/// impl BlockingIndicator<PathBuf> for Exists {
///     fn check(&self, directory: &PathBuf) -> Outcome {
///         match directory.metadata() {
///             Ok(_) => Outcome::pass(),
///             Err(error) => Outcome::fail("the directory is missing").because(error),
///         }
///     }
/// }
///
/// #[derive(Clone, HealthState)]
/// struct AppState {
///     #[health(check = Exists)]
///     uploads: PathBuf,
/// }
/// ```
pub trait BlockingIndicator<T: ?Sized>: Send + Sync + 'static {
    /// Runs the check once. It may hang or panic; only this check fails.
    fn check(&self, dependency: &T) -> Outcome;
}

/// The source of the field that a run checks.
#[doc(hidden)]
#[derive(Debug)]
pub struct FieldRef<T> {
    context: Context,
    get: fn(&Context) -> &T,
}

impl<T> Clone for FieldRef<T> {
    fn clone(&self) -> Self {
        FieldRef {
            context: self.context.clone(),
            get: self.get,
        }
    }
}

impl<T> FieldRef<T> {
    pub(crate) fn new(context: &Context, get: fn(&Context) -> &T) -> Self {
        FieldRef {
            context: context.clone(),
            get,
        }
    }

    fn get(&self) -> &T {
        (self.get)(&self.context)
    }
}

/// The kind of value in `check = ..`.
#[doc(hidden)]
pub mod via {
    use std::marker::PhantomData;

    /// An `async fn`, with the `Via` of its result.
    #[derive(Debug)]
    pub struct Async<R, Via>(PhantomData<(R, Via)>);
    /// A plain `fn`, with the `Via` of its result.
    #[derive(Debug)]
    pub struct Plain<R, Via>(PhantomData<(R, Via)>);
    /// An [`Indicator`](super::Indicator).
    #[derive(Debug)]
    pub enum Value {}
    /// A [`BlockingIndicator`](super::BlockingIndicator).
    #[derive(Debug)]
    pub enum BlockingValue {}
}

/// A value that `check = ..` accepts on a field of type `T`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot check a field of type `{T}`",
    label = "not a health check of `{T}`",
    note = "name an `async fn` or a plain `fn` that takes `&{T}` and returns a health check result: `()`, `bool`, `Status` or `Outcome`, or a `Result<_, E>` of one of them",
    note = "or a value that implements `Indicator<{T}>` or `BlockingIndicator<{T}>`",
    note = "if the future of the function is not `Send`, write `local` beside `check`",
    note = "a field that is written as `Option<T>` takes a check of `T`"
)]
pub trait FieldCheck<T, Via> {
    /// Returns the function that runs it.
    fn into_check_fn(self, field: FieldRef<T>) -> CheckFn;
}

/// A value that `check = .., local` accepts on a field of type `T`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot check a field of type `{T}` with `local`",
    label = "not an `async fn` that checks `{T}`",
    note = "name an `async fn` that takes `&{T}` and returns a health check result",
    note = "anything else is checked without `local`"
)]
pub trait LocalFieldCheck<T, Via> {
    /// Returns the function that runs it.
    fn into_check_fn(self, field: FieldRef<T>) -> CheckFn;
}

/// A function whose future borrows the field.
#[doc(hidden)]
pub trait CallWith<'a, T: 'a>: Send + Sync + 'static {
    /// The output of the future.
    type Output;
    /// The future.
    type Future: Future<Output = Self::Output> + Send;

    /// Calls the function.
    fn call(&self, field: &'a T) -> Self::Future;
}

impl<'a, T, F, Fut> CallWith<'a, T> for F
where
    T: 'a,
    F: Fn(&'a T) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'a,
{
    type Output = Fut::Output;
    type Future = Fut;

    fn call(&self, field: &'a T) -> Fut {
        self(field)
    }
}

/// [`CallWith`], for a future that stays on its thread.
#[doc(hidden)]
pub trait CallLocalWith<'a, T: 'a>: Send + Sync + 'static {
    /// The output of the future.
    type Output;
    /// The future.
    type Future: Future<Output = Self::Output>;

    /// Calls the function.
    fn call(&self, field: &'a T) -> Self::Future;
}

impl<'a, T, F, Fut> CallLocalWith<'a, T> for F
where
    T: 'a,
    F: Fn(&'a T) -> Fut + Send + Sync + 'static,
    Fut: Future + 'a,
{
    type Output = Fut::Output;
    type Future = Fut;

    fn call(&self, field: &'a T) -> Fut {
        self(field)
    }
}

#[diagnostic::do_not_recommend]
impl<T, F, R, Via> FieldCheck<T, via::Async<R, Via>> for F
where
    T: Send + Sync + 'static,
    F: for<'a> CallWith<'a, T, Output = R>,
    R: IntoOutcome<Via> + 'static,
    Via: 'static,
{
    fn into_check_fn(self, field: FieldRef<T>) -> CheckFn {
        let begin: Begin<T, R> = Arc::new(move |field| Box::pin(self.call(field)));
        CheckFn::Async(Arc::new(move || answer(&begin, &field)))
    }
}

type Begin<T, R> = Arc<dyn for<'a> Fn(&'a T) -> Answering<'a, R> + Send + Sync>;
type Answering<'a, R> = Pin<Box<dyn Future<Output = R> + Send + 'a>>;

/// Compiled once per kind of field and result, instead of once per check.
fn answer<T, R, Via>(begin: &Begin<T, R>, field: &FieldRef<T>) -> Running
where
    T: Send + Sync + 'static,
    R: IntoOutcome<Via> + 'static,
    Via: 'static,
{
    let (begin, field) = (Arc::clone(begin), field.clone());
    Box::pin(async move { begin(field.get()).await.into_outcome() })
}

#[diagnostic::do_not_recommend]
impl<T, F, R, Via> FieldCheck<T, via::Plain<R, Via>> for F
where
    T: 'static,
    F: Fn(&T) -> R + Send + Sync + 'static,
    R: IntoOutcome<Via>,
{
    fn into_check_fn(self, field: FieldRef<T>) -> CheckFn {
        let run = move || self(field.get()).into_outcome();
        CheckFn::Blocking(Arc::new(run))
    }
}

#[diagnostic::do_not_recommend]
impl<T, I> FieldCheck<T, via::Value> for I
where
    T: Send + Sync + 'static,
    I: Indicator<T>,
{
    fn into_check_fn(self, field: FieldRef<T>) -> CheckFn {
        let indicator = Arc::new(self);
        let run = move || -> Running {
            let (indicator, field) = (Arc::clone(&indicator), field.clone());
            Box::pin(async move { indicator.check(field.get()).await })
        };
        CheckFn::Async(Arc::new(run))
    }
}

#[diagnostic::do_not_recommend]
impl<T, I> FieldCheck<T, via::BlockingValue> for I
where
    T: 'static,
    I: BlockingIndicator<T>,
{
    fn into_check_fn(self, field: FieldRef<T>) -> CheckFn {
        let run = move || self.check(field.get());
        CheckFn::Blocking(Arc::new(run))
    }
}

#[diagnostic::do_not_recommend]
impl<T, F, R, Via> LocalFieldCheck<T, via::Async<R, Via>> for F
where
    T: 'static,
    F: for<'a> CallLocalWith<'a, T, Output = R>,
    R: IntoOutcome<Via> + 'static,
    Via: 'static,
{
    fn into_check_fn(self, field: FieldRef<T>) -> CheckFn {
        let check = Arc::new(self);
        let run = move || -> LocalRunning {
            let (check, field) = (Arc::clone(&check), field.clone());
            Box::pin(async move { check.call(field.get()).await.into_outcome() })
        };
        CheckFn::Local(Arc::new(run))
    }
}
