//! Generates the tokens of a [`Spec`]. Cannot fail.

use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Member;
use syn::ext::IdentExt;

use crate::item::{Function, Param, has_impl, self_alias};
use crate::package;
use crate::rules::folded;
use crate::spec::{Field, Setting, Source, Spec, Subject};
use crate::tokens::{ends, is_punct, is_word, without_self};
use crate::value::CheckPath;

const PREFIX: &str = "__health_check_";

/// Generates the registration of one check, next to the unchanged function:
///
/// ```text
/// ::health_core::__private::check! { fn __health_check_orders {
///     macro_rules! there_is_already_a_health_check_named__orders { () => {}; }
///     const _: () = {
///         let __state = __health::state_of::<__health::Package<397>, _>();
///         __health::require::<PgPool, __health::Inferred<_>, _>(&__state);
///     };
///     __health::submit! { __health::CheckDef {
///         name: "orders",
///         options: || __health::CheckOptions::new()
///             .timeout(__health::Duration::from_millis(2000u64))
///             .after([db::__health_check_database().name]),
///         origin: __health::origin!(),
///         needs: &[__health::Need::of::<PgPool>("pool")],
///         run: {
///             fn __call(__cx: &__health::Context) -> impl __health::Future<Output = bool> + __health::Send + '_ {
///                 orders(__cx.get())
///             }
///             __health::Run::Async(|__cx| __health::run::<bool, _, _>(__cx, __call))
///         },
///     } }
///     const _: () = __health::assert_acyclic(db::__health_check_database(), "orders");
///     static __DEPENDENCY: __health::Dependency = __health::Dependency {
///         name: "orders",
///         after: &[db::__health_check_database()],
///     };
///     &__DEPENDENCY
/// } }
/// ```
///
/// `check!` turns it into a `const fn() -> &'static Dependency` with the visibility
/// of the function. `after(db::database)` becomes a call of the function
/// `db::__health_check_database`, so rustc reports a path that is no check as a
/// missing function.
///
/// It is a function instead of a type with the check's name, because a check is
/// often named after the crate that it uses: next to a type `redis`, the path
/// `redis::Client` would not resolve. A function is also allowed in an `impl`,
/// so it works for methods.
///
/// All tokens have the spans of the user's tokens, but are resolved as
/// generated code, so that no lint applies to them.
pub(crate) fn expand(spec: &Spec, root: &TokenStream) -> TokenStream {
    let name = &spec.name;
    let Parts {
        head,
        proofs,
        needs,
        run,
    } = match &spec.subject {
        Subject::Function(function) => of_function(spec, function),
        Subject::Field(field) => of_field(spec, field),
    };
    let marker = marker(name, spec.name_span);
    let (after, order) = after(spec);
    let options = spec.settings.iter().map(setting).chain(after);
    quote! {
        #root::__private::check! { #head {
            #marker
            #proofs
            __health::submit! { __health::CheckDef {
                name: #name,
                options: || __health::CheckOptions::new() #(#options)*,
                origin: __health::origin!(),
                needs: &[#needs],
                run: #run,
            } }
            #order
        } }
    }
}

/// What differs between the registrations of functions and of fields.
struct Parts {
    /// The signature of the registration.
    head: TokenStream,
    /// The items that prove the declaration.
    proofs: TokenStream,
    needs: TokenStream,
    run: TokenStream,
}

fn of_function(spec: &Spec, function: &Function) -> Parts {
    let Function {
        cfg, visibility, ..
    } = function;
    let registration = registration_of(&function.name, Span::call_site());
    let own = function.owner.as_ref().map(own_type);
    let requires = requires(spec, &function.params);
    let needs = function.params.iter().map(need);
    Parts {
        head: quote!(#cfg #visibility fn #registration),
        proofs: quote!(#own #requires),
        needs: quote!(#(#needs),*),
        run: run(function, spec.is_local),
    }
}

/// The registration of a field, next to the implementations of the derive:
///
/// ```text
/// needs: &[__health::Need::field::<AppState, PgPool>("pool")],
/// run: __health::Run::Field(|__cx| {
///     __health::field_check::<PgPool, __health::Inferred<_>, _>(
///         __cx,
///         |__cx| __cx.field(|__state: &AppState| &__state.pool),
///         ping,
///     )
/// }),
/// ```
///
/// A field of type `Option<PgPool>` is checked as a `PgPool`:
///
/// ```text
/// run: __health::Run::OptionalField {
///     is_some: |__cx| __cx.field(|__state: &AppState| &__state.pool).is_some(),
///     make: |__cx| {
///         __health::field_check::<PgPool, __health::Inferred<_>, _>(
///             __cx,
///             |__cx| __cx.some_field(|__state: &AppState| &__state.pool),
///             ping,
///         )
///     },
/// },
/// ```
fn of_field(spec: &Spec, field: &Field) -> Parts {
    let Field {
        visibility,
        state,
        member,
        ty,
        some,
        check,
        ..
    } = field;
    let label = member.to_token_stream().to_string();
    let registration = match member {
        Member::Named(name) => registration_of(name, Span::call_site()),
        Member::Unnamed(index) => format_ident!("{PREFIX}{}", index.index),
    };
    let make = if spec.is_local {
        quote!(local_field_check)
    } else {
        quote!(field_check)
    };
    // rustc reports an unsupported check at this type argument
    let check_type = around(check, &quote!(__health::Inferred < _), &quote!(>));
    let get = quote!(|__state: &#state| &__state.#member);
    let run = match some {
        None => {
            let work = quote!(__health::#make::<#ty, #check_type, _>);
            quote!(Field(|__cx| #work(__cx, |__cx| __cx.field(#get), #check)))
        }
        Some(some) => {
            let work = quote!(__health::#make::<#some, #check_type, _>);
            quote!(OptionalField {
                is_some: |__cx| __cx.field(#get).is_some(),
                make: |__cx| #work(__cx, |__cx| __cx.some_field(#get), #check),
            })
        }
    };
    Parts {
        head: quote!(#visibility fn #registration),
        proofs: TokenStream::new(),
        needs: quote!(__health::Need::field::<#state, #ty>(#label)),
        run: quote!(__health::Run::#run),
    }
}

/// Returns the name of the generated function. rustc may suggest it for a
/// misspelled check in `after`, so it is accepted there, too.
fn registration_of(function: &Ident, at: Span) -> Ident {
    let name = function.unraw().to_string();
    let name = name.strip_prefix(PREFIX).unwrap_or(&name);
    Ident::new(&format!("{PREFIX}{name}"), at)
}

/// Defines `Self` for the items in the registration of a method.
fn own_type(owner: &TokenStream) -> TokenStream {
    let alias = self_alias();
    quote!(type #alias = #owner;)
}

/// Generates the option `after`, and the end of the registration: the link of
/// this check to its prerequisites.
fn after(spec: &Spec) -> (Option<TokenStream>, TokenStream) {
    let name = &spec.name;
    if spec.after.is_empty() {
        return (
            None,
            quote!(&__health::Dependency { name: #name, after: &[] }),
        );
    }
    let links: Vec<_> = spec.after.iter().map(link).collect();
    let no_circle = links.iter().map(|link| {
        // rustc reports a cycle at the call, whose span must cover the path
        let (start, end) = ends(link);
        let walk = quote_spanned!(start=> __health::assert_acyclic);
        let arguments = quote_spanned!(end=> (#link, #name));
        quote!(const _: () = #walk #arguments;)
    });
    let option = quote!(.after([#(#links.name),*]));
    let order = quote! {
        #(#no_circle)*
        static __DEPENDENCY: __health::Dependency = __health::Dependency { name: #name, after: &[#(#links),*] };
        &__DEPENDENCY
    };
    (Some(option), order)
}

/// Turns `db::database` into `db::__health_check_database()` with the span of
/// the path.
fn link(CheckPath { parent, name, .. }: &CheckPath) -> TokenStream {
    let at = Span::call_site().located_at(name.span());
    let parent = without_self(parent.clone(), &self_alias());
    let registration = registration_of(name, at);
    let call = quote_spanned!(at=> #registration());
    quote!(#parent #call)
}

/// Generates an item that collides with a second check of the same name in the
/// crate.
fn marker(name: &str, at: Span) -> TokenStream {
    let at = Span::call_site().located_at(at);
    let marker = format!("there_is_already_a_health_check_named__{}", folded(name));
    let marker = Ident::new(&marker, at);
    quote_spanned! {at=>
        #[doc(hidden)]
        #[allow(non_local_definitions)]
        #[macro_export]
        macro_rules! #marker { () => {}; }
    }
}

/// Generates the proof that the state provides each parameter. It is in a
/// separate const, where rustc reports a misspelled type with the same text as
/// in `needs`, and therefore only once.
fn requires(spec: &Spec, params: &[Param]) -> TokenStream {
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
        quote!(#cfg __health::require::<#ty, #state, _>(&__state);)
    });
    quote!(const _: () = { #state #(#proofs)* };)
}

/// Generates the state of the package with this ID.
fn state_of(first: &Param, only: &TokenStream, id: &Literal) -> TokenStream {
    let package = around(&first.ty, &quote!(__health::Package<#id), &quote!(>));
    quote!(#only let __state = __health::state_of::<#package, _>();)
}

/// Generates code with exactly the span of the type, where rustc reports
/// errors.
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
    match setting {
        Setting::Flag(key) => {
            let key = method(key);
            quote!(.#key())
        }
        Setting::CriticalFor(probe) => {
            let probe = format_ident!("{probe:?}");
            quote!(.critical_for(__health::Probe::#probe))
        }
        Setting::Observes(unit) => {
            let unit = format_ident!("{unit:?}");
            quote!(.observes(__health::Unit::#unit))
        }
        Setting::Duration(key, milliseconds) => {
            let key = method(key);
            quote!(.#key(__health::Duration::from_millis(#milliseconds)))
        }
        Setting::Count(key, count) => {
            let (key, count) = (method(key), Literal::u32_unsuffixed(*count));
            quote!(.#key(#count))
        }
        Setting::Text(key, text) => {
            let key = method(key);
            quote!(.#key(#text))
        }
        Setting::Texts(key, texts) => {
            let key = method(key);
            quote!(.#key([#(#texts),*]))
        }
    }
}

fn need(Param { cfg, name, ty, .. }: &Param) -> TokenStream {
    quote!(#cfg __health::Need::of::<#ty>(#name))
}

fn run(function: &Function, is_local: bool) -> TokenStream {
    let at_name = Span::call_site().located_at(function.name.span());
    let mut callee = function.name.clone();
    callee.set_span(at_name);
    let arguments = function.params.iter().map(argument);
    let owner = function.owner.as_ref().map(|_| self_alias()).into_iter();
    let call = quote_spanned!(at_name=> #(#owner::)* #callee(#(#arguments),*));
    let result = result_type(function.output.as_ref());
    let cx = if function.params.is_empty() {
        quote!(_)
    } else {
        quote!(__cx)
    };
    if !function.is_async {
        return quote!(__health::Run::Blocking(|#cx| __health::outcome::<#result, _>(#call)));
    }
    let own_future = |run| {
        let run = quote_spanned!(at_name=> __health::#run(async move {
            __health::outcome::<#result, _>(#call.await)
        }));
        quote!(|__cx| {
            let __cx = __health::Clone::clone(__cx);
            #run
        })
    };
    if is_local {
        let run = own_future(quote!(run_local));
        return quote!(__health::Run::Local(#run));
    }
    if function.output.as_ref().is_some_and(needs_own_future) {
        let run = own_future(quote!(run_future));
        return quote!(__health::Run::Async(#run));
    }
    // rustc reports a future that is not `Send` at the `impl`, and names the function
    let future =
        quote_spanned!(at_name=> impl __health::Future<Output = #result> + __health::Send + '_);
    quote!({
        fn __call(#cx: &__health::Context) -> #future { #call }
        __health::Run::Async(|__cx| __health::run::<#result, _, _>(__cx, __call))
    })
}

/// Returns whether the result borrows from a parameter or has an opaque type.
/// Such a type cannot be named outside the future. A generated future costs a
/// third more compile time than a function that returns the user's future.
fn needs_own_future(output: &TokenStream) -> bool {
    let borrows = |token| match token {
        TokenTree::Group(group) => needs_own_future(&group.stream()),
        token => is_punct(&token, '&') || is_word(&token, "_"),
    };
    has_impl(output.clone()) || output.clone().into_iter().any(borrows)
}

/// Omits a type that the function's signature contains, because a misspelled
/// type is an error in each place.
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

/// Returns the type in the turbofish, at which rustc reports an unsupported
/// result. `impl Trait` is not allowed there and is replaced by `_`.
fn result_type(output: Option<&TokenStream>) -> TokenStream {
    let Some(output) = output else {
        return quote!(());
    };
    if !has_impl(output.clone()) {
        return output.clone();
    }
    quote_spanned!(ends(output).0=> _)
}
