//! What the service says of itself in `application/health+json`.

use std::borrow::Cow;

use crate::check::uri;
use crate::registry::error::Problem;

type Text = Cow<'static, str>;

const LONGEST_TEXT: usize = 1024;

/// What the service says of itself in `application/health+json`.
#[derive(Debug, Default)]
pub(crate) struct About {
    pub(crate) service_id: Option<Text>,
    pub(crate) description: Option<Text>,
    pub(crate) notes: Vec<Text>,
    /// By relation.
    pub(crate) links: Vec<(Text, Text)>,
    problems: Vec<Problem>,
}

impl About {
    pub(crate) fn set_service_id(&mut self, id: Text) {
        self.check_text("service id", &id);
        self.service_id = Some(id);
    }

    pub(crate) fn set_description(&mut self, line: Text) {
        self.check_text("description", &line);
        self.description = Some(line);
    }

    pub(crate) fn add_note(&mut self, note: Text) {
        self.check_text("note", &note);
        self.notes.push(note);
    }

    pub(crate) fn add_link(&mut self, relation: Text, uri: Text) {
        self.check_text("relation of a link", &relation);
        if !uri::is_uri(&uri) {
            self.wrong(
                format!("`{}` is no URI", uri.escape_debug()),
                "write for example `https://example.com/runbook`, percent-encoded".into(),
            );
        }
        if self.links.iter().any(|(taken, _)| *taken == relation) {
            self.wrong(
                format!("there are two links `{}`", relation.escape_debug()),
                "give one of the two another relation".into(),
            );
        }
        self.links.push((relation, uri));
    }

    fn check_text(&mut self, what: &str, text: &str) {
        let wrong = if text.trim().is_empty() {
            "is empty".to_owned()
        } else if text.len() > LONGEST_TEXT {
            format!("has {} bytes, {LONGEST_TEXT} is the most", text.len())
        } else if text.contains(char::is_control) {
            "contains a control character".to_owned()
        } else {
            return;
        };
        self.wrong(
            format!("the {what} {wrong}"),
            "write a line for people, or leave it out".into(),
        );
    }

    fn wrong(&mut self, what: String, help: String) {
        self.problems.push(Problem::BadSetting { what, help });
    }

    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }
}
