//! Parses the annotated function. The body stays raw tokens, so that incomplete
//! code in an editor does not break it.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Generics, Token, Visibility};

use crate::diag::{Diag, Place};
use crate::rules::MAX_DESCRIPTION;
use crate::tokens::{ends, is_punct, is_word, pretty, split_at_commas, without_self};

/// The parts of the function that the expansion needs.
#[derive(Debug)]
pub(crate) struct Function {
    /// The `#[cfg(..)]` of the function, if rustc has not evaluated it yet.
    pub(crate) cfg: TokenStream,
    pub(crate) visibility: TokenStream,
    pub(crate) is_async: bool,
    /// The type of the surrounding `impl` block, with or without `self`.
    pub(crate) owner: Option<TokenStream>,
    pub(crate) name: Ident,
    /// The first line of the doc comment.
    pub(crate) description: Option<String>,
    pub(crate) params: Vec<Param>,
    /// The return type without named lifetimes; `None` for `()`.
    pub(crate) output: Option<TokenStream>,
}

/// A parameter that the state provides.
#[derive(Debug)]
pub(crate) struct Param {
    /// The `#[cfg(..)]` of the parameter, which rustc has not evaluated yet.
    pub(crate) cfg: TokenStream,
    pub(crate) name: String,
    pub(crate) by_value: bool,
    /// The type without a leading `&` and without named lifetimes.
    pub(crate) ty: TokenStream,
}

/// Returns the alias of `Self` in generated code, where `Self` is unknown.
pub(crate) fn self_alias() -> Ident {
    Ident::new("__Self", Span::call_site())
}

/// The parts of a function as written.
struct Parts {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    qualifiers: Vec<TokenTree>,
    name: Ident,
    generics: Generics,
    inputs: TokenStream,
    output: TokenStream,
}

/// Parses the function, and reports what is not allowed for a check. `owner` is
/// the type of the surrounding `impl` block.
pub(crate) fn parse(
    item: TokenStream,
    owner: Option<&TokenStream>,
    diag: &Diag,
) -> Option<Function> {
    let Ok(parts) = Parts::parse.parse2(item.clone()) else {
        let help = "for example `async fn db(pool: &Pool) -> Result<(), Error>`";
        diag.error(
            &Place::item(keyword(item)),
            "`#[health_check]` goes on a function",
            help,
        );
        return None;
    };
    check_attributes(&parts.attributes, diag);
    check_body(item, diag);
    check_qualifiers(&parts.qualifiers, diag);
    check_generics(&parts.generics, diag);
    let params = params(parts.inputs, owner, diag);
    check_output(&parts.output, diag);
    let output = (!parts.output.is_empty()).then(|| outside(generated(parts.output), owner));
    Some(Function {
        cfg: cfg(&parts.attributes),
        visibility: parts.visibility.into_token_stream(),
        is_async: parts.qualifiers.iter().any(|word| is_word(word, "async")),
        owner: owner.cloned(),
        name: parts.name,
        description: description(&parts.attributes),
        params,
        output,
    })
}

impl Parse for Parts {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let mut qualifiers: Vec<TokenTree> = Vec::new();
        while !input.peek(Token![fn]) {
            let follows_extern = qualifiers
                .last()
                .is_some_and(|last| is_word(last, "extern"));
            if !(input.peek(Ident::peek_any) || follows_extern && input.peek(syn::LitStr)) {
                return Err(input.error("no function"));
            }
            qualifiers.push(input.parse()?);
        }
        input.parse::<Token![fn]>()?;
        let name = input.parse()?;
        let generics = input.parse()?;
        let inputs;
        syn::parenthesized!(inputs in input);
        let inputs = inputs.parse()?;
        let output = if input.parse::<Option<Token![->]>>()?.is_some() {
            output(input)?
        } else {
            TokenStream::new()
        };
        input.parse::<TokenStream>()?;
        Ok(Parts {
            attributes,
            visibility,
            qualifiers,
            name,
            generics,
            inputs,
            output,
        })
    }
}

/// Parses the tokens up to `where` or the body, which is the last token.
fn output(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut tokens: Vec<TokenTree> = Vec::new();
    while !input.is_empty() && !input.peek(Token![where]) && !input.peek(Token![;]) {
        tokens.push(input.parse()?);
    }
    let is_body = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    if tokens.last().is_some_and(is_body) {
        tokens.pop();
    }
    Ok(tokens.into_iter().collect())
}

/// Returns the keyword of an item, such as `struct` or `impl`, or else its
/// first token.
pub(crate) fn keyword(item: TokenStream) -> TokenTree {
    let words = (|input: ParseStream<'_>| {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        input.parse::<TokenStream>()
    })
    .parse2(item.clone());
    let first = words.unwrap_or(item).into_iter().next();
    first.unwrap_or_else(|| TokenTree::Ident(Ident::new("_", proc_macro2::Span::call_site())))
}

fn cfg(attributes: &[Attribute]) -> TokenStream {
    let is_cfg = |attribute: &&Attribute| attribute.path().is_ident("cfg");
    let cfgs = attributes.iter().filter(is_cfg);
    cfgs.map(ToTokens::to_token_stream).collect()
}

/// Returns the first line of the doc comment, unless a macro generates it
/// (`#[doc = ..]`).
pub(crate) fn description(attributes: &[Attribute]) -> Option<String> {
    let docs = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"));
    let mut texts = docs.filter_map(|attribute| {
        let syn::Meta::NameValue(doc) = &attribute.meta else {
            return None;
        };
        let text: syn::LitStr = syn::parse2(doc.value.to_token_stream()).ok()?;
        Some(text.value())
    });
    let first_line = |text: String| {
        // lines of a block comment may begin with a star
        let lines = text
            .lines()
            .map(|line| line.trim().trim_start_matches("* "));
        let mut written = lines.map(str::trim).filter(|line| !line.is_empty());
        written.next().map(shortened)
    };
    texts.find_map(first_line)
}

/// Shortens a doc comment to a valid description. It is no error, because doc
/// comments are not only written for reports.
fn shortened(line: &str) -> String {
    let line = line.replace(char::is_control, " ");
    if line.chars().count() <= MAX_DESCRIPTION {
        return line;
    }
    let kept = line.chars().take(MAX_DESCRIPTION - 1);
    kept.chain(['…']).collect()
}

fn check_attributes(attributes: &[Attribute], diag: &Diag) {
    for attribute in attributes {
        let Some(last) = attribute.path().segments.last() else {
            continue;
        };
        if last.ident == "health_check" {
            let help = "remove this second `#[health_check]`";
            diag.error(
                &Place::item(attribute),
                "a function can be only one health check",
                help,
            );
        }
        if last.ident == "test" {
            let help = "move the check into a function of its own and call it from the test";
            diag.error(
                &Place::item(attribute),
                "a test cannot be a health check",
                help,
            );
        }
    }
}

fn check_qualifiers(qualifiers: &[TokenTree], diag: &Diag) {
    for (at, word) in qualifiers.iter().enumerate() {
        if is_word(word, "const") {
            let help = "remove `const`; a plain `fn` runs on a blocking thread";
            diag.error(
                &Place::item(word),
                "a health check cannot be a `const fn`",
                help,
            );
        }
        if is_word(word, "unsafe") {
            let help = "remove `unsafe` and put an `unsafe` block inside the body";
            diag.error(
                &Place::item(word),
                "a health check cannot be an `unsafe fn`",
                help,
            );
        }
        if is_word(word, "extern") {
            let abi = qualifiers
                .get(at + 1)
                .filter(|next| matches!(next, TokenTree::Literal(_)));
            let place = Place::item(quote!(#word #abi));
            let help = format!(
                "remove `{}`, or call the foreign function from the body",
                place.tokens()
            );
            diag.error(
                &place,
                "a health check cannot be an `extern` function",
                help,
            );
        }
    }
}

fn check_generics(generics: &Generics, diag: &Diag) {
    let types: Vec<_> = generics
        .params
        .iter()
        .filter(|param| !matches!(param, syn::GenericParam::Lifetime(_)))
        .collect();
    if !types.is_empty() {
        let help = "write one function for each concrete type";
        diag.error(
            &Place::item(quote!(#(#types),*)),
            "a health check cannot be generic",
            help,
        );
    }
}

/// Returns whether all parameters are lifetimes.
pub(crate) fn concrete(generics: &Generics) -> bool {
    let mut params = generics.params.iter();
    params.all(|param| matches!(param, syn::GenericParam::Lifetime(_)))
}

fn check_body(item: TokenStream, diag: &Diag) {
    if let Some(semicolon) = item.into_iter().last().filter(|last| is_punct(last, ';')) {
        let help = "a declaration in a trait or an `extern` block cannot be a check; write a function that calls it";
        diag.error(&Place::item(semicolon), "a health check needs a body", help);
    }
}

fn check_output(output: &TokenStream, diag: &Diag) {
    if let Ok(syn::Type::Never(never)) = syn::parse2(output.clone()) {
        let help = "return `()` or a result; a run that does not end fails at its timeout";
        diag.error(&Place::item(never), "a health check has to end", help);
    }
}

fn params(inputs: TokenStream, owner: Option<&TokenStream>, diag: &Diag) -> Vec<Param> {
    split_at_commas(inputs)
        .into_iter()
        .filter_map(|(input, _)| param(input, owner, diag))
        .collect()
}

fn param(input: TokenStream, owner: Option<&TokenStream>, diag: &Diag) -> Option<Param> {
    let parsed = (|input: ParseStream<'_>| {
        let attributes = input.call(Attribute::parse_outer)?;
        let mut pattern = TokenStream::new();
        while !input.is_empty() && (!input.peek(Token![:]) || input.peek(Token![::])) {
            // both halves of a `::`, or one token
            match input.parse::<Option<Token![::]>>()? {
                Some(colons) => colons.to_tokens(&mut pattern),
                None => input.parse::<TokenTree>()?.to_tokens(&mut pattern),
            }
        }
        input.parse::<Option<Token![:]>>()?;
        Ok((attributes, pattern, input.parse::<TokenStream>()?))
    })
    .parse2(input);
    let (attributes, pattern, ty) = parsed.ok()?;
    let last = pattern.clone().into_iter().last();
    let is_receiver = last.is_some_and(|last| is_word(&last, "self"));
    if is_receiver && owner.is_none() {
        let help = "write `#[health_checks]` above `impl` and keep this attribute";
        let what = "a check that is a method needs `#[health_checks]` on the `impl` block";
        diag.error(&Place::item(pattern), what, help);
        return None;
    }
    let (by_value, ty) = if is_receiver {
        receiver(&pattern, ty, diag)?
    } else {
        found_by(ty, diag)?
    };
    Some(Param {
        cfg: cfg(&attributes),
        name: if is_receiver {
            "self".into()
        } else {
            name_of(&pattern)
        },
        by_value,
        ty: outside(ty, owner),
    })
}

/// Treats `self` as another parameter: a value of that type in the state.
fn receiver(pattern: &TokenStream, ty: TokenStream, diag: &Diag) -> Option<(bool, TokenStream)> {
    let by_value = |at: TokenStream| {
        diag.error(
            &Place::item(at),
            "a check only borrows its state",
            "write `&self`",
        );
        None
    };
    if !ty.is_empty() {
        return if ty.to_string() == "Self" {
            by_value(ty)
        } else {
            found_by(ty, diag)
        };
    }
    let mut words = pattern.clone().into_iter();
    if !words.next().is_some_and(|first| is_punct(&first, '&')) {
        return by_value(pattern.clone());
    }
    if words.any(|word| is_word(&word, "mut")) {
        let help = "write `&self`; for a change inside use a lock or a channel in the state";
        diag.error(
            &Place::item(pattern),
            "a check only borrows its state",
            help,
        );
        return None;
    }
    let own = Ident::new("Self", ends(pattern).1);
    Some((false, own.into_token_stream()))
}

/// Replaces `Self`, which is unknown outside of the `impl` block.
fn outside(ty: TokenStream, owner: Option<&TokenStream>) -> TokenStream {
    match owner {
        None => ty,
        Some(_) => without_self(ty, &self_alias()),
    }
}

/// Returns the name of a parameter, or its whole pattern.
fn name_of(pattern: &TokenStream) -> String {
    let words = pattern
        .clone()
        .into_iter()
        .filter(|token| !is_word(token, "mut"));
    match syn::parse2::<Ident>(words.collect()) {
        Ok(name) => name.unraw().to_string(),
        Err(_) => pattern.to_string(),
    }
}

/// Returns the type by which a parameter is found, and whether it is taken by
/// value.
fn found_by(ty: TokenStream, diag: &Diag) -> Option<(bool, TokenStream)> {
    let (by_value, inner) = match syn::parse2(ty.clone()) {
        Ok(syn::Type::Reference(reference)) => {
            let inner = reference.elem;
            if reference.mutability.is_some() {
                let help = format!(
                    "take `&{}`; for a change inside use a lock or a channel in the state",
                    pretty(&inner.to_token_stream())
                );
                diag.error(&Place::item(ty), "a check only borrows the state", help);
                return None;
            }
            (false, *inner)
        }
        Ok(other) => (true, other),
        // newer syntax than syn knows; rustc will validate it
        Err(_) => return Some((true, generated(ty))),
    };
    check_findable(&inner, diag)?;
    Some((by_value, generated(inner.to_token_stream())))
}

fn check_findable(ty: &syn::Type, diag: &Diag) -> Option<()> {
    let tokens = ty.to_token_stream();
    let text = pretty(&tokens);
    match ty {
        syn::Type::Group(group) => return check_findable(&group.elem, diag),
        syn::Type::Paren(paren) => return check_findable(&paren.elem, diag),
        _ if has_impl(tokens) => {
            let what = format!("a parameter is found by its type, and `{text}` is not one type");
            diag.error(
                &Place::item(ty),
                what,
                "write the concrete type of a field of the state",
            );
        }
        syn::Type::TraitObject(_) => {
            let what = format!("a parameter is found by its type, and `{text}` has no size");
            diag.error(&Place::item(ty), what, format!("take `&Arc<{text}>`"));
        }
        syn::Type::Slice(slice) => {
            let what = format!("a parameter is found by its type, and `{text}` has no size");
            let element = pretty(&slice.elem.to_token_stream());
            diag.error(&Place::item(ty), what, format!("take `&Vec<{element}>`"));
        }
        syn::Type::Path(path) if path.path.is_ident("str") => {
            let help = "take a type of your own, for example `struct Url(String)`";
            diag.error(
                &Place::item(ty),
                "`str` is too general to identify a field of the state",
                help,
            );
        }
        _ => return Some(()),
    }
    None
}

/// Returns whether the type contains `impl Trait` at any depth.
pub(crate) fn has_impl(ty: TokenStream) -> bool {
    ty.into_iter().any(|token| match token {
        TokenTree::Group(group) => has_impl(group.stream()),
        other => is_word(&other, "impl"),
    })
}

/// Returns the type for generated code: with the user's spans and without named
/// lifetimes. These are unknown there and replaced by `'_`, except those of
/// `for<'a>`.
fn generated(ty: TokenStream) -> TokenStream {
    let bound = bound_lifetimes(ty.clone());
    generate(ty, &bound, "_")
}

/// Like `generated`, where lifetimes cannot be inferred. A value that a check
/// finds by its type is `'static`.
pub(crate) fn generated_static(ty: TokenStream) -> TokenStream {
    let bound = bound_lifetimes(ty.clone());
    generate(ty, &bound, "static")
}

fn generate(ty: TokenStream, bound: &[String], lifetime: &str) -> TokenStream {
    let mut after_tick = false;
    let generated = ty.into_iter().map(|mut token| {
        let is_lifetime = std::mem::replace(&mut after_tick, is_punct(&token, '\''));
        let span = Span::call_site().located_at(token.span());
        match &mut token {
            // the span of `$crate` identifies the crate
            TokenTree::Ident(name) if name == "$crate" => {}
            TokenTree::Ident(name) if is_lifetime && is_of_function(name, bound) => {
                *name = Ident::new(lifetime, span);
            }
            TokenTree::Group(group) => {
                *group = Group::new(group.delimiter(), generate(group.stream(), bound, lifetime));
                group.set_span(span);
            }
            other => other.set_span(span),
        }
        token
    });
    generated.collect()
}

fn is_of_function(lifetime: &Ident, bound: &[String]) -> bool {
    lifetime != "static" && !bound.iter().any(|bound| lifetime == bound)
}

fn bound_lifetimes(ty: TokenStream) -> Vec<String> {
    let mut bound = Vec::new();
    let mut in_binder = false;
    let mut last_was_for = false;
    for token in ty {
        match &token {
            TokenTree::Group(group) => bound.extend(bound_lifetimes(group.stream())),
            TokenTree::Punct(punct) if punct.as_char() == '<' => in_binder = last_was_for,
            TokenTree::Punct(punct) if punct.as_char() == '>' => in_binder = false,
            TokenTree::Ident(name) if in_binder => bound.push(name.to_string()),
            _ => {}
        }
        last_was_for = is_word(&token, "for");
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> (Option<Function>, String) {
        let diag = Diag::new();
        let function = parse(
            source.parse().expect("the tokens are balanced"),
            None,
            &diag,
        );
        (function, diag.finish().to_string())
    }

    fn legal(source: &str) -> Function {
        let (function, errors) = read(source);
        assert_eq!(errors, "", "{source}");
        function.expect(source)
    }

    fn types(function: &Function) -> Vec<String> {
        function
            .params
            .iter()
            .map(|param| pretty(&param.ty))
            .collect()
    }

    #[test]
    fn the_body_is_never_parsed() {
        let half_typed = legal("async fn db() -> bool { let s = String::new(); s. }");
        assert!(half_typed.is_async);
        assert_eq!(
            half_typed.output.map(|output| output.to_string()),
            Some("bool".into())
        );
        legal("fn db() { fn ,, => ? let }");
    }

    #[test]
    fn an_output_ends_at_its_body_or_at_where() {
        let output = |source| legal(source).output.map(|output| pretty(&output));
        assert_eq!(output("fn f() {}"), None);
        assert_eq!(
            output("fn f() -> [u8; { 3 }] {}").as_deref(),
            Some("[u8; { 3 }]")
        );
        assert_eq!(
            output("fn f() -> A<B> where A<B>: C {}").as_deref(),
            Some("A<B>")
        );
    }

    #[test]
    fn parameters_are_split_at_top_level_commas() {
        let function =
            legal("fn f(a: &HashMap<u8, u8>, (b, c): &(A, B), d: fn(u8, u8) -> u8, ) {}");
        let names: Vec<_> = function
            .params
            .iter()
            .map(|param| param.name.as_str())
            .collect();
        assert_eq!(names, ["a", "(b , c)", "d"]);
        assert_eq!(types(&function)[0], "HashMap<u8, u8>");
        assert!(function.params[2].by_value);
        let paths = legal("fn f(a::B { c }: &a::B, r#type: &T, mut e: E) {}");
        assert_eq!(types(&paths), ["a::B", "T", "E"]);
        assert_eq!(
            (paths.params[1].name.as_str(), paths.params[2].name.as_str()),
            ("type", "e")
        );
    }

    #[test]
    fn lifetimes_are_left_to_inference() {
        let function = legal(
            "fn f<'a>(a: &'a Cow<'a, str>, b: &dynamic<'static>, c: &X<for<'b> fn(&'b u8)>) {}",
        );
        assert_eq!(types(&function)[0], "Cow<'_, str>");
        assert_eq!(types(&function)[1], "dynamic<'static>");
        assert!(
            types(&function)[2].contains("&'b u8"),
            "{:?}",
            types(&function)
        );
    }

    #[test]
    fn items_that_are_not_functions_are_refused() {
        for source in [
            "",
            ";",
            "struct A;",
            "#[doc = \"x\"] pub enum A {}",
            "fn",
            "async fn 5() {}",
        ] {
            let (function, errors) = read(source);
            assert!(function.is_none(), "{source}");
            assert!(errors.contains("goes on a function"), "{source}");
        }
    }
}
