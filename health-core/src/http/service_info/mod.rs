//! The description of the service in `application/health+json`.

#[cfg(feature = "status-page")]
mod detected;

use std::borrow::Cow;

use crate::check::uri;
use crate::registry::error::Problem;
use crate::text::bounded::cut;

type Text = Cow<'static, str>;

/// In bytes; long enough for the output of `git describe`.
const MAX_VERSION: usize = 128;
const MAX_TEXT: usize = 1024;

/// The description of the service in the answers.
///
/// `/health` shows the version; `application/health+json` shows all fields.
/// Each text is one line of at most 1,024 bytes.
///
/// # Errors
///
/// [`HealthBuilder::start`](crate::HealthBuilder::start) fails if a text is
/// empty, too long or has several lines, if a link is not a URI, or if two links
/// have the same relation.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), health_core::StartError> {
/// use health_core::Health;
/// use health_core::config::ServiceInfo;
///
/// let orders = ServiceInfo::new()
///     .name("orders")
///     .version(env!("CARGO_PKG_VERSION"))
///     .id("orders-7d9f")
///     .description("Takes the orders of the shop")
///     .note("The ledger is read-only on Sundays")
///     .link("about", "https://example.com/orders");
/// let health = Health::builder().service_info(orders).start()?;
/// # let _ = health;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it applies once it is given to `HealthBuilder::service_info`"]
pub struct ServiceInfo {
    name: Option<Text>,
    host: Option<Text>,
    version: Option<Text>,
    pub(crate) service_id: Option<Text>,
    pub(crate) description: Option<Text>,
    pub(crate) notes: Vec<Text>,
    /// By relation.
    pub(crate) links: Vec<(Text, Text)>,
    pub(crate) problems: Vec<Problem>,
}

impl ServiceInfo {
    /// Returns an empty description.
    pub fn new() -> Self {
        ServiceInfo::default()
    }

    /// Sets the name that the status page shows, such as `orders`. Without it, a
    /// client that the guard recognizes sees the name of the executable.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(self.checked("name", name.into()));
        self
    }

    /// Sets the host that the status page shows to clients that the guard
    /// recognizes. Default the environment variable `NODE_NAME` or `HOSTNAME`, or
    /// the name of the host on Linux.
    pub fn host(mut self, host: impl Into<Cow<'static, str>>) -> Self {
        self.host = Some(self.checked("host", host.into()));
        self
    }

    /// Sets the version that `/health` shows, such as
    /// `env!("CARGO_PKG_VERSION")`, a tag or a commit. Cut at 128 bytes.
    pub fn version(mut self, version: impl Into<Cow<'static, str>>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Sets the `serviceId`: the instance that answers, such as `orders-7d9f`.
    /// Without it, the status page shows the environment variable `POD_NAME` to
    /// clients that the guard recognizes.
    pub fn id(mut self, id: impl Into<Cow<'static, str>>) -> Self {
        self.service_id = Some(self.checked("service id", id.into()));
        self
    }

    /// Sets the `description`.
    pub fn description(mut self, line: impl Into<Cow<'static, str>>) -> Self {
        self.description = Some(self.checked("description", line.into()));
        self
    }

    /// Adds an entry of `notes`.
    pub fn note(mut self, note: impl Into<Cow<'static, str>>) -> Self {
        let note = self.checked("note", note.into());
        self.notes.push(note);
        self
    }

    /// Adds an entry of `links`: a unique relation and a URI.
    pub fn link(
        mut self,
        relation: impl Into<Cow<'static, str>>,
        uri: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.add_link(relation.into(), uri.into());
        self
    }

    /// Returns the version, cut to the length that answers show.
    pub(crate) fn shown_version(&self) -> Option<&str> {
        let version = self.version.as_deref()?;
        Some(cut(version, MAX_VERSION))
    }

    fn add_link(&mut self, relation: Text, uri: Text) {
        let relation = self.checked("relation of a link", relation);
        if !uri::is_uri(&uri) {
            self.problems.push(Problem::setting(
                format!("`{}` is not a URI", uri.escape_debug()),
                "write for example `https://example.com/runbook`, percent-encoded",
            ));
        }
        if self.links.iter().any(|(taken, _)| *taken == relation) {
            self.problems.push(Problem::setting(
                format!("there are two links `{}`", relation.escape_debug()),
                "give one of the two another relation",
            ));
        }
        self.links.push((relation, uri));
    }

    /// Returns the text, and reports a problem if it breaks the rules.
    fn checked(&mut self, what: &str, text: Text) -> Text {
        let wrong = if text.trim().is_empty() {
            "is empty".to_owned()
        } else if text.len() > MAX_TEXT {
            format!("has {} bytes, {MAX_TEXT} is the most", text.len())
        } else if text.contains(char::is_control) {
            "contains a control character".to_owned()
        } else {
            return text;
        };
        self.problems.push(Problem::setting(
            format!("the {what} {wrong}"),
            "write a line for people, or leave it out",
        ));
        text
    }
}
