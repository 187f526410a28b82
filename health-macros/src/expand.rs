//! [`Spec`] → tokens. Cannot fail.

use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use crate::item::{Function, Param, has_impl};
use crate::package;
use crate::spec::{Setting, Source, Spec, fold};
use crate::tokens::{ends, is_punct, is_word};

/// The registration of one check, beside the untouched function:
///
/// ```text
/// const __health_check_database: () = {
///     use ::health_core::__private as __health;
///     macro_rules! there_is_already_a_health_check_named__database { () => {}; }
///     const _: () = {
///         let __state = __health::state_of::<__health::Package<397>, _>();
///         __health::require::<PgPool, __health::Inferred<_>>(&__state);
///     };
///     __health::submit! { __health::CheckDef {
///         name: "database",
///         options: __health::CheckOptions::new().timeout(__health::Duration::from_millis(2000u64)),
///         origin: __health::origin!(),
///         needs: &[__health::Need::of::<PgPool>("pool")],
///         run: {
///             fn __call(__cx: &__health::Context) -> impl __health::Future<Output = bool> + __health::Send + '_ {
///                 database(__cx.get())
///             }
///             __health::Run::Async(|__cx| __health::run::<bool, _, _>(__cx, __call))
///         },
///     } }
/// };
/// ```
///
/// All of it is located at the user's tokens, but resolved as generated code,
/// so that no lint takes it for theirs.
pub(crate) fn expand(spec: &Spec, root: &TokenStream) -> TokenStream {
    let Spec { name, function, .. } = spec;
    let holder = format_ident!("__health_check_{}", function.name.unraw());
    let marker = marker(name, spec.name_span);
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
            #marker
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

/// What a second check of this name in the crate collides with.
fn marker(name: &str, at: Span) -> TokenStream {
    let at = Span::call_site().located_at(at);
    let marker = format!("there_is_already_a_health_check_named__{}", fold(name));
    let marker = Ident::new(&marker, at);
    quote_spanned! {at=>
        #[doc(hidden)]
        #[allow(non_local_definitions)]
        #[macro_export]
        macro_rules! #marker { () => {}; }
    }
}

/// The proof that the state provides each parameter; in a const of its own,
/// where rustc words a misspelt type as it does in `needs`, and says it once.
fn requires(spec: &Spec) -> TokenStream {
    let params = &spec.function.params;
    let Some(first) = params.first() else {
        return TokenStream::new();
    };
    let state = match &spec.source {
        Source::Late => return TokenStream::new(),
        Source::Named(state) => quote!(let __state = __health::Found::<#state>::named();),
        Source::Package => package::ids()
            .iter()
            .map(|(only, id)| state_of(first, only, id))
            .collect(),
    };
    let proofs = params.iter().map(|Param { cfg, ty, .. }| {
        let state = around(ty, &quote!(__health::Inferred < _), &quote!(>));
        quote!(#cfg __health::require::<#ty, #state>(&__state);)
    });
    quote!(const _: () = { #state #(#proofs)* };)
}

/// The state of the package with this number.
fn state_of(first: &Param, only: &TokenStream, id: &Literal) -> TokenStream {
    let package = around(&first.ty, &quote!(__health::Package<#id), &quote!(>));
    quote!(#only let __state = __health::state_of::<#package, _>();)
}

/// Generated code that spans the type exactly, where rustc will show it.
fn around(ty: &TokenStream, head: &TokenStream, tail: &TokenStream) -> TokenStream {
    let (start, end) = ends(ty);
    respan(head, start).chain(respan(tail, end)).collect()
}

fn respan(tokens: &TokenStream, span: Span) -> impl Iterator<Item = TokenTree> {
    tokens.clone().into_iter().map(move |mut token| {
        token.set_span(span);
        token
    })
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
    let call = quote_spanned!(at_name=> #callee(#(#arguments),*));
    let result = result_type(function.output.as_ref());
    let cx = if function.params.is_empty() {
        quote!(_)
    } else {
        quote!(__cx)
    };
    if !function.is_async {
        return quote!(__health::Run::Blocking(|#cx| __health::outcome::<#result, _>(#call)));
    }
    if function.output.as_ref().is_some_and(needs_own_future) {
        let run = quote_spanned!(at_name=> __health::run_future(async move {
            __health::outcome::<#result, _>(#call.await)
        }));
        return quote!(__health::Run::Async(|__cx| {
            let __cx = __health::Clone::clone(__cx);
            #run
        }));
    }
    // rustc reports a future that is not `Send` at the `impl`, and names the function
    let future =
        quote_spanned!(at_name=> impl __health::Future<Output = #result> + __health::Send + '_);
    quote!({
        fn __call(#cx: &__health::Context) -> #future { #call }
        __health::Run::Async(|__cx| __health::run::<#result, _, _>(__cx, __call))
    })
}

/// Whether the result borrows from a parameter or hides its type. Such a type
/// cannot be named outside the future; a future of our own costs rustc a
/// third more than a function that returns the user's.
fn needs_own_future(output: &TokenStream) -> bool {
    let borrows = |token| match token {
        TokenTree::Group(group) => needs_own_future(&group.stream()),
        token => is_punct(&token, '&') || is_word(&token, "_"),
    };
    has_impl(output.clone()) || output.clone().into_iter().any(borrows)
}

/// A type that is misspelt is an error wherever it is named, so it is not named
/// where the function's signature says it.
fn argument(
    Param {
        cfg, ty, by_value, ..
    }: &Param,
) -> TokenStream {
    if *by_value {
        quote!(#cfg __health::cloned::<#ty>(__cx.get()))
    } else {
        quote!(#cfg __cx.get())
    }
}

/// What stands in the turbofish, so that rustc reports a type that is no
/// result there. `impl Trait` may not, so `_` stands at its place.
fn result_type(output: Option<&TokenStream>) -> TokenStream {
    let Some(output) = output else {
        return quote!(());
    };
    if !has_impl(output.clone()) {
        return output.clone();
    }
    quote_spanned!(ends(output).0=> _)
}
