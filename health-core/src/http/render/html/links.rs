//! Links to other pages, such as runbooks.

use std::fmt::{self, Display, Formatter};

use crate::http::render::html::format::Escaped;

/// A list of relations and their addresses.
pub(super) struct Links<'a, T>(pub(super) &'a [(T, T)]);

impl<T: AsRef<str>> Display for Links<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        f.write_str("<ul class=\"links\">")?;
        for (relation, uri) in self.0 {
            let (relation, uri) = (Escaped(relation.as_ref()), uri.as_ref());
            let target = Escaped(uri);
            // A link of another scheme could run a script.
            if uri.starts_with("https://") || uri.starts_with("http://") {
                write!(f, "<li><a href=\"{target}\">{relation}</a></li>")?;
            } else {
                write!(f, "<li>{relation}: {target}</li>")?;
            }
        }
        f.write_str("</ul>\n")
    }
}
