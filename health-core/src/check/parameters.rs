//! The parameters of checks.
//!
//! A check asks for a type, and the application's state provides it. The
//! compiler verifies this through [`Package`]: `#[derive(HealthState)]`
//! generates `impl StateOf<AppState> for Package<ID>`, and each check requires
//! `Package<ID>: StateOf<A>`. Since there is only one implementation, rustc
//! infers `A` and with it the state. So a check finds the state of its package
//! without naming it.
//!
//! At run time the value is looked up by its type in the state that was given
//! to the builder, so a test can pass a fake.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A state that provides a value of type `T` to checks.
///
/// `#[derive(HealthState)]` implements it for the type of each field, so it is
/// rarely implemented by hand. It is what the compiler verifies; at run time the
/// value comes from [`HealthState::lookup`]. `Via` distinguishes the fields of a
/// nested state from those of the state itself.
#[diagnostic::on_unimplemented(
    message = "health state `{Self}` does not provide `{T}`",
    label = "no field of `{Self}` has this type",
    note = "every field of the state can be a parameter of a check: add a field of type `{T}` to `{Self}`",
    note = "or let it be looked up when the program starts: `#[health_check(late)]`",
    note = "instead of an extractor such as `State<T>`, `Extension<T>` or `web::Data<T>`, take `&T`"
)]
pub trait Provide<T: ?Sized, Via = Own> {}

/// The value is in a field of the state itself.
#[doc(hidden)]
#[derive(Debug)]
pub struct Own(());

/// The value is in the field with this number, or inside of it.
#[doc(hidden)]
#[derive(Debug)]
pub struct Nested<const FIELD: usize, Via>(PhantomData<Via>);

/// Routers hold the state in an `Arc`: `Arc<AppState>` provides the same values.
impl<T: ?Sized, Via, S: Provide<T, Via>> Provide<T, Via> for Arc<S> {}

/// A type that occurs in one field only.
///
/// Never implemented: the derive requires it if several fields have one type.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "several fields of `{State}` have the type `{Self}`",
    label = "the type does not identify one field",
    note = "take `&{State}` and use the field; or put `#[health(skip)]` on the others, or give one a type of its own"
)]
pub trait OneFieldOf<State: ?Sized> {}

/// The state of an application, which provides the parameters of checks.
///
/// Derive it:
///
/// ```standalone_crate
/// # #[derive(Clone)] struct Pool;
/// # #[derive(Clone)] struct Mailer;
/// use health_core::{HealthState, health_check};
///
/// #[derive(Clone, HealthState)]
/// struct AppState {
///     pool: Pool,
///     #[health(skip)] // no check may ask for it
///     signing_key: [u8; 32],
/// }
///
/// #[health_check]
/// async fn database(pool: &Pool) -> bool {
///     true
/// }
/// ```
///
/// A field of type `Arc<T>` provides `&Arc<T>`, `Arc<T>` and `&T`. The state
/// provides itself as `&AppState` and `Arc<AppState>`. With `#[health(nested)]`
/// a field that is a health state itself provides its fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a health state",
    label = "checks cannot find their values in it",
    note = "put `#[derive(HealthState)]` on it, where it is defined",
    note = "for `web::Data<AppState>`, pass its `Arc`: `.state(Arc::clone(&data))`"
)]
pub trait HealthState: Any + Send + Sync {
    /// Returns the value of this type, if the state has one.
    fn lookup(&self, wanted: TypeId) -> Option<&dyn Any>;

    /// Returns the name of the state's type, for messages.
    fn type_name(&self) -> &'static str {
        std::any::type_name::<Self>()
    }
}

/// Routers hold the state in an `Arc`: `.state(Arc::new(AppState { .. }))`.
impl<S: HealthState> HealthState for Arc<S> {
    fn lookup(&self, wanted: TypeId) -> Option<&dyn Any> {
        if wanted == TypeId::of::<Self>() {
            return Some(self);
        }
        (**self).lookup(wanted)
    }

    fn type_name(&self) -> &'static str {
        (**self).type_name()
    }
}

/// The package with this ID: a hash of its name and major version.
#[doc(hidden)]
#[derive(Debug)]
pub struct Package<const ID: u64>(());

/// Maps a package to its state, through a type that the package owns.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "this package has no health state, so a check cannot take parameters",
    label = "no state provides this value",
    note = "put `#[derive(HealthState)]` on the application's state, or write `app!(path::to::AppState)` if another crate defines it or it is generic",
    note = "in a library that does not know the application's state, write `#[health_check(late)]`"
)]
pub trait StateOf<A: App> {}

/// The state itself, or the marker type of a package that uses the state of
/// another crate.
#[doc(hidden)]
pub trait App {
    /// The state.
    type State;
}

/// The state of the package as a type; see [`Package`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Found<State>(PhantomData<State>);

impl<State> Found<State> {
    /// Returns the state that the attribute names.
    pub const fn named() -> Self {
        Found(PhantomData)
    }
}

/// A type that a check may take by value.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a check cannot take `{Self}` by value",
    label = "`{Self}` cannot be cloned",
    note = "take `&{Self}`, or make `{Self}` implement `Clone`"
)]
pub trait TakenByValue: Clone {}

#[diagnostic::do_not_recommend]
impl<T: Clone> TakenByValue for T {}

/// A field of a state. It must be `Sync` because checks run on all threads.
///
/// The derive requires it of each field in the `where` clause of `impl
/// HealthState`. A field that cannot be shared between threads is then one
/// error at its type, and the bounds of [`HealthState`] add none.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be shared between threads safely",
    label = "checks run on all threads, and this field is not `Send` and `Sync`",
    note = "put it into a `Mutex`, or keep it out of the state"
)]
pub trait Shared: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Shared for T {}

/// A parameter of a check, as it was declared.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Need {
    pub(crate) name: &'static str,
    pub(crate) type_id: fn() -> TypeId,
    pub(crate) type_name: fn() -> &'static str,
    /// The state whose field it is.
    state: Option<fn() -> TypeId>,
}

impl Need {
    /// Describes the parameter `name` of type `T`.
    pub const fn of<T: 'static>(name: &'static str) -> Self {
        Need {
            name,
            type_id: TypeId::of::<T>,
            type_name: std::any::type_name::<T>,
            state: None,
        }
    }

    /// Describes the parameter `name`, which is a field of the state `S`. If
    /// another state was given, it is the value of type `T` of that state.
    pub const fn field<S: 'static, T: 'static>(name: &'static str) -> Self {
        Need {
            state: Some(TypeId::of::<S>),
            ..Need::of::<T>(name)
        }
    }
}

/// The state and all values that were provided individually.
#[derive(Default)]
pub(crate) struct ProvidedValues {
    state: Option<Box<dyn HealthState>>,
    values: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl ProvidedValues {
    pub(crate) fn set_state(&mut self, state: impl HealthState) {
        // Behind an `Arc`, which a check can take.
        self.state = Some(Box::new(Arc::new(state)));
    }

    pub(crate) fn provide<T: Any + Send + Sync>(&mut self, value: T) {
        self.values.insert(TypeId::of::<T>(), Box::new(value));
    }

    fn lookup(&self, wanted: TypeId) -> Option<&dyn Any> {
        let provided = self.values.get(&wanted);
        provided
            .map(|value| &**value as &dyn Any)
            .or_else(|| self.state.as_ref()?.lookup(wanted))
    }

    pub(crate) fn has(&self, need: &Need) -> bool {
        let state = need.state.and_then(|state| self.lookup(state()));
        state.is_some() || self.lookup((need.type_id)()).is_some()
    }

    pub(crate) fn state_name(&self) -> Option<&'static str> {
        self.state.as_ref().map(|state| state.type_name())
    }
}

impl fmt::Debug for ProvidedValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvidedValues")
            .field("state", &self.state_name())
            .field("values", &self.values.len())
            .finish()
    }
}

/// The values from which a run of a check takes its parameters.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct Context(Arc<ProvidedValues>);

impl Context {
    pub(crate) fn new(provided: ProvidedValues) -> Self {
        Context(Arc::new(provided))
    }

    pub(crate) fn provided(&self) -> &ProvidedValues {
        &self.0
    }

    /// Returns a field of the state `S`. If another state was given, as in a test,
    /// returns the value of type `T` of that state.
    ///
    /// # Panics
    ///
    /// Panics if [`get`](Self::get) does.
    pub fn field<S: 'static, T: 'static>(&self, of: fn(&S) -> &T) -> &T {
        let state = self.0.lookup(TypeId::of::<S>());
        match state.and_then(|state| state.downcast_ref()) {
            Some(state) => of(state),
            None => self.get(),
        }
    }

    /// Returns the value in a field of type `Option<T>`; see [`field`](Self::field).
    ///
    /// # Panics
    ///
    /// Panics if [`get`](Self::get) does, and if the field is `None`. Such a field
    /// has no check.
    pub fn some_field<S: 'static, T: 'static>(&self, of: fn(&S) -> &Option<T>) -> &T {
        let some = self.field(of).as_ref();
        some.unwrap_or_else(|| panic!("the field of the health state is `None`"))
    }

    /// Returns the value of this type.
    ///
    /// # Panics
    ///
    /// Panics if nothing provides the value. `start()` rejects such checks, so
    /// this requires a hand-written [`HealthState`] with inconsistent results.
    /// The panic fails that one run.
    pub fn get<T: 'static>(&self) -> &T {
        self.0
            .lookup(TypeId::of::<T>())
            .and_then(|value| value.downcast_ref())
            .unwrap_or_else(|| {
                panic!(
                    "the health state no longer provides `{}`",
                    std::any::type_name::<T>()
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pool(u8);
    struct Fixed {
        pool: Pool,
    }
    impl HealthState for Fixed {
        fn lookup(&self, wanted: TypeId) -> Option<&dyn Any> {
            (wanted == TypeId::of::<Pool>()).then_some(&self.pool as &dyn Any)
        }
    }

    #[test]
    fn a_state_is_found_by_value_and_in_an_arc() {
        let of = |fill: fn(&mut ProvidedValues)| {
            let mut provided = ProvidedValues::default();
            fill(&mut provided);
            Context::new(provided)
        };
        for context in [
            of(|provided| provided.set_state(Fixed { pool: Pool(1) })),
            of(|provided| provided.set_state(Arc::new(Fixed { pool: Pool(1) }))),
        ] {
            assert_eq!(context.get::<Pool>().0, 1);
            assert_eq!(context.get::<Arc<Fixed>>().pool.0, 1);
            let name = context.provided().state_name();
            assert!(name.is_some_and(|name| name.ends_with("Fixed")));
        }
    }

    #[test]
    fn a_provided_value_takes_precedence_over_the_state() {
        let mut provided = ProvidedValues::default();
        provided.set_state(Fixed { pool: Pool(1) });
        assert!(provided.has(&Need::of::<Pool>("pool")));
        assert!(!provided.has(&Need::of::<String>("url")));
        provided.provide(Pool(2));
        provided.provide(String::from("url"));
        let context = Context::new(provided);
        assert_eq!(context.get::<Pool>().0, 2);
        assert_eq!(context.get::<String>(), "url");
    }
}
