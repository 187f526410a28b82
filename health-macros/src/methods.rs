//! `#[health_checks]`: methods that are checks.
//!
//! The `impl` block is split into items without parsing them, so that an
//! incomplete body in an editor does not break it. Each method with
//! `#[health_check]` is read like a function with one more parameter, and its
//! registration is added to the `impl` block.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;
use syn::parse::{ParseStream, Parser};
use syn::{Generics, Token};

use crate::check::{self, Read};
use crate::diag::{Diag, Place};
use crate::item::{concrete, generated_static, keyword};
use crate::tokens::{is_punct, is_word, pretty};

/// An `impl` block as written.
struct Block {
    /// The tokens before the braces.
    head: TokenStream,
    generics: Generics,
    /// The tokens after `impl<..>` and before `where`.
    subject: Vec<TokenTree>,
    body: Group,
}

/// An item of the block with `#[health_check]`.
struct Method {
    args: TokenStream,
    /// The item without this attribute.
    item: TokenStream,
}

/// Returns the block without the attributes of its methods and with the
/// registrations, followed by all errors.
pub(crate) fn expand(args: &TokenStream, item: &TokenStream, root: &TokenStream) -> TokenStream {
    let diag = Diag::new();
    check_no_options(args, &diag);
    let Some(block) = block(item, &diag) else {
        let errors = diag.finish();
        return quote!(#item #errors);
    };
    let (body, methods) = split(block.body.stream());
    check_not_generic(&block.generics, &diag);
    check_not_of_a_trait(&block.subject, &diag);
    check_has_checks(&block, &methods, &diag);
    let mut errors = diag.finish();
    let is_sound = errors.is_empty();

    let owner = generated_static(block.subject.into_iter().collect());
    let mut registrations = TokenStream::new();
    for Method { args, item } in methods {
        let read: Read = check::read(args, item, Some(&owner), root);
        registrations.extend(read.registration.filter(|_| is_sound));
        errors.extend(read.errors);
    }
    let head = block.head;
    let mut braces = Group::new(Delimiter::Brace, quote!(#body #registrations));
    braces.set_span(block.body.span());
    quote!(#head #braces #errors)
}

fn block(item: &TokenStream, diag: &Diag) -> Option<Block> {
    let block = parse_block(item);
    if block.is_none() {
        let first = keyword(item.clone());
        let help = "a function of its own takes `#[health_check]`";
        let what = "`#[health_checks]` goes on an `impl` block";
        diag.error(&Place::item(first), what, help);
    }
    block
}

fn parse_block(item: &TokenStream) -> Option<Block> {
    let mut head: Vec<TokenTree> = item.clone().into_iter().collect();
    let Some(TokenTree::Group(body)) = head.pop() else {
        return None;
    };
    let from = after_attributes(&head);
    let parts = |input: ParseStream<'_>| {
        input.parse::<Option<Token![unsafe]>>()?;
        input.parse::<Token![impl]>()?;
        // `impl <T as Trait>::Output` is not supported; its `<` does not begin parameters
        let generics: Generics = input.parse()?;
        Ok((generics, input.parse::<TokenStream>()?))
    };
    let declaration = head[from..].iter().cloned().collect();
    let (generics, subject) = parts.parse2(declaration).ok()?;
    let before_where = |token: &TokenTree| !is_word(token, "where");
    Some(Block {
        head: head.into_iter().collect(),
        generics,
        subject: subject.into_iter().take_while(before_where).collect(),
        body,
    })
}

fn check_no_options(args: &TokenStream, diag: &Diag) {
    if !args.is_empty() {
        let help = "write them on the methods: `#[health_check(..)]`";
        let what = "`#[health_checks]` has no options";
        diag.error(&Place::option(0, args), what, help);
    }
}

fn check_not_generic(generics: &Generics, diag: &Diag) {
    if !concrete(generics) {
        let (start, _, _) = generics.split_for_impl();
        let help = "write the `impl` for one concrete type, for example `impl Cache<Redis>`";
        diag.error(
            &Place::item(start),
            "a health check needs a concrete type, and this `impl` is generic",
            help,
        );
    }
}

fn check_not_of_a_trait(subject: &[TokenTree], diag: &Diag) {
    // the `for` of `for<'a> fn(&'a u8)` is followed by its lifetimes
    let keyword = subject
        .windows(2)
        .position(|pair| is_word(&pair[0], "for") && !is_punct(&pair[1], '<'));
    if let Some(at) = keyword {
        let name: TokenStream = subject[..at].iter().cloned().collect();
        let ty: TokenStream = subject[at + 1..].iter().cloned().collect();
        let help = format!(
            "put the check into `impl {}`; it can call the method of the trait",
            pretty(&ty)
        );
        let what = "a health check cannot be a method of a trait";
        diag.error(&Place::item(name), what, help);
    }
}

fn check_has_checks(block: &Block, methods: &[Method], diag: &Diag) {
    if methods.is_empty() {
        let subject: TokenStream = block.subject.iter().cloned().collect();
        diag.error(
            &Place::item(subject),
            "no method of this `impl` has `#[health_check]`",
            "put it on the methods that are checks",
        );
    }
}

/// Returns the items without `#[health_check]`, and those with it.
fn split(body: TokenStream) -> (TokenStream, Vec<Method>) {
    let tokens: Vec<TokenTree> = body.into_iter().collect();
    let mut rest = tokens.as_slice();
    let mut kept = TokenStream::new();
    let mut methods = Vec::new();
    while !rest.is_empty() {
        let (attributes, after) = rest.split_at(after_attributes(rest));
        let (item, next) = after.split_at(length_of_item(after));
        let mut first_check = None;
        let mut others = TokenStream::new();
        let mut repeated = TokenStream::new();
        for attribute in attributes.chunks(2) {
            let tokens = attribute.iter().cloned();
            match check_options(&attribute[1]) {
                None => others.extend(tokens),
                Some(options) if first_check.is_none() => first_check = Some(options),
                Some(_) => repeated.extend(tokens),
            }
        }
        let item: TokenStream = item.iter().cloned().collect();
        kept.extend(quote!(#others #item));
        if let Some(args) = first_check {
            let item = quote!(#repeated #others #item);
            methods.push(Method { args, item });
        }
        rest = next;
    }
    (kept, methods)
}

/// Returns the number of leading tokens that are outer attributes.
fn after_attributes(tokens: &[TokenTree]) -> usize {
    let is_attribute = |pair: &&[TokenTree]| {
        is_punct(&pair[0], '#') && matches!(pair.get(1), Some(TokenTree::Group(_)))
    };
    2 * tokens.chunks(2).take_while(is_attribute).count()
}

/// Returns the arguments of `#[health_check(..)]`, or `None` for another
/// attribute.
fn check_options(attribute: &TokenTree) -> Option<TokenStream> {
    let TokenTree::Group(attribute) = attribute else {
        return None;
    };
    let mut tokens: Vec<TokenTree> = attribute.stream().into_iter().collect();
    let options = match tokens.last() {
        Some(TokenTree::Group(options)) => {
            let options = options.stream();
            tokens.pop();
            options
        }
        _ => TokenStream::new(),
    };
    let is_check = tokens
        .last()
        .is_some_and(|last| is_word(last, "health_check"));
    is_check.then_some(options)
}

/// Returns the number of tokens of the first item, up to its body or semicolon.
/// Only the braces of a function end an item for certain; `{ N }` may be an
/// argument of a type.
fn length_of_item(tokens: &[TokenTree]) -> usize {
    let mut has_value = false;
    for (at, token) in tokens.iter().enumerate() {
        has_value |= is_punct(token, '=');
        let is_braces =
            matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        let is_argument = tokens
            .get(at + 1)
            .is_some_and(|next| is_punct(next, '>') || is_punct(next, ','));
        if is_punct(token, ';') || is_braces && !has_value && !is_argument {
            return at + 1;
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(source: &str) -> (String, Vec<String>) {
        let (kept, methods) = split(source.parse().expect("the tokens are balanced"));
        let item = |Method { args, item }: Method| format!("{args} | {item}");
        (kept.to_string(), methods.into_iter().map(item).collect())
    }

    #[test]
    fn the_attribute_is_removed_and_everything_else_is_kept() {
        let (kept, methods) = cut(
            "const A: u8 = if B { 1 } else { 2 }; #[inline] #[health_check(late)] fn a(&self) {} \
             fn b() -> C<{ 1 }, { 2 }> {} #[health_axum::health_check] #[cfg(x)] fn c() {}",
        );
        assert!(!kept.contains("health_check"), "{kept}");
        assert!(kept.contains("# [inline] fn a"), "{kept}");
        assert_eq!(
            methods,
            [
                "late | # [inline] fn a (& self) { }",
                " | # [cfg (x)] fn c () { }"
            ]
        );
    }

    #[test]
    fn a_half_typed_body_hides_no_method() {
        let (_, methods) = cut("#[health_check] fn a() { s. } #[health_check] fn b() {}");
        assert_eq!(methods.len(), 2);
        assert_eq!(cut("#[health_check]").1.len(), 1);
        assert_eq!(cut("# #[health_check] fn a() {}").1.len(), 0);
    }
}
