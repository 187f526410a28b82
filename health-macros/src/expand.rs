//! [`Spec`] → tokens. Cannot fail.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use crate::item::{Function, Param, has_impl};
use crate::package;
use crate::spec::{Setting, Source, Spec, fold};

/// The registration of one check, beside the untouched function:
///
/// ```text
/// const __health_check_database: () = {
///     use ::health_core::__private as __health;
///     macro_rules! there_is_already_a_health_check_named__database { () => {}; }
///     __health::require::<__health::Package<397>, PgPool, _>();
///     __health::submit! { __health::CheckDef {
///         name: "database",
///         options: __health::CheckOptions::new().timeout(__health::Duration::from_millis(2000u64)),
///         origin: __health::origin!(),
///         needs: &[__health::Need::of::<PgPool>("pool")],
///         run: __health::Run::Async(|__cx| {
///             let __cx = __health::Clone::clone(__cx);
///             __health::run(async move {
///                 __health::outcome::<bool, _>(database(__cx.get::<PgPool>()).await)
///             })
///         }),
///     } }
/// };
/// ```
///
/// Types keep the user's spans, so that a mistake in one is reported there,
/// and once: rustc drops the second of two equal errors. All else is located
/// at the user's tokens, but resolved as generated code, so that no lint
/// takes it for theirs.
pub(crate) fn expand(spec: &Spec, root: &TokenStream) -> TokenStream {
    let Spec { name, function, .. } = spec;
    let holder = format_ident!("__health_check_{}", function.name.unraw());
    let marker = located(&format!("there_is_already_a_health_check_named__{}", fold(name)), spec.name_span);
    let requires = requires(spec);
    let options = spec.settings.iter().map(setting);
    let needs = function.params.iter().map(need);
    let run = run(function);
    // The const has a name, because in an `impl` an unnamed one is an error of
    // its own, beside "cannot find function".
    //
    // non_upper_case_globals: it is named after the function.
    // deprecated: a function may be deprecated and still be a check.
    // non_local_definitions: the marker has to be seen by the whole crate.
    quote! {
        #[doc(hidden)]
        #[allow(non_upper_case_globals, deprecated)]
        const #holder: () = {
            use #root::__private as __health;
            #[doc(hidden)]
            #[allow(non_local_definitions)]
            #[macro_export]
            macro_rules! #marker { () => {}; }
            #requires
            __health::submit! { __health::CheckDef {
                name: #name,
                options: __health::CheckOptions::new() #(#options)*,
                origin: __health::origin!(),
                needs: &[#(#needs),*],
                run: #run,
            } }
        };
    }
}

/// A generated name that errors show at the user's tokens.
fn located(name: &str, at: Span) -> Ident {
    Ident::new(name, Span::call_site().located_at(at))
}

/// The proof that the state provides each parameter.
fn requires(spec: &Spec) -> TokenStream {
    let ids = package::ids();
    let proof = |Param { cfg, ty, .. }: &Param| match &spec.source {
        Source::Late => TokenStream::new(),
        Source::Named(state) => quote!(#cfg __health::require_from::<#state, #ty>();),
        Source::Package => {
            let (only, ids) = (ids.iter().map(|(only, _)| only), ids.iter().map(|(_, id)| id));
            quote!(#(#only #cfg __health::require::<__health::Package<#ids>, #ty, _>();)*)
        }
    };
    spec.function.params.iter().map(proof).collect()
}

fn setting(setting: &Setting) -> TokenStream {
    let method = |key: &str| Ident::new(key, Span::call_site());
    match *setting {
        Setting::Flag(key) => {
            let key = method(key);
            quote!(.#key())
        }
        Setting::CriticalFor(probe) => {
            let probe = format_ident!("{probe:?}");
            quote!(.critical_for(__health::Probe::#probe))
        }
        Setting::Duration(key, milliseconds) => {
            let key = method(key);
            quote!(.#key(__health::Duration::from_millis(#milliseconds)))
        }
        Setting::Count(key, count) => {
            let (key, count) = (method(key), Literal::u32_unsuffixed(count));
            quote!(.#key(#count))
        }
    }
}

fn need(Param { cfg, name, ty, .. }: &Param) -> TokenStream {
    quote!(#cfg __health::Need::of::<#ty>(#name))
}

fn run(function: &Function) -> TokenStream {
    let at_name = Span::call_site().located_at(function.name.span());
    let mut callee = function.name.clone();
    callee.set_span(at_name);
    let arguments = function.params.iter().map(argument);
    let result = result_type(function.output.as_ref());
    let call = quote_spanned!(at_name=> #callee(#(#arguments),*));
    if !function.is_async {
        let cx = context(function);
        return quote!(__health::Run::Blocking(|#cx| __health::outcome::<#result, _>(#call)));
    }
    let outcome = quote!(__health::outcome::<#result, _>(#call.await));
    if function.params.is_empty() {
        let run = quote_spanned!(at_name=> __health::run(async { #outcome }));
        return quote!(__health::Run::Async(|_| #run));
    }
    let run = quote_spanned!(at_name=> __health::run(async move { #outcome }));
    quote!(__health::Run::Async(|__cx| {
        let __cx = __health::Clone::clone(__cx);
        #run
    }))
}

fn context(function: &Function) -> TokenStream {
    if function.params.is_empty() { quote!(_) } else { quote!(__cx) }
}

fn argument(Param { cfg, ty, by_value, .. }: &Param) -> TokenStream {
    if *by_value {
        quote!(#cfg __health::cloned::<#ty>(__cx.get()))
    } else {
        quote!(#cfg __cx.get::<#ty>())
    }
}

/// What stands in the turbofish, so that rustc reports a type that is no
/// result there. `impl Trait` may not, so `_` stands at its place.
fn result_type(output: Option<&TokenStream>) -> TokenStream {
    let Some(output) = output else { return quote!(()) };
    if !has_impl(output.clone()) {
        return output.clone();
    }
    let first = output.clone().into_iter().next();
    let span = first.map_or_else(Span::call_site, |first| first.span());
    quote_spanned!(Span::call_site().located_at(span)=> _)
}
