//! One attribute and the function under it → its registration, or every mistake.

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::diag::Diag;
use crate::spec::{Spec, Subject};
use crate::{args, expand, item, spec};

/// What is to stand beside the function: the one or the other.
pub(crate) struct Read {
    pub(crate) registration: Option<TokenStream>,
    pub(crate) errors: TokenStream,
}

/// `owner` is the type of the `impl` block around the function, `root` the path
/// to health-core unless the attribute says another.
pub(crate) fn read(
    args: TokenStream,
    item: TokenStream,
    owner: Option<&TokenStream>,
    root: &TokenStream,
) -> Read {
    let diag = Diag::new();
    let args = args::parse(args, &diag);
    let function = item::parse(item, owner, &diag);
    let spec = function.map(|function| spec::validate(args, Subject::Function(function), &diag));
    let errors = diag.finish();
    let registration = spec
        .filter(|_| errors.is_empty())
        .map(|spec| registration(&spec, root));
    Read {
        registration,
        errors,
    }
}

/// The registration of a declaration that obeys every rule.
pub(crate) fn registration(spec: &Spec, root: &TokenStream) -> TokenStream {
    let named = spec.root.as_ref().map(ToTokens::to_token_stream);
    expand::expand(spec, named.as_ref().unwrap_or(root))
}
