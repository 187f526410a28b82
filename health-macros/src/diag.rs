//! Collects mistakes, so that all of them are reported at once.

use std::cell::RefCell;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

pub(crate) use crate::rules::{Mistake, nearest};

/// The position of a mistake: the tokens to underline, and the order in the
/// report. The options of an attribute count from 0; the item comes last.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    order: usize,
    tokens: TokenStream,
}

impl Place {
    pub(crate) fn option(order: usize, tokens: impl ToTokens) -> Self {
        Place {
            order,
            tokens: tokens.into_token_stream(),
        }
    }

    pub(crate) fn item(tokens: impl ToTokens) -> Self {
        Place::option(usize::MAX, tokens)
    }

    /// Returns the position of other tokens of the same option.
    pub(crate) fn with(&self, tokens: impl ToTokens) -> Self {
        Place::option(self.order, tokens)
    }

    /// Returns the later one of two positions.
    pub(crate) fn last<'a>(a: &'a Place, b: &'a Place) -> &'a Place {
        if a.order > b.order { a } else { b }
    }

    pub(crate) fn tokens(&self) -> &TokenStream {
        &self.tokens
    }
}

/// Collects mistakes. Panics if it is dropped without being read, so that no
/// mistake is lost.
#[derive(Debug, Default)]
pub(crate) struct Diag {
    errors: RefCell<Option<Vec<(usize, syn::Error)>>>,
}

impl Diag {
    pub(crate) fn new() -> Self {
        Diag {
            errors: RefCell::new(Some(Vec::new())),
        }
    }

    pub(crate) fn report(&self, place: &Place, mistake: &Mistake) {
        // stable Rust has no help lines for macros; rustc indents this one like a help line
        let text = format!("{}\n= help: {}", mistake.what, mistake.help);
        let error = syn::Error::new_spanned(&place.tokens, text);
        if let Some(errors) = &mut *self.errors.borrow_mut() {
            errors.push((place.order, error));
        }
    }

    pub(crate) fn error(&self, place: &Place, what: impl Into<String>, help: impl Into<String>) {
        self.report(place, &Mistake::new(what, help));
    }

    /// Returns the errors as tokens, in the order of the source; empty if there
    /// are none.
    pub(crate) fn finish(self) -> TokenStream {
        let mut errors = self.errors.take().unwrap_or_default();
        errors.sort_by_key(|&(order, _)| order);
        let errors = errors.iter().map(|(_, error)| error.to_compile_error());
        quote!(#(#errors)*)
    }
}

impl Drop for Diag {
    fn drop(&mut self) {
        assert!(
            std::thread::panicking() || self.errors.get_mut().is_none(),
            "mistakes were collected and never reported"
        );
    }
}

/// Formats `` `a`, `b` and `c` ``.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    let last = words.pop().unwrap_or_default();
    if words.is_empty() {
        last
    } else {
        format!("{} and {last}", words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_joined_with_and() {
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` and `c`");
    }

    #[test]
    fn errors_are_in_source_order() {
        let diag = Diag::new();
        diag.error(&Place::item(quote!(f)), "third", "c");
        diag.error(&Place::option(1, quote!(b)), "second", "b");
        diag.error(&Place::option(0, quote!(a)), "first", "a");
        let tokens = diag.finish().to_string();
        let at = |text| tokens.find(text).expect("reported");
        assert!(at("first") < at("second") && at("second") < at("third"));
    }

    #[test]
    #[should_panic = "never reported"]
    fn an_unread_collector_panics() {
        drop(Diag::new());
    }
}
