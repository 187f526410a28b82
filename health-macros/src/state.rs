//! `#[derive(HealthState)]`: every field can be a parameter of a check.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, Data, DeriveInput, Field, Member, Type};

use crate::diag::{Diag, Place, nearest};
use crate::package;
use crate::tokens::{ends, pretty, split_at_commas, without_self};

/// A state that obeys every rule.
struct State {
    name: Ident,
    is_secondary: bool,
    /// The types of all fields: each must be one that threads can share.
    fields: Vec<Type>,
    provided: Vec<Provided>,
}

/// A type that the state provides, and where it is.
struct Provided {
    ty: Type,
    from: Member,
    /// The value behind an `Arc`, not the `Arc`.
    is_behind_arc: bool,
}

/// The implementations, and errors for whatever stands in their way. What can
/// be provided is, so that no check is blamed for a mistake in the state.
pub(crate) fn derive(input: TokenStream, root: &TokenStream) -> TokenStream {
    let diag = Diag::new();
    let state = match syn::parse2(input) {
        Ok(input) => validate(input, &diag),
        // rustc has parsed it before, so this is syntax that syn does not know
        Err(error) => {
            drop(diag.finish());
            return error.into_compile_error();
        }
    };
    let implementations = state.map(|state| expand(&state, root));
    let errors = diag.finish();
    quote!(#implementations #errors)
}

fn validate(input: DeriveInput, diag: &Diag) -> Option<State> {
    let is_secondary = has_word(&input.attrs, "secondary", "the struct", diag);
    let fields = match input.data {
        Data::Struct(data) => data.fields,
        Data::Enum(data) => return refuse(&data.enum_token, "enum", diag),
        Data::Union(data) => return refuse(&data.union_token, "union", diag),
    };
    check_not_generic(&input.ident, &input.generics, diag)?;
    let fields: Vec<_> = fields
        .members()
        .zip(fields.iter().map(|field| spelt_out(field, &input.ident)))
        .collect();
    let mut provided = Vec::new();
    for (from, field) in &fields {
        if !has_word(&field.attrs, "skip", "a field", diag) && check_single(field, &provided, diag)
        {
            provided.push(Provided {
                ty: field.ty.clone(),
                from: from.clone(),
                is_behind_arc: false,
            });
        }
    }
    provide_behind_arcs(&input.ident, &mut provided);
    let fields = fields.into_iter().map(|(_, field)| field.ty).collect();
    Some(State {
        name: input.ident,
        is_secondary,
        fields,
        provided,
    })
}

fn refuse(keyword: &impl ToTokens, kind: &str, diag: &Diag) -> Option<State> {
    let help = format!("put the {kind} into a field of a struct");
    diag.error(&Place::item(keyword), "`HealthState` is for structs", help);
    None
}

/// A check finds its values by concrete types, and one state by the package.
fn check_not_generic(name: &Ident, generics: &syn::Generics, diag: &Diag) -> Option<()> {
    if generics.params.is_empty() {
        return Some(());
    }
    let what = format!("`{name}` is generic, and checks find the state by its concrete type");
    let params = &generics.params;
    let help = "write the concrete types into the struct, or put it into a field of one that has no parameters";
    diag.error(&Place::item(params), what, help);
    None
}

/// The field with `Self`, which is unknown outside the struct, spelt out.
fn spelt_out(field: &Field, name: &Ident) -> Field {
    let ty = syn::parse2(without_self(field.ty.to_token_stream(), name));
    Field {
        ty: ty.unwrap_or_else(|_| field.ty.clone()),
        ..field.clone()
    }
}

/// Compared as written; two spellings of one type are left to rustc.
fn check_single(field: &Field, provided: &[Provided], diag: &Diag) -> bool {
    let is_new = !provides(provided, &field.ty);
    if !is_new {
        let what = format!("two fields provide `{}` to health checks", text(&field.ty));
        let help = "put `#[health(skip)]` on one of them, or give one a type of its own";
        diag.error(&Place::item(&field.ty), what, help);
    }
    is_new
}

fn provides(provided: &[Provided], ty: &Type) -> bool {
    provided.iter().any(|other| text(&other.ty) == text(ty))
}

fn text(ty: &Type) -> String {
    pretty(&ty.to_token_stream())
}

/// `Arc<T>` serves `&T` too, unless another field does.
fn provide_behind_arcs(name: &Ident, provided: &mut Vec<Provided>) {
    let inner = |field: &Provided| {
        let ty = behind_arc(&field.ty)?.clone();
        Some(Provided {
            ty,
            from: field.from.clone(),
            is_behind_arc: true,
        })
    };
    let behind: Vec<Provided> = provided.iter().filter_map(inner).collect();
    for value in behind {
        if *name != text(&value.ty) && !provides(provided, &value.ty) {
            provided.push(value);
        }
    }
}

/// The `T` of `Arc<T>`, if it has a size by its look.
fn behind_arc(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path
        .path
        .segments
        .last()
        .filter(|last| last.ident == "Arc")?;
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let mut arguments = arguments.args.iter();
    let (Some(syn::GenericArgument::Type(inner)), None) = (arguments.next(), arguments.next())
    else {
        return None;
    };
    has_size(inner).then_some(inner)
}

fn has_size(ty: &Type) -> bool {
    const UNSIZED: [&str; 4] = ["str", "Path", "OsStr", "CStr"];
    match ty {
        Type::TraitObject(_) | Type::Slice(_) => false,
        Type::Path(path) => {
            let last = path.path.segments.last();
            !last.is_some_and(|last| UNSIZED.iter().any(|name| last.ident == name))
        }
        Type::Paren(paren) => has_size(&paren.elem),
        Type::Group(group) => has_size(&group.elem),
        _ => true,
    }
}

/// Whether `#[health(word)]` is among the attributes of something that may
/// have this word and no other. A misspelt one is reported, and counts.
fn has_word(attributes: &[Attribute], word: &str, on: &str, diag: &Diag) -> bool {
    let mut found = false;
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("health"))
    {
        let words = words_of(attribute);
        if words.is_empty() {
            let help = format!("write `#[health({word})]`");
            diag.error(
                &Place::item(&attribute.meta),
                "`#[health]` says nothing here",
                help,
            );
        }
        for given in words {
            let text = given.to_string();
            if text == word && !found {
                found = true;
                continue;
            }
            found |= nearest(&text, [word]).is_some();
            let (what, help) = wrong_word(&text, word, on);
            diag.error(&Place::item(given), what, help);
        }
    }
    found
}

/// What stands between the commas of `#[health(..)]`.
fn words_of(attribute: &Attribute) -> Vec<TokenStream> {
    let list = attribute
        .meta
        .require_list()
        .map(|list| list.tokens.clone());
    split_at_commas(list.unwrap_or_default())
        .into_iter()
        .map(|(word, _)| word)
        .collect()
}

fn wrong_word(given: &str, word: &str, on: &str) -> (String, String) {
    if given == word {
        return (
            format!("`{word}` is set twice"),
            "keep one of the two".into(),
        );
    }
    let other_place = match given {
        "skip" => Some("a field"),
        "secondary" => Some("the struct"),
        _ => None,
    };
    if let Some(place) = other_place {
        return (
            format!("`{given}` goes on {place}, not on {on}"),
            format!("move `#[health({given})]` there"),
        );
    }
    let help = match nearest(given, [word]) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("on {on} it is `#[health({word})]`"),
    };
    (format!("unknown option `{given}`"), help)
}

fn expand(state: &State, root: &TokenStream) -> TokenStream {
    let State {
        name,
        fields,
        provided,
        ..
    } = state;
    let getters = provided.iter().map(|value| getter(name, value));
    let lookups = provided.iter().map(lookup);
    let registration = registration(state);
    quote! {
        const _: () = {
            use #root::__private as __health;
            #(__health::field::<#fields>();)*
            #(#getters)*
            #[automatically_derived]
            impl __health::Provide<#name> for #name {
                fn provide(&self) -> &#name { self }
            }
            #[automatically_derived]
            impl __health::HealthState for #name
            where
                #(for<'any> #fields: __health::Shared,)*
            {
                fn lookup(&self, wanted: __health::TypeId) -> __health::Option<&dyn __health::Any> {
                    #(#lookups)*
                    if wanted == __health::TypeId::of::<#name>() {
                        return __health::Option::Some(self);
                    }
                    __health::Option::None
                }
            }
            #registration
        };
    }
}

fn getter(name: &Ident, value: &Provided) -> TokenStream {
    let Provided { ty, .. } = value;
    let field = reference(value);
    // two spellings of one type are E0119, which rustc shows at the two headers
    let (start, end) = ends(&ty.to_token_stream());
    let start = quote_spanned!(start=> impl __health::Provide);
    let name = Ident::new(&name.to_string(), end);
    quote_spanned! {end=>
        #[automatically_derived]
        #start<#ty> for #name {
            fn provide(&self) -> &#ty { #field }
        }
    }
}

fn lookup(value: &Provided) -> TokenStream {
    let Provided { ty, .. } = value;
    let field = reference(value);
    quote! {
        if wanted == __health::TypeId::of::<#ty>() {
            return __health::Option::Some(#field);
        }
    }
}

fn reference(
    Provided {
        from,
        is_behind_arc,
        ..
    }: &Provided,
) -> TokenStream {
    if *is_behind_arc {
        quote!(&*self.#from)
    } else {
        quote!(&self.#from)
    }
}

/// What makes it the state of the package, unless it is a secondary one.
fn registration(state: &State) -> TokenStream {
    if state.is_secondary {
        return TokenStream::new();
    }
    let name = &state.name;
    let marker = package::state_marker(name.span());
    let tags = package::ids().into_iter().map(|(cfg, id)| {
        quote! {
            #cfg
            #[automatically_derived]
            impl __health::StateOf<#name> for __health::Package<#id> {}
        }
    });
    quote! {
        #marker
        #[automatically_derived]
        impl __health::App for #name {
            type State = #name;
        }
        #(#tags)*
    }
}
