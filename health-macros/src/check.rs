//! Turns one attribute and its function into the registration, or into errors.

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::diag::Diag;
use crate::spec::{Spec, Subject};
use crate::{args, expand, item, spec};

/// The tokens next to the function: either the registration or the errors.
pub(crate) struct Read {
    pub(crate) registration: Option<TokenStream>,
    pub(crate) errors: TokenStream,
}

/// Reads a check. `owner` is the type of the surrounding `impl` block. `root`
/// is the path to health-core, unless the attribute sets another one.
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

/// The registration of a valid declaration.
pub(crate) fn registration(spec: &Spec, root: &TokenStream) -> TokenStream {
    let named = spec.root.as_ref().map(ToTokens::to_token_stream);
    expand::expand(spec, named.as_ref().unwrap_or(root))
}
