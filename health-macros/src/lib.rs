//! The attributes `#[health_check]` and `#[health_checks]`, the derive
//! `HealthState`, and `app!`.
//!
//! Use them through a facade: `health_axum::health_check`,
//! `health_core::HealthState` and so on. Each facade has its own entry points
//! here, which only differ in the path to `health-core`, so that a user only
//! needs the facade in `Cargo.toml`.

mod app;
mod args;
mod check;
mod diag;
mod duration;
mod expand;
mod item;
mod methods;
mod package;
mod rules;
mod spec;
mod state;
mod synonyms;
mod tokens;
mod value;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;

use crate::check::Read;

#[doc = include_str!("../docs/health_check.md")]
#[proc_macro_attribute]
pub fn core_health_check(args: TokenStream, item: TokenStream) -> TokenStream {
    health_check(args, item, &core())
}

#[doc = include_str!("../docs/health_check.md")]
#[proc_macro_attribute]
pub fn axum_health_check(args: TokenStream, item: TokenStream) -> TokenStream {
    health_check(args, item, &axum())
}

#[doc = include_str!("../docs/health_check.md")]
#[proc_macro_attribute]
pub fn actix_health_check(args: TokenStream, item: TokenStream) -> TokenStream {
    health_check(args, item, &actix())
}

#[doc = include_str!("../docs/health_check.md")]
#[proc_macro_attribute]
pub fn tonic_health_check(args: TokenStream, item: TokenStream) -> TokenStream {
    health_check(args, item, &tonic())
}

#[doc = include_str!("../docs/health_checks.md")]
#[proc_macro_attribute]
pub fn core_health_checks(args: TokenStream, item: TokenStream) -> TokenStream {
    methods::expand(&args.into(), &item.into(), &core()).into()
}

#[doc = include_str!("../docs/health_checks.md")]
#[proc_macro_attribute]
pub fn axum_health_checks(args: TokenStream, item: TokenStream) -> TokenStream {
    methods::expand(&args.into(), &item.into(), &axum()).into()
}

#[doc = include_str!("../docs/health_checks.md")]
#[proc_macro_attribute]
pub fn actix_health_checks(args: TokenStream, item: TokenStream) -> TokenStream {
    methods::expand(&args.into(), &item.into(), &actix()).into()
}

#[doc = include_str!("../docs/health_checks.md")]
#[proc_macro_attribute]
pub fn tonic_health_checks(args: TokenStream, item: TokenStream) -> TokenStream {
    methods::expand(&args.into(), &item.into(), &tonic()).into()
}

#[doc = include_str!("../docs/health_state.md")]
#[proc_macro_derive(CoreHealthState, attributes(health))]
pub fn core_health_state(input: TokenStream) -> TokenStream {
    state::derive(input.into(), &core()).into()
}

#[doc = include_str!("../docs/health_state.md")]
#[proc_macro_derive(AxumHealthState, attributes(health))]
pub fn axum_health_state(input: TokenStream) -> TokenStream {
    state::derive(input.into(), &axum()).into()
}

#[doc = include_str!("../docs/health_state.md")]
#[proc_macro_derive(ActixHealthState, attributes(health))]
pub fn actix_health_state(input: TokenStream) -> TokenStream {
    state::derive(input.into(), &actix()).into()
}

#[doc = include_str!("../docs/health_state.md")]
#[proc_macro_derive(TonicHealthState, attributes(health))]
pub fn tonic_health_state(input: TokenStream) -> TokenStream {
    state::derive(input.into(), &tonic()).into()
}

#[doc = include_str!("../docs/app.md")]
#[proc_macro]
pub fn core_app(input: TokenStream) -> TokenStream {
    app::expand(&input.into(), &core()).into()
}

#[doc = include_str!("../docs/app.md")]
#[proc_macro]
pub fn axum_app(input: TokenStream) -> TokenStream {
    app::expand(&input.into(), &axum()).into()
}

#[doc = include_str!("../docs/app.md")]
#[proc_macro]
pub fn actix_app(input: TokenStream) -> TokenStream {
    app::expand(&input.into(), &actix()).into()
}

#[doc = include_str!("../docs/app.md")]
#[proc_macro]
pub fn tonic_app(input: TokenStream) -> TokenStream {
    app::expand(&input.into(), &tonic()).into()
}

fn core() -> Tokens {
    quote!(::health_core)
}

fn axum() -> Tokens {
    quote!(::health_axum::__core)
}

fn actix() -> Tokens {
    quote!(::health_actix::__core)
}

fn tonic() -> Tokens {
    quote!(::health_tonic::__core)
}

/// Returns the unchanged item, followed by its registration or by all errors.
fn health_check(args: TokenStream, item: TokenStream, root: &Tokens) -> TokenStream {
    let item = Tokens::from(item);
    let Read {
        registration,
        errors,
    } = check::read(args.into(), item.clone(), None, root);
    quote!(#item #registration #errors).into()
}
