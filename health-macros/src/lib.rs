//! The attribute `#[health_check]` and the derive `HealthState`.
//!
//! Use them through a facade: `health_axum::health_check`,
//! `health_core::HealthState` and so on. Each facade has an entry point of its
//! own here, equal but for the path to `health-core` that it bakes in, so that
//! a user needs the facade alone in `Cargo.toml`.

mod args;
mod diag;
mod duration;
mod expand;
mod item;
mod options;
mod package;
mod spec;
mod state;
mod tokens;

use proc_macro::TokenStream;
use quote::{ToTokens, quote};

use crate::diag::Diag;

#[doc = include_str!("../docs/health_check.md")]
#[proc_macro_attribute]
pub fn core_health_check(args: TokenStream, item: TokenStream) -> TokenStream {
    health_check(args.into(), &item.into(), &quote!(::health_core)).into()
}

#[doc = include_str!("../docs/health_check.md")]
#[proc_macro_attribute]
pub fn axum_health_check(args: TokenStream, item: TokenStream) -> TokenStream {
    health_check(args.into(), &item.into(), &quote!(::health_axum::__core)).into()
}

#[doc = include_str!("../docs/health_check.md")]
#[proc_macro_attribute]
pub fn actix_health_check(args: TokenStream, item: TokenStream) -> TokenStream {
    health_check(args.into(), &item.into(), &quote!(::health_actix::__core)).into()
}

#[doc = include_str!("../docs/health_state.md")]
#[proc_macro_derive(CoreHealthState, attributes(health))]
pub fn core_health_state(input: TokenStream) -> TokenStream {
    state::derive(input.into(), &quote!(::health_core)).into()
}

#[doc = include_str!("../docs/health_state.md")]
#[proc_macro_derive(AxumHealthState, attributes(health))]
pub fn axum_health_state(input: TokenStream) -> TokenStream {
    state::derive(input.into(), &quote!(::health_axum::__core)).into()
}

#[doc = include_str!("../docs/health_state.md")]
#[proc_macro_derive(ActixHealthState, attributes(health))]
pub fn actix_health_state(input: TokenStream) -> TokenStream {
    state::derive(input.into(), &quote!(::health_actix::__core)).into()
}

/// The item as it was written, whatever happens; then its registration, or
/// every mistake in it.
fn health_check(
    args: proc_macro2::TokenStream,
    item: &proc_macro2::TokenStream,
    root: &proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    let diag = Diag::new();
    let args = args::parse(args, &diag);
    let function = item::parse(item.clone(), &diag);
    let spec = function.map(|function| spec::validate(args, function, &diag));
    let errors = diag.finish();
    let registration = spec.filter(|_| errors.is_empty()).map(|spec| {
        let root = spec
            .root
            .as_ref()
            .map_or_else(|| root.clone(), ToTokens::to_token_stream);
        expand::expand(&spec, &root)
    });
    quote!(#item #registration #errors)
}
