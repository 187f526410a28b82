//! Refresh and filters. They work without script: each is a link or a form.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

use crate::http::render::html::display_state::DisplayState;
use crate::http::render::html::format::{Capital, Escaped};
use crate::http::render::html::query::{Query, Refresh, Wanted};

/// The maximum number of tags that can be chosen from.
const MAX_TAGS: usize = 100;

/// The choices on the page: off, the default, and ten times the default and
/// more.
const CHOICES: [(Refresh, &str); 4] = [
    (Refresh(None), "Off"),
    (Refresh(Some(10)), "10 s"),
    (Refresh(Some(60)), "1 min"),
    (Refresh(Some(300)), "5 min"),
];

pub(super) struct RefreshChoice<'a>(pub(super) &'a Query);

impl Display for RefreshChoice<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("<nav aria-label=\"Refresh\">\n<p>Refresh</p>\n<ul>\n")?;
        for (choice, text) in CHOICES {
            let current = if choice == self.0.refresh {
                " aria-current=\"true\""
            } else {
                ""
            };
            let query = self.0.with_refresh(choice);
            writeln!(f, "<li><a href=\"{query}\"{current}>{text}</a></li>")?;
        }
        f.write_str("</ul>\n<p id=\"static\">Without scripts the page does not refresh by itself.</p>\n</nav>\n")
    }
}

pub(super) struct FilterForm<'a> {
    pub(super) query: &'a Query,
    pub(super) tags: &'a BTreeSet<&'a str>,
}

impl Display for FilterForm<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Query { refresh, text, .. } = self.query;
        f.write_str("<form role=\"search\" aria-label=\"Filter\">\n")?;
        if *refresh != Refresh::DEFAULT {
            writeln!(
                f,
                "<input type=\"hidden\" name=\"refresh\" value=\"{refresh}\">"
            )?;
        }
        f.write_str("<label>State <select name=\"state\">")?;
        let chosen = self.query.state.map_or("", Wanted::as_str);
        write_option(f, "", "any", chosen)?;
        write_option(f, Wanted::PROBLEMS, "Not passing", chosen)?;
        for state in DisplayState::ALL.map(DisplayState::as_str) {
            write_option(f, state, &Capital(state).to_string(), chosen)?;
        }
        f.write_str("</select></label>\n")?;
        if !self.tags.is_empty() {
            f.write_str("<label>Tag <select name=\"tag\">")?;
            let chosen = self.query.tag().unwrap_or_default();
            write_option(f, "", "any", chosen)?;
            for tag in self.tags.iter().take(MAX_TAGS) {
                write_option(f, tag, tag, chosen)?;
            }
            f.write_str("</select></label>\n")?;
        }
        writeln!(
            f,
            "<label>Text <input type=\"search\" name=\"q\" value=\"{}\"></label>\n\
             <button>Filter</button>\n</form>",
            Escaped(text)
        )
    }
}

fn write_option(f: &mut Formatter<'_>, value: &str, text: &str, chosen: &str) -> fmt::Result {
    let selected = if value == chosen { " selected" } else { "" };
    write!(
        f,
        "<option value=\"{}\"{selected}>{}</option>",
        Escaped(value),
        Escaped(text)
    )
}
