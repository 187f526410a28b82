//! Helpers for tokens.

use proc_macro2::{Delimiter, Group, Ident, Punct, Span, TokenStream, TokenTree};

pub(crate) fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

pub(crate) fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

/// Splits at commas, each returned with the tokens before it. A comma between `<` and
/// `>` is part of a type, and the `>` of an arrow is not a bracket.
pub(crate) fn split_at_commas(tokens: TokenStream) -> Vec<(TokenStream, Option<Punct>)> {
    let mut parts = Vec::new();
    let mut part = TokenStream::new();
    let mut angles = 0_usize;
    let mut after_minus = false;
    for token in tokens {
        let closes = is_punct(&token, '>') && !after_minus;
        after_minus = is_punct(&token, '-');
        match &token {
            TokenTree::Punct(comma) if angles == 0 && comma.as_char() == ',' => {
                parts.push((std::mem::take(&mut part), Some(comma.clone())));
                continue;
            }
            opening if is_punct(opening, '<') => angles += 1,
            _ if closes => angles = angles.saturating_sub(1),
            _ => {}
        }
        part.extend([token]);
    }
    if !part.is_empty() {
        parts.push((part, None));
    }
    parts
}

/// Removes the invisible parentheses of `$path:path` in a `macro_rules!`.
pub(crate) fn ungrouped(tokens: TokenStream) -> TokenStream {
    let flat = tokens.into_iter().flat_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            ungrouped(group.stream())
        }
        token => token.into(),
    });
    flat.collect()
}

/// Replaces `Self`, which is unknown outside of its item.
pub(crate) fn without_self(tokens: TokenStream, name: &Ident) -> TokenStream {
    let spelt_out = tokens.into_iter().map(|token| match token {
        TokenTree::Ident(word) if word == "Self" => {
            let mut name = name.clone();
            name.set_span(word.span());
            name.into()
        }
        TokenTree::Group(group) => {
            let mut spelt = Group::new(group.delimiter(), without_self(group.stream(), name));
            spelt.set_span(group.span());
            spelt.into()
        }
        other => other,
    });
    spelt_out.collect()
}

/// Returns the spans of the first and the last token.
pub(crate) fn ends(tokens: &TokenStream) -> (Span, Span) {
    let mut spans = tokens.clone().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    let last = spans.last().unwrap_or(first);
    let generated = |at| Span::call_site().located_at(at);
    (generated(first), generated(last))
}

/// Formats a type in the usual style: `Arc<dyn Mailer>` instead of `Arc < dyn
/// Mailer >`.
pub(crate) fn pretty(tokens: &TokenStream) -> String {
    let mut text = tokens.to_string();
    for (spaced, tight) in [
        (" < ", "<"),
        (" <", "<"),
        ("< ", "<"),
        (" > ", "> "),
        (" >", ">"),
        (" :: ", "::"),
        (":: ", "::"),
        (" ::", "::"),
        (" ,", ","),
        ("& ", "&"),
        (" ;", ";"),
        ("' ", "'"),
    ] {
        text = text.replace(spaced, tight);
    }
    text
}
