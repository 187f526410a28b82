//! The OpenAPI document of the endpoint.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::check::outcome::Status;
use crate::check::probe::Probe;
use crate::http::options::HttpOptions;
use crate::http::paths::{Below, Places};
#[cfg(feature = "status-page")]
use crate::http::render::html::display_state::DisplayState;
use crate::http::render::vocabulary::Vocabulary;
use crate::registry::details::Details;
use crate::registry::page::Page;
use crate::verdict::Verdict;

const HEALTH: &str = include_str!("../../schemas/health.schema.json");
const HEALTH_JSON: &str = include_str!("../../schemas/health-json.schema.json");

const METHODS: [&str; 3] = ["get", "head", "options"];

/// Maximum number of checks that are named as an example at one path.
pub(super) const MAX_EXAMPLES: usize = 3;

/// `lists_checks` is whether a client that is not recognized can see checks at
/// `/health`. `examples` returns names of checks that have an answer at a page.
pub(super) fn document<'a>(
    settings: &HttpOptions,
    places: &Places,
    lists_checks: bool,
    examples: impl Fn(&Page) -> Vec<&'a str>,
) -> Value {
    let mut paths = Map::new();
    for place in places.iter() {
        let path = &place.path;
        let whole = Operation {
            settings,
            page: &place.page,
            lists_checks,
            for_consul: place.for_consul,
            of_check: false,
        };
        paths.insert(path.clone(), whole.methods());
        if place.below == Below::Checks {
            let of_check = Operation {
                of_check: true,
                ..whole
            };
            let mut item = of_check.methods();
            if let Some(parameters) = item["parameters"].as_array_mut() {
                parameters.insert(0, check_parameter(&examples(&place.page)));
            }
            paths.insert(format!("{path}/{{check}}"), item);
        }
    }
    let mut components = json!({ "schemas": schemas(settings.words) });
    if settings.guard.takes_tokens() {
        components["securitySchemes"] = json!({ "health": { "type": "http", "scheme": "bearer" } });
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Health",
            "description": "Whether the service is live, ready and started, and the status of its checks.",
            // The version of the answers' format. The version of the service
            // may be private.
            "version": env!("CARGO_PKG_VERSION"),
        },
        "tags": [{ "name": "health" }],
        "paths": paths,
        "components": components,
    })
}

/// The operation at one path.
#[derive(Clone, Copy)]
struct Operation<'a> {
    settings: &'a HttpOptions,
    page: &'a Page,
    lists_checks: bool,
    for_consul: bool,
    of_check: bool,
}

impl Operation<'_> {
    /// Returns whether the answer is independent of the client and of single
    /// checks.
    fn is_for_everybody(self) -> bool {
        matches!(self.page, Page::OpenApi | Page::Metrics)
    }

    /// Returns whether a token can change the answer. At a probe it only permits
    /// `?exclude=`.
    fn takes_tokens(self) -> bool {
        let matters = match self.page {
            Page::Probe(_) => !self.of_check && !self.settings.anyone_excludes,
            page => page.has_checks(),
        };
        matters && self.settings.guard.takes_tokens()
    }

    fn methods(self) -> Value {
        let mut item = Map::new();
        for method in METHODS {
            let mut operation = json!({
                "tags": ["health"],
                "summary": self.summary(),
                "responses": self.responses(method),
            });
            if self.takes_tokens() {
                // The token is optional: without it the answer has fewer
                // details.
                operation["security"] = json!([{}, { "health": [] }]);
            }
            item.insert(method.to_owned(), operation);
        }
        let parameters = self.parameters();
        if !parameters.is_empty() {
            item.insert("parameters".to_owned(), parameters.into());
        }
        item.into()
    }

    fn summary(self) -> String {
        if self.of_check {
            return self.check_summary();
        }
        let page = match self.page {
            Page::Probe(Probe::Liveness) => "Liveness: the process should keep running.",
            Page::Probe(Probe::Readiness) => "Readiness: the instance can take traffic.",
            Page::Probe(Probe::Startup) => "Startup: the service has finished starting.",
            Page::Health => "The status of every check.",
            Page::Group(tag) => &format!("The status of the checks with the tag `{tag}`."),
            #[cfg(feature = "status-page")]
            Page::StatusPage => "The status of every check, as a page for people.",
            Page::Metrics => "Metrics in the Prometheus format.",
            Page::OpenApi => "This document.",
        };
        page.to_owned()
    }

    fn check_summary(self) -> String {
        match self.page {
            Page::Probe(probe) => format!("One check of {probe}."),
            Page::Group(tag) => format!("One check with the tag `{tag}`."),
            #[cfg(feature = "status-page")]
            Page::StatusPage => "One check, as a page for people.".to_owned(),
            _ => "One check.".to_owned(),
        }
    }

    fn parameters(self) -> Vec<Value> {
        let mut parameters = Vec::new();
        match self.page {
            Page::OpenApi => {}
            Page::Metrics => parameters.push(format_parameter(&["prometheus", "openmetrics"])),
            #[cfg(feature = "status-page")]
            Page::StatusPage => parameters.extend(self.status_page_parameters()),
            Page::Health | Page::Probe(_) | Page::Group(_) => {
                parameters.push(format_parameter(&[
                    "json",
                    "health+json",
                    "health-json",
                    "text",
                ]));
                parameters.extend(self.verbose_parameter());
            }
        }
        parameters.extend(self.exclude_parameter());
        parameters
    }

    /// Returns the parameters of the page for people. None of them changes the
    /// code, except that a badge always has 200.
    #[cfg(feature = "status-page")]
    fn status_page_parameters(self) -> Vec<Value> {
        let probes = Probe::ALL.map(Probe::as_str);
        let mut parameters = vec![
            json!({
                "name": "refresh",
                "in": "query",
                "description": "Seconds until the page reloads, from 5 to 3600, or `off`. \
                    A smaller number counts as 5, a larger one as 3600, any other value as 10.",
                "schema": { "anyOf": [{ "const": "off" }, { "type": "integer" }, { "type": "string" }] },
            }),
            json!({
                "name": "badge",
                "in": "query",
                "description": "Answers with an image of the state and the code of a healthy answer: of this probe, \
                    or for any other value of the check in the path, of the group of `tag`, or of the service.",
                "allowEmptyValue": true,
                "schema": { "anyOf": [{ "enum": probes }, { "type": "string" }] },
            }),
        ];
        if self.of_check {
            return parameters;
        }
        let states = DisplayState::ALL.map(DisplayState::as_str);
        for (name, what, schema) in [
            (
                "state",
                "Shows only the checks in this state; `problems` are those that do not pass. \
                 Any other value is ignored, and the page says so.",
                json!({ "anyOf": [{ "enum": states }, { "const": "problems" }, { "type": "string" }] }),
            ),
            (
                "tag",
                "Shows the group of the checks with this tag. A tag that no check has is ignored, \
                 and the page says so.",
                json!({ "type": "string" }),
            ),
            (
                "q",
                "Shows only the checks whose name, description, tags or reason contain this text, \
                 ignoring case. Cut at 100 bytes.",
                json!({ "type": "string" }),
            ),
        ] {
            parameters.push(json!({
                "name": name,
                "in": "query",
                "description": what,
                "schema": schema,
            }));
        }
        parameters
    }

    /// Returns the parameter where it changes an answer.
    fn verbose_parameter(self) -> Option<Value> {
        let what = match self.page {
            _ if self.of_check => return None,
            Page::Probe(_) if self.settings.probe_details == Details::Status => return None,
            Page::Health if !self.lists_checks && !self.settings.guard.has_conditions() => {
                return None;
            }
            Page::Probe(_) => "Lists the checks as text, unless another format is named.",
            _ => "Lists the checks in the text format even if all of them pass.",
        };
        Some(json!({
            "name": "verbose",
            "in": "query",
            "description": format!("{what} Its value is ignored."),
            "allowEmptyValue": true,
            "schema": { "type": "string" },
        }))
    }

    /// Returns the parameter where a client can exclude a check.
    fn exclude_parameter(self) -> Option<Value> {
        if self.of_check || self.is_for_everybody() {
            return None;
        }
        let whose = if self.settings.anyone_excludes {
            ""
        } else if self.settings.guard.has_conditions() {
            " Ignored unless the guard recognizes the client."
        } else {
            return None;
        };
        let what =
            "Checks that do not count for this answer; names that no check has change nothing.";
        Some(json!({
            "name": "exclude",
            "in": "query",
            "description": format!("{what}{whose}"),
            "style": "form",
            "explode": true,
            "schema": { "type": "array", "items": { "$ref": "#/components/schemas/CheckName" } },
        }))
    }

    /// Returns the responses by code: several statuses may share one.
    fn responses(self, method: &str) -> Value {
        let statuses: &[(Status, &str)] = match self.page {
            Page::OpenApi => &[(Status::Pass, "The document")],
            Page::Metrics => &[(Status::Pass, "The metrics")],
            // Once startup has passed, it stays passed.
            Page::Probe(Probe::Startup) if !self.of_check => {
                &[(Status::Pass, "Healthy"), (Status::Fail, "Unhealthy")]
            }
            _ => &[
                (Status::Pass, "Healthy"),
                (Status::Warn, "Degraded"),
                (Status::Fail, "Unhealthy"),
            ],
        };
        let mut words: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        for &(status, word) in statuses {
            // Metrics do not depend on a verdict, so they always use 200.
            let code = match self.page {
                Page::Metrics => 200,
                _ if self.for_consul && status == Status::Warn => 429,
                _ => self.settings.codes.of(status).as_u16(),
            };
            words.entry(code).or_default().push(word);
        }
        let mut responses = Map::new();
        let mut respond = |code: u16, description: String, content: Value| {
            let mut response = json!({ "description": description });
            if method != "head" {
                response["content"] = content;
            }
            responses.insert(code.to_string(), response);
        };
        if self.of_check {
            let error = json!({ "application/json": { "schema": error_schema() } });
            respond(
                404,
                "There is no such check, or it does not count here".into(),
                error,
            );
        }
        for (code, words) in words {
            #[cfg_attr(not(feature = "status-page"), expect(unused_mut, reason = "the badge"))]
            let mut content = self.content();
            // A badge always has the code of a healthy answer.
            #[cfg(feature = "status-page")]
            if *self.page == Page::StatusPage && words.contains(&"Healthy") {
                content["image/svg+xml"] = json!({ "schema": { "type": "string" } });
            }
            respond(code, words.join(", or "), content);
        }
        responses.into()
    }

    fn content(self) -> Value {
        let text = json!({ "schema": { "type": "string" } });
        match self.page {
            Page::OpenApi => json!({ "application/json": { "schema": { "type": "object" } } }),
            #[cfg(feature = "status-page")]
            Page::StatusPage => json!({ "text/html": text }),
            Page::Metrics => json!({ "text/plain": text, "application/openmetrics-text": text }),
            Page::Health | Page::Probe(_) | Page::Group(_) => {
                let schema = if self.of_check { "Check" } else { "Health" };
                let reference = |name: &str| {
                    let path = format!("#/components/schemas/{name}");
                    json!({ "schema": { "$ref": path } })
                };
                json!({
                    "application/json": reference(schema),
                    "application/health+json": reference("HealthJson"),
                    "text/plain": text,
                })
            }
        }
    }
}

/// Generators of clients and of tests take the examples; `enum` would make a new
/// check a breaking change.
fn check_parameter(examples: &[&str]) -> Value {
    let mut parameter = json!({
        "name": "check",
        "in": "path",
        "required": true,
        "schema": { "$ref": "#/components/schemas/CheckName" },
    });
    if !examples.is_empty() {
        let named = examples
            .iter()
            .map(|&name| (name.to_owned(), json!({ "value": name })));
        parameter["examples"] = named.collect::<Map<_, _>>().into();
    }
    parameter
}

fn format_parameter(formats: &[&str]) -> Value {
    json!({
        "name": "format",
        "in": "query",
        "description": "The format; it has precedence over `Accept`. Other values are ignored.",
        "schema": { "anyOf": [{ "enum": formats }, { "type": "string" }] },
    })
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "properties": { "error": { "type": "string" } },
        "required": ["error"],
    })
}

/// Returns the published schemas with the configured status words.
fn schemas(words: Vocabulary) -> Map<String, Value> {
    let mut schemas = Map::new();
    for (name, text) in [("Health", HEALTH), ("HealthJson", HEALTH_JSON)] {
        let text = text.replace("#/$defs/", "#/components/schemas/");
        let mut schema: Map<String, Value> =
            serde_json::from_str(&text).expect("a test reads the schemas");
        schema.remove("$schema");
        if let Some(Value::Object(definitions)) = schema.remove("$defs") {
            schemas.extend(definitions);
        }
        schemas.insert(name.to_owned(), schema.into());
    }
    let of_service = Status::ALL.map(|status| words.status(status));
    let of_check = Verdict::ALL.map(|verdict| words.verdict(verdict));
    schemas["StatusWord"]["enum"] = json!(of_service);
    schemas["StatusWord"]["description"] = json!("Passing, degraded, failing.");
    schemas["CheckWord"]["enum"] = json!(of_check);
    schemas
}
