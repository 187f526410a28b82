//! `app!(path::to::AppState)`: uses a type of another crate as the state of
//! this package.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::diag::{Diag, Place};
use crate::package;
use crate::tokens::pretty;

/// Defines a marker type in the package, because of the orphan rule: both the
/// state and health-core are foreign.
pub(crate) fn expand(input: &TokenStream, root: &TokenStream) -> TokenStream {
    let diag = Diag::new();
    let state = syn::parse2::<syn::TypePath>(input.clone());
    if state.is_err() {
        let help = "write for example `app!(shared::AppState)`";
        let what = if input.is_empty() {
            "`app!` needs the path of a state".into()
        } else {
            format!("`app!` takes the path of a state, not `{}`", pretty(input))
        };
        diag.error(&Place::item(input), what, help);
    }
    let errors = diag.finish();
    let registration = state.ok().map(|state| {
        let name = state.path.segments.last().map(|last| last.ident.span());
        let marker = package::state_marker(name.unwrap_or_else(Span::call_site));
        let ids = package::ids().into_iter().map(
            |(cfg, id)| quote!(#cfg impl __health::StateOf<App> for __health::Package<#id> {}),
        );
        quote! {
            #marker
            const _: () = {
                use #root::__private as __health;
                struct App;
                impl __health::App for App {
                    type State = #state;
                }
                #(#ids)*
                __health::state::<#state>();
            };
        }
    });
    quote!(#registration #errors)
}
