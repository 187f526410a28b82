//! The ID of the package that is being compiled, by which its checks find its
//! state.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};

/// Returns the ID of this package, each with the `#[cfg]` under which it
/// applies. Unit tests of a library have a different ID.
///
/// They may link the same library a second time, through a dev-dependency, so
/// two packages of the same name need two IDs. `cfg(test)` is only known to the
/// crate that is being compiled, hence the two variants.
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

/// Generates an item that collides with a second state in the crate.
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

/// Returns whether this may be a unit test of a library: in every other case
/// Cargo sets the name of the binary or the directory for temporary files.
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
    fn the_hash_matches_published_test_vectors() {
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }
}
