//! Items for generated code. **Not public API**: they change without notice.

pub use std::any::{Any, TypeId};
pub use std::boxed::Box;
pub use std::clone::Clone;
pub use std::future::Future;
pub use std::marker::Send;
pub use std::option::Option;
use std::pin::Pin;
pub use std::sync::Arc;
pub use std::time::Duration;

// By way of this crate, so that an adapter works with any version of it that is
// compatible.
pub use health_macros as macros;
pub use inventory;

pub use crate::check::dependencies::{Dependency, assert_acyclic};
use crate::check::function::{CheckFn, LocalRunning, Running};
#[doc(hidden)]
pub use crate::check::indicator::via as field_via;
use crate::check::indicator::{FieldCheck, FieldRef, LocalFieldCheck};
pub use crate::check::options::CheckOptions;
use crate::check::outcome::IntoOutcome;
pub use crate::check::outcome::Outcome;
use crate::check::parameters::TakenByValue;
pub use crate::check::parameters::{
    App, Context, Found, HealthState, Need, Nested, OneFieldOf, Own, Package, Provide, Shared,
    StateOf,
};
pub use crate::check::probe::Probe;
pub use crate::check::unit::Unit;
pub use crate::check::{CheckDef, Origin, Run};

// Generated code names the root once, so that a wrong `crate = path` is one
// error.
pub use crate::{__check as check, __origin as origin, __submit as submit};

/// Converts the result of an `async` check. The caller names `T`, so that rustc
/// reports an unsupported type once and at the return type.
pub fn outcome<T, Via>(returned: T) -> Outcome
where
    T: IntoOutcome<Via>,
{
    returned.into_outcome()
}

/// Creates one run of an `async` check. `check` only calls the user's function,
/// so there is no generated future: for a future that is not `Send`, rustc
/// names the user's function. The caller names `T`; see [`outcome`].
pub fn run<T, Via, F>(context: &Context, check: F) -> Running
where
    F: for<'a> Call<'a, Output = T>,
    T: IntoOutcome<Via>,
    T: 'static,
    Via: 'static,
{
    let begin: Begin<T> = Box::new(move |context| Box::pin(check.call(context)));
    answer(context, begin)
}

/// A function that has not been called yet; its box needs no memory.
type Begin<T> = Box<dyn for<'a> FnOnce(&'a Context) -> Answering<'a, T> + Send>;
type Answering<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Compiled once per result type instead of once per check. This costs a run
/// one more box and saves a third of the code of a check.
fn answer<T, Via>(context: &Context, begin: Begin<T>) -> Running
where
    T: IntoOutcome<Via> + 'static,
    Via: 'static,
{
    let context = context.clone();
    Box::pin(async move { begin(&context).await.into_outcome() })
}

/// Creates one run of an `async` check whose result borrows from its
/// parameters.
pub fn run_future<F>(check: F) -> Running
where
    F: Future<Output = Outcome>,
    F: Send,
    F: 'static,
{
    Box::pin(check)
}

/// Creates one run of an `async` check whose future is not `Send`.
pub fn run_local<F>(check: F) -> LocalRunning
where
    F: Future<Output = Outcome>,
    F: 'static,
{
    Box::pin(check)
}

/// Creates the function of the check of a field. The caller names `T`, so that rustc
/// reports an unsupported value at the expression.
pub fn field_check<T, C, Via>(context: &Context, get: fn(&Context) -> &T, check: C) -> CheckFn
where
    C: FieldCheck<T, Via>,
{
    check.into_check_fn(FieldRef::new(context, get))
}

/// [`field_check`], for a future that stays on its thread.
pub fn local_field_check<T, C, Via>(context: &Context, get: fn(&Context) -> &T, check: C) -> CheckFn
where
    C: LocalFieldCheck<T, Via>,
{
    check.into_check_fn(FieldRef::new(context, get))
}

/// A function whose future borrows the context.
pub trait Call<'a>: Send + 'static {
    /// The output of the future.
    type Output;
    /// The future.
    type Future: Future<Output = Self::Output> + Send;

    /// Calls the function.
    fn call(self, context: &'a Context) -> Self::Future;
}

impl<'a, F, Fut> Call<'a> for F
where
    F: FnOnce(&'a Context) -> Fut + Send + 'static,
    Fut: Future + Send + 'a,
{
    type Output = Fut::Output;
    type Future = Fut;

    fn call(self, context: &'a Context) -> Fut {
        self(context)
    }
}

/// Returns a parameter that is taken by value.
pub fn cloned<T>(value: &T) -> T
where
    T: TakenByValue,
{
    value.clone()
}

/// Finds the state of package `P`. Called once per check, so that a package
/// without a state is one error.
pub const fn state_of<P, A>() -> Found<A::State>
where
    P: StateOf<A>,
    A: App,
{
    Found::named()
}

/// Proves that checks can find their values in `State`.
pub const fn state<State>()
where
    State: HealthState,
{
}

/// Proves that a state provides `T`.
pub const fn require<T, State, Via>(_: &Found<State>)
where
    State: Provide<T, Via>,
{
}

/// `_` with the span of the tokens around it: rustc shows a missing [`Provide`]
/// at the type argument `State`, and generated code writes that argument where
/// the user wrote the parameter.
pub type Inferred<T> = T;

/// Proves that a field of the state is `Sync`.
pub const fn field<T>()
where
    T: Shared,
{
}

/// Generates the function next to a check that registers it and by which
/// `after` refers to it. It has the visibility of the check.
///
/// `deprecated` is allowed: a deprecated function can still be a check.
#[doc(hidden)]
#[macro_export]
macro_rules! __check {
    ($(#[$cfg:meta])* $vis:vis fn $name:ident { $($registration:tt)* }) => {
        $(#[$cfg])*
        #[doc(hidden)]
        #[allow(deprecated)]
        $vis const fn $name() -> &'static $crate::__private::Dependency {
            use $crate::__private as __health;
            $($registration)*
        }
    };
}

/// Registers a check. Only this macro depends on how checks are collected.
#[doc(hidden)]
#[macro_export]
#[cfg(not(target_family = "wasm"))]
macro_rules! __submit {
    ($($def:tt)*) => {
        $crate::__private::inventory::submit! { $($def)* }
    };
}

/// Registers a check. Only this macro depends on how checks are collected.
#[doc(hidden)]
#[macro_export]
#[cfg(target_family = "wasm")]
macro_rules! __submit {
    ($($def:tt)*) => {
        ::core::compile_error!(
            "`#[health_check]` cannot register on wasm, where entries of libraries get lost\n\
             = help: add the check to the builder: `Health::builder().check(..)`"
        );
    };
}

/// Returns where the attribute is, in the user's crate.
#[doc(hidden)]
#[macro_export]
macro_rules! __origin {
    () => {
        $crate::__private::Origin {
            package: ::core::env!("CARGO_PKG_NAME"),
            version: ::core::env!("CARGO_PKG_VERSION"),
            file: ::core::file!(),
            line: ::core::line!(),
            column: ::core::column!(),
        }
    };
}
