//! The number of the package that is being compiled: the tag under which its
//! checks find its state.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};

/// The number of this package; twice, for `test` and not, where that makes a
/// difference, each with the `#[cfg]` under which it holds.
///
/// The unit tests of a library may link the same library a second time,
/// through a dev-dependency. So they have a number of their own. `cfg(test)` is
/// only known to the crate that is being compiled, hence the two forms.
pub(crate) fn ids() -> Vec<(TokenStream, Literal)> {
    let id = id();
    let plain = Literal::u64_unsuffixed(id);
    if may_be_unit_test() {
        let test = Literal::u64_unsuffixed(id ^ 1);
        vec![
            (quote!(#[cfg(not(test))]), plain),
            (quote!(#[cfg(test)]), test),
        ]
    } else {
        vec![(TokenStream::new(), plain)]
    }
}

/// What a second state of the crate collides with.
pub(crate) fn state_marker(at: Span) -> TokenStream {
    quote_spanned! {Span::call_site().located_at(at)=>
        #[doc(hidden)]
        #[allow(non_local_definitions)]
        #[macro_export]
        macro_rules! this_crate_already_has_a_health_state__mark_one_with_health_secondary {
            () => {};
        }
    }
}

/// Whether this may be the unit tests of a library: Cargo names the binary or
/// the directory for temporary files in every other case.
fn may_be_unit_test() -> bool {
    let is_set = |name| std::env::var_os(name).is_some();
    !is_set("CARGO_BIN_NAME") && !is_set("CARGO_TARGET_TMPDIR")
}

fn id() -> u64 {
    let read = |name| std::env::var(name).unwrap_or_default();
    hash(&format!(
        "{}@{}",
        read("CARGO_PKG_NAME"),
        read("CARGO_PKG_VERSION_MAJOR")
    ))
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn the_published_test_vectors() {
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }
}
