//! `#[derive(HealthState)]`: every field can be a parameter of a check.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, Data, DeriveInput, Field, GenericParam, Generics, Member, Type, Visibility};

use crate::args::Args;
use crate::diag::{Diag, Place, nearest};
use crate::spec::{Spec, Subject};
use crate::tokens::{ends, pretty, split_at_commas, without_self};
use crate::{args, check, item, package, spec};

/// A valid state.
struct State {
    name: Ident,
    generics: Generics,
    is_secondary: bool,
    /// The types of all fields, which must be `Sync`.
    fields: Vec<Type>,
    provided: Vec<Provided>,
    /// The fields that are states themselves.
    nested: Vec<(Member, Type)>,
    /// The checks that are declared on its fields.
    checks: Vec<Spec>,
}

/// A type that the state provides, and its position.
struct Provided {
    ty: Type,
    from: Member,
    /// Whether the value is inside an `Arc`.
    is_behind_arc: bool,
    /// More than one field has this type, so that it is not found by the type.
    is_ambiguous: bool,
}

/// A field and its attributes.
struct Read {
    member: Member,
    ty: Type,
    is_skipped: bool,
    is_nested: bool,
    check: Option<Spec>,
}

/// Returns the implementations and the errors. Valid fields are still provided,
/// so that a mistake in the state causes no errors at the checks.
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
    let errors = diag.finish();
    let implementations = state.as_ref().map(|state| expand(state, root));
    let checks = state.iter().flat_map(|state| &state.checks);
    let registrations = checks
        .filter(|_| errors.is_empty())
        .map(|spec| check::registration(spec, root));
    quote!(#implementations #(#registrations)* #errors)
}

/// The positions of the options of the fields in the order of the report; no
/// attribute has that many.
const PLACES_PER_FIELD: usize = 1_000;

fn validate(input: DeriveInput, diag: &Diag) -> Option<State> {
    let is_secondary = is_secondary(&input.attrs, diag);
    let fields = match input.data {
        Data::Struct(data) => data.fields,
        Data::Enum(data) => return refuse(&data.enum_token, "enum", diag),
        Data::Union(data) => return refuse(&data.union_token, "union", diag),
    };
    check_no_lifetimes(&input.ident, &input.generics, diag)?;
    let members = fields.members().zip(&fields).zip(1..);
    let fields: Vec<Read> = members
        .map(|((member, field), nth)| {
            let field = spelt_out(field, &input.ident);
            let args = options(&field.attrs, &input.ident, nth * PLACES_PER_FIELD, diag);
            read_field(member, field, args, (&input.ident, &input.vis), diag)
        })
        .collect();
    if fields.iter().any(|field| field.check.is_some()) {
        check_not_generic(&input.ident, &input.generics, diag)?;
    }
    let mut provided = Vec::new();
    for field in fields.iter().filter(|field| field.is_provided()) {
        provide(&mut provided, &field.ty, &field.member, false);
    }
    let nested = fields.iter().filter(|field| field.is_nested);
    let nested = nested.map(|field| (field.member.clone(), field.ty.clone()));
    let nested: Vec<_> = nested.collect();
    provide_behind_arcs(&input.ident, &nested, &mut provided);
    let (types, checks): (Vec<_>, Vec<_>) = fields
        .into_iter()
        .map(|field| (field.ty, field.check))
        .unzip();
    Some(State {
        name: input.ident,
        generics: input.generics,
        is_secondary,
        fields: types,
        provided,
        nested,
        checks: checks.into_iter().flatten().collect(),
    })
}

/// The `#[health(..)]` attributes of a field, as one list.
fn options(attributes: &[Attribute], state: &Ident, first: usize, diag: &Diag) -> Args {
    let mut written = TokenStream::new();
    for attribute in of_health(attributes) {
        let tokens = tokens_of(attribute);
        if tokens.is_empty() {
            nothing_said(attribute, "skip", first, diag);
        }
        if !written.is_empty() && !tokens.is_empty() {
            quote!(,).to_tokens(&mut written);
        }
        written.extend(without_self(tokens, state));
    }
    args::parse_field(written, first, diag)
}

fn read_field(
    member: Member,
    field: Field,
    mut args: Args,
    (state, visibility): (&Ident, &Visibility),
    diag: &Diag,
) -> Read {
    let is_skipped = args.skip.get().is_some();
    let is_nested = args.nested.get().is_some();
    if let (Some(skip), Some(_)) = (args.skip.get(), args.nested.get()) {
        let what = "`skip` and `nested` cannot be combined";
        diag.error(&skip.key, what, "keep one of the two");
    }
    let check = std::mem::take(&mut args.check);
    if !check.is_mentioned() {
        check_no_options_without_check(&args, diag);
    }
    let check = check.into_value().map(|check| {
        let subject = Subject::Field(spec::Field {
            visibility: visibility.to_token_stream(),
            state: state.clone(),
            member: member.clone(),
            ty: field.ty.to_token_stream(),
            some: argument_of(&field.ty, "Option").map(ToTokens::to_token_stream),
            description: item::description(&field.attrs),
            check: check.0,
        });
        spec::validate(args, subject, diag)
    });
    Read {
        member,
        ty: field.ty,
        is_skipped,
        is_nested,
        check,
    }
}

impl Read {
    /// Whether the whole field can be a parameter. A nested state provides itself,
    /// but not the `Arc` around it.
    fn is_provided(&self) -> bool {
        !self.is_skipped && (!self.is_nested || behind_arc(&self.ty).is_some())
    }
}

/// The options of a field that do not belong to a check.
const OF_PARAMETERS: [&str; 2] = ["skip", "nested"];

fn check_no_options_without_check(args: &Args, diag: &Diag) {
    if let Some((key, place)) = args
        .keys
        .iter()
        .find(|(key, _)| !OF_PARAMETERS.contains(key))
    {
        let what = format!("`{key}` is an option of a check, and this field has none");
        diag.error(place, what, "add the check: `check = path::to::function`");
    }
}

fn refuse(keyword: &impl ToTokens, kind: &str, diag: &Diag) -> Option<State> {
    let help = format!("put the {kind} into a field of a struct");
    diag.error(&Place::item(keyword), "`HealthState` is for structs", help);
    None
}

/// Reports a state that borrows: the checks need a `'static` state.
fn check_no_lifetimes(name: &Ident, generics: &Generics, diag: &Diag) -> Option<()> {
    let lifetime = generics.lifetimes().next();
    let Some(lifetime) = lifetime else {
        return Some(());
    };
    let what = format!("`{name}` borrows, and checks run as long as the program");
    let help = "own the values, or share them with `Arc`";
    diag.error(&Place::item(lifetime), what, help);
    None
}

/// Reports a check of a field of a generic state, since it is registered once, for
/// one type.
fn check_not_generic(name: &Ident, generics: &Generics, diag: &Diag) -> Option<()> {
    if generics.params.is_empty() {
        return Some(());
    }
    let what = format!("`{name}` is generic, and the check of a field needs its concrete type");
    let help = "write a function with `#[health_check]` that takes the field";
    diag.error(&Place::item(&generics.params), what, help);
    None
}

/// Replaces `Self` in the field, which is unknown outside of the struct.
fn spelt_out(field: &Field, name: &Ident) -> Field {
    let ty = syn::parse2(without_self(field.ty.to_token_stream(), name));
    Field {
        ty: ty.unwrap_or_else(|_| field.ty.clone()),
        ..field.clone()
    }
}

/// Compares the types as written; rustc reports two spellings of the same type.
fn provide(provided: &mut Vec<Provided>, ty: &Type, from: &Member, is_behind_arc: bool) {
    let same = provided
        .iter_mut()
        .find(|other| text(&other.ty) == text(ty));
    if let Some(other) = same {
        // a type that a field has goes before one that is behind an `Arc`
        other.is_ambiguous |= other.is_behind_arc == is_behind_arc;
        return;
    }
    provided.push(Provided {
        ty: ty.clone(),
        from: from.clone(),
        is_behind_arc,
        is_ambiguous: false,
    });
}

fn text(ty: &Type) -> String {
    pretty(&ty.to_token_stream())
}

/// Provides `&T` for `Arc<T>`, unless another field has the type `T`. A nested
/// `T` provides itself.
fn provide_behind_arcs(name: &Ident, nested: &[(Member, Type)], provided: &mut Vec<Provided>) {
    let inner = |field: &Provided| {
        if nested.iter().any(|(member, _)| *member == field.from) {
            return None;
        }
        let ty = behind_arc(&field.ty)?.clone();
        Some((ty, field.from.clone(), field.is_ambiguous))
    };
    let behind: Vec<_> = provided.iter().filter_map(inner).collect();
    for (ty, from, is_ambiguous) in behind {
        if *name == text(&ty) {
            continue;
        }
        provide(provided, &ty, &from, true);
        if is_ambiguous {
            provide(provided, &ty, &from, true);
        }
    }
}

/// Returns the `T` of `Arc<T>`, if it looks sized.
fn behind_arc(ty: &Type) -> Option<&Type> {
    argument_of(ty, "Arc").filter(|inner| has_size(inner))
}

/// Returns the `T` of a type that is written as `Generic<T>`, with or without a
/// path before it.
fn argument_of<'t>(ty: &'t Type, generic: &str) -> Option<&'t Type> {
    let Type::Path(path) = ty else { return None };
    let last = path
        .path
        .segments
        .last()
        .filter(|last| last.ident == generic)?;
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let mut arguments = arguments.args.iter();
    let (Some(syn::GenericArgument::Type(inner)), None) = (arguments.next(), arguments.next())
    else {
        return None;
    };
    Some(inner)
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

fn of_health(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("health"))
}

/// The arguments of `#[health(..)]`.
fn tokens_of(attribute: &Attribute) -> TokenStream {
    let list = attribute.meta.require_list();
    list.map(|list| list.tokens.clone()).unwrap_or_default()
}

fn nothing_said(attribute: &Attribute, word: &str, order: usize, diag: &Diag) {
    let help = format!("write `#[health({word})]`");
    let place = Place::option(order, &attribute.meta);
    diag.error(&place, "`#[health]` has no effect here", help);
}

/// Whether `#[health(secondary)]` is on the struct. A misspelled one is reported, and
/// treated as present.
fn is_secondary(attributes: &[Attribute], diag: &Diag) -> bool {
    const WORD: &str = "secondary";
    let mut found = false;
    for attribute in of_health(attributes) {
        let words = split_at_commas(tokens_of(attribute));
        if words.is_empty() {
            nothing_said(attribute, WORD, 0, diag);
        }
        for (given, _) in words {
            let text = given.to_string();
            if text == WORD && !found {
                found = true;
                continue;
            }
            found |= nearest(&text, [WORD]).is_some();
            let (what, help) = wrong_on_struct(&text, WORD);
            diag.error(&Place::option(0, given), what, help);
        }
    }
    found
}

fn wrong_on_struct(given: &str, word: &str) -> (String, String) {
    if given == word {
        return (
            format!("`{word}` is set twice"),
            "keep one of the two".into(),
        );
    }
    if given == "skip" {
        return (
            "`skip` goes on a field, not on the struct".into(),
            "move `#[health(skip)]` there".into(),
        );
    }
    let help = match nearest(given, [word]) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("on the struct it is `#[health({word})]`; checks are declared on fields"),
    };
    (format!("unknown option `{given}`"), help)
}

fn expand(state: &State, root: &TokenStream) -> TokenStream {
    let State {
        name,
        generics,
        fields,
        provided,
        nested,
        ..
    } = state;
    let (parameters, arguments, where_clause) = generics.split_for_impl();
    let provides = provided
        .iter()
        .enumerate()
        .map(|(nth, value)| provides(state, nth, value));
    let provides_nested = nested
        .iter()
        .zip(provided.len()..)
        .map(|((_, ty), nth)| provides_nested(state, nth, ty));
    let behind_arc = provides_arc(state);
    let lookups = provided
        .iter()
        .filter(|value| !value.is_ambiguous)
        .map(lookup);
    // At the type, where rustc reports a type that is not a state.
    let inner = nested.iter().map(|(member, ty)| {
        let (start, _) = ends(&ty.to_token_stream());
        quote_spanned!(start=> &self.#member)
    });
    let shared = generics.type_params().map(|parameter| &parameter.ident);
    let bounds = where_clause.map(|clause| clause.predicates.iter());
    let bounds = bounds.into_iter().flatten();
    let proofs = proofs(state);
    let registration = registration(state);
    quote! {
        const _: () = {
            use #root::__private as __health;
            #proofs
            #(#provides)*
            #(#provides_nested)*
            #behind_arc
            #[automatically_derived]
            impl #parameters __health::Provide<#name #arguments> for #name #arguments #where_clause {}
            #[automatically_derived]
            impl #parameters __health::HealthState for #name #arguments
            where
                #(#bounds,)*
                #(#shared: __health::Shared,)*
                #(for<'any> #fields: __health::Shared,)*
            {
                fn lookup(&self, wanted: __health::TypeId) -> __health::Option<&dyn __health::Any> {
                    #(#lookups)*
                    if wanted == __health::TypeId::of::<Self>() {
                        return __health::Option::Some(self);
                    }
                    #(
                        let __found = __health::HealthState::lookup(#inner, wanted);
                        if __health::Option::is_some(&__found) {
                            return __found;
                        }
                    )*
                    __health::Option::None
                }
            }
            #registration
        };
    }
}

/// Proves at the types of the fields that they can be shared. For a generic state
/// rustc only knows this where a concrete one is used.
fn proofs(state: &State) -> TokenStream {
    if !state.generics.params.is_empty() {
        return TokenStream::new();
    }
    let fields = &state.fields;
    quote!(#(__health::field::<#fields>();)*)
}

fn provides(state: &State, nth: usize, value: &Provided) -> TokenStream {
    let Provided {
        ty, is_ambiguous, ..
    } = value;
    let (parameters, arguments, _) = state.generics.split_for_impl();
    let name = &state.name;
    // `for<'any>`, because rustc rejects a plain bound that never holds
    let bound =
        is_ambiguous.then(|| quote!(for<'any> #ty: __health::OneFieldOf<#name #arguments>,));
    let bounds = state.generics.where_clause.iter();
    let bounds = bounds.flat_map(|clause| &clause.predicates);
    // A type parameter of the state may be the type of another field.
    let via = if state.generics.params.is_empty() {
        quote!(__health::Own)
    } else {
        quote!(__health::Nested<#nth, __health::Own>)
    };
    // two spellings of one type cause E0119, which rustc reports at the two headers
    let (start, end) = ends(&ty.to_token_stream());
    let start = quote_spanned!(start=> impl #parameters __health::Provide);
    let name = Ident::new(&name.to_string(), end);
    quote_spanned! {end=>
        #[automatically_derived]
        #start<#ty, #via> for #name #arguments where #(#bounds,)* #bound {}
    }
}

/// Everything that the nested state provides.
fn provides_nested(state: &State, nth: usize, ty: &Type) -> TokenStream {
    let State { name, generics, .. } = state;
    let (_, arguments, _) = generics.split_for_impl();
    let own = generics.params.iter().map(without_default);
    let bounds = generics.where_clause.iter();
    let bounds = bounds.flat_map(|clause| &clause.predicates);
    quote! {
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl<#(#own,)* __T: ?Sized, __Via> __health::Provide<__T, __health::Nested<#nth, __Via>>
            for #name #arguments
        where
            #(#bounds,)*
            #ty: __health::Provide<__T, __Via>,
        {}
    }
}

fn without_default(parameter: &GenericParam) -> GenericParam {
    let mut parameter = parameter.clone();
    match &mut parameter {
        GenericParam::Type(parameter) => {
            parameter.default = None;
        }
        GenericParam::Const(parameter) => {
            parameter.default = None;
        }
        GenericParam::Lifetime(_) => {}
    }
    parameter
}

/// The builder keeps a state in an `Arc`, so a check can take it. This does not apply
/// to a nested state, which is not the state of the package either.
fn provides_arc(state: &State) -> Option<TokenStream> {
    let State { name, generics, .. } = state;
    let is_field = |value: &Provided| behind_arc(&value.ty).is_some_and(|ty| *name == text(ty));
    if state.is_secondary || state.provided.iter().any(is_field) {
        return None;
    }
    let (parameters, arguments, bounds) = generics.split_for_impl();
    Some(quote! {
        #[automatically_derived]
        impl #parameters __health::Provide<__health::Arc<#name #arguments>> for #name #arguments
        #bounds {}
    })
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

/// Registers the state for the package, unless it is secondary. A generic state is
/// registered by `app!` with its concrete type.
fn registration(state: &State) -> TokenStream {
    if state.is_secondary || !state.generics.params.is_empty() {
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
