//! Answers match the schemas and the OpenAPI document.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use health_core::check::FailureClass;
use health_core::config::HttpOptions;
use health_core::config::ServiceInfo;
use health_core::http::{Details, Guard, Page, RequestHead, Vocabulary};
use health_core::reported::{Gate, Heartbeat, Switch};
use health_core::{CheckOptions, Health, HealthBuilder, Outcome, Status};
use jsonschema::Validator;
use serde_json::{Value, json};
use tokio::time::sleep;

const HEALTH: &str = include_str!("../../../health-core/schemas/health.schema.json");
const HEALTH_JSON: &str = include_str!("../../../health-core/schemas/health-json.schema.json");
/// From the OpenAPI Initiative:
/// <https://spec.openapis.org/oas/3.1/schema/2022-10-07>.
const OPENAPI: &str = include_str!("../../fixtures/openapi/v3.1-schema.json");
const TOKEN: &str = "correct horse battery staple";

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).expect("the text is valid JSON")
}

fn validator(schema: &Value) -> Validator {
    let options = jsonschema::options().should_validate_formats(true);
    options.build(schema).expect("a schema")
}

fn errors(validator: &Validator, value: &Value) -> Vec<String> {
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// The schema, but strict about unknown keys: readers ignore them, but the schemas
/// should list them.
fn closed(mut schema: Value) -> Value {
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(map) => {
                map.values_mut().for_each(close);
                let describes = map.get("properties").is_some_and(Value::is_object);
                if describes && !map.contains_key("additionalProperties") {
                    map.insert("additionalProperties".into(), false.into());
                }
            }
            Value::Array(list) => list.iter_mut().for_each(close),
            _ => {}
        }
    }
    close(&mut schema);
    schema
}

/// The definition with this name in a schema.
fn definition(schema: &Value, name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"] })
}

async fn started(builder: HealthBuilder) -> Health {
    let health = builder.start().expect("it starts");
    sleep(Duration::from_secs(20)).await;
    health
}

/// `Accept`, and `Authorization` if it is not empty.
fn response(
    health: &Health,
    method: &str,
    uri: &str,
    [accept, authorization]: [&str; 2],
) -> http::Response<Vec<u8>> {
    let (path, query) = uri
        .split_once('?')
        .map_or((uri, None), |(path, query)| (path, Some(query)));
    let headers = [("accept", accept), ("authorization", authorization)];
    let head = RequestHead::new(method, path)
        .with_query(query)
        .with_headers(&headers);
    health
        .internal_endpoint()
        .respond_cached(head)
        .map(|body| body.to_vec())
}

fn get(health: &Health, uri: &str) -> Value {
    let response = response(health, "GET", uri, ["*/*", ""]);
    serde_json::from_slice(response.body()).expect("the text is valid JSON")
}

/// Checks in every state, with all fields that a check can have.
fn mixed(http: HttpOptions) -> HealthBuilder {
    let critical = || CheckOptions::new().critical();
    let day = Duration::from_hours(24);
    let tagged = CheckOptions::new()
        .tags(["redis"])
        .description("It answers.");
    let database = critical()
        .affects(["/orders", "/orders/{id}"])
        .links([("runbook", "https://example.com/runbook")]);
    reported()
        .service_info(
            ServiceInfo::new()
                .version("1.4.2")
                .id("orders-7d9f")
                .description("Takes the orders of the shop")
                .note("The ledger is read-only on Sundays")
                .link("about", "https://example.com/orders"),
        )
        .http(http.group("redis"))
        .check("alive", critical().liveness(), || async {})
        .check("cache", tagged, || async {
            Outcome::warn("nearly full")
                .class(FailureClass::Saturated)
                .observe(97, "percent")
                .detail(json!({ "slots": [1, 2] }))
        })
        .check("database", database, || async {
            Err::<(), _>("connection refused")
        })
        .check("export", CheckOptions::new(), || async {
            let long = "x".repeat(2_000);
            Outcome::pass().observe(&long, "rows").detail(long)
        })
        .check(
            "held",
            CheckOptions::new().failure_threshold(1_000),
            || async { false },
        )
        .check("hung", critical(), std::future::pending::<()>)
        .check("late", CheckOptions::new().initial_delay(day), || async {})
        .check(
            "schema",
            CheckOptions::new().after(["database"]),
            || async {},
        )
}

const REPORTED: [&str; 4] = ["beating", "consumer", "maintenance", "migrations"];

/// Reported checks, passing and failing.
fn reported() -> HealthBuilder {
    let options = CheckOptions::new;
    let migrations = Gate::new("migrations");
    migrations.open();
    let maintenance = Switch::new("maintenance");
    maintenance.off("the index is rebuilt");
    let beating = Heartbeat::new("beating", Duration::from_hours(1));
    beating.beat();
    let consumer = Heartbeat::new("consumer", Duration::from_secs(10));
    let builder = Health::builder()
        .reported(&migrations, CheckOptions::new().startup().critical())
        .reported(&maintenance, options())
        .reported(&beating, options())
        .reported(&consumer, options());
    // The work behind the reported checks.
    tokio::spawn(async move {
        let _held = (beating, consumer);
        std::future::pending::<()>().await;
    });
    builder
}

/// More checks than an answer to a prober can list, each with a message.
fn crowded(http: HttpOptions) -> HealthBuilder {
    (0..300).fold(
        Health::builder().http(http.group("redis")),
        |builder, nth| {
            let options = CheckOptions::new().tags(["redis"]);
            builder.check(format!("check-{nth:03}"), options, || async {
                Outcome::fail("down")
            })
        },
    )
}

/// Every kind of answer, of pages and of checks.
async fn answers(format: &str) -> (Vec<Value>, Vec<Value>) {
    let (mut pages, mut checks) = (Vec::new(), Vec::new());
    let everybody = || Guard::new().when(|_| true);
    let never_opened = Gate::new("warm-up");
    for builder in [
        Health::builder(),
        mixed(HttpOptions::new().details(Details::Status)),
        mixed(HttpOptions::new().probe_details(Details::Checks)),
        mixed(HttpOptions::new().guard(everybody())),
        mixed(HttpOptions::new().guard(everybody()))
            .reported(&never_opened, CheckOptions::new().startup().critical()),
        crowded(HttpOptions::new().probe_details(Details::Checks)),
    ] {
        let health = started(builder).await;
        let endpoint = health.internal_endpoint();
        for draining in [false, true] {
            let drained = draining.then(|| health.drain());
            for path in endpoint.paths() {
                for excluded in ["", "&exclude=cache&exclude=nobody"] {
                    let uri = format!("{path}?format={format}{excluded}");
                    pages.push(get(&health, &uri));
                }
            }
            for check in health.snapshot().checks() {
                let uri = format!("/health/{}?format={format}", check.name());
                checks.push(get(&health, &uri));
                if format == "json" {
                    checks.push(json!(check));
                }
            }
            drop(drained);
        }
        health.stop().await;
    }
    (pages, checks)
}

/// The names of the keys of a schema at any depth.
fn described(schema: &Value) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    match schema {
        Value::Object(map) => {
            for (key, inner) in map {
                if key == "properties" {
                    keys.extend(
                        inner
                            .as_object()
                            .into_iter()
                            .flatten()
                            .map(|(key, _)| key.clone()),
                    );
                }
                keys.append(&mut described(inner));
            }
        }
        Value::Array(list) => list
            .iter()
            .for_each(|inner| keys.append(&mut described(inner))),
        _ => {}
    }
    keys
}

fn used(value: &Value) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                keys.insert(key.clone());
                keys.append(&mut used(inner));
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| keys.append(&mut used(inner))),
        _ => {}
    }
    keys
}

/// The keys of `examples` are not those of a schema, since they are names or chosen
/// by a check.
fn assert_described(
    schema: &Value,
    check: &Value,
    (pages, checks): &(Vec<Value>, Vec<Value>),
    examples: &[&str],
) {
    for (schema, answers) in [(schema, pages), (check, checks)] {
        let validator = validator(&closed(schema.clone()));
        for answer in answers {
            assert_eq!(errors(&validator, answer), [""; 0], "{answer:#}");
        }
    }
    let all: BTreeSet<String> = pages.iter().chain(checks).flat_map(used).collect();
    let examples = examples.iter().map(|&key| key.to_owned());
    for key in described(schema).into_iter().chain(examples) {
        assert!(all.contains(&key), "nothing says `{key}`");
    }
}

#[tokio::test(start_paused = true)]
async fn default_answers_match_their_schema() {
    let schema = parsed(HEALTH);
    let check = definition(&schema, "Check");
    let examples = ["startup", "shutdown", "withheld"];
    assert_described(&schema, &check, &answers("json").await, &examples);
}

#[tokio::test(start_paused = true)]
async fn health_json_matches_its_schema() {
    let schema = parsed(HEALTH_JSON);
    let examples = ["startup:responseTime", "uptime", "withheld"];
    assert_described(&schema, &schema, &answers("health-json").await, &examples);
}

/// Readers that need a duration for each check would fail without it.
#[tokio::test(start_paused = true)]
async fn reported_checks_have_no_response_time() {
    let health = started(reported()).await;
    let (default, draft) = (
        get(&health, "/health"),
        get(&health, "/health?format=health-json"),
    );
    for name in REPORTED {
        let check = &default["checks"][name];
        assert!(check["status"].is_string(), "{name}: {default}");
        assert!(check.get("response_time_ms").is_none(), "{name}: {check}");
        let check = &draft["checks"][format!("{name}:responseTime")][0];
        assert!(check["status"].is_string(), "{name}: {draft}");
        assert!(check.get("observedValue").is_none(), "{name}: {check}");
    }
}

/// Answers with one invalid value each.
#[tokio::test(start_paused = true)]
async fn the_schema_refuses_invalid_answers() {
    let schema = validator(&parsed(HEALTH));
    let health = started(mixed(HttpOptions::new().guard(Guard::new().when(|_| true)))).await;
    let right = get(&health, "/health?exclude=cache&exclude=nobody");
    assert!(schema.is_valid(&right));
    for (pointer, wrong) in [
        ("/status", json!("fine")),
        ("/status", json!(1)),
        ("/timestamp", json!("yesterday")),
        ("/uptime_s", json!(-1)),
        ("/uptime_s", json!("20")),
        ("/version", json!(1.4)),
        ("/checks", json!([])),
        ("/checks/database", json!("error")),
        ("/checks/database", json!({ "status": "error" })),
        ("/checks/database/status", json!("unhealthy")),
        ("/checks/database/critical", json!("yes")),
        ("/checks/database/response_time_ms", json!(-0.1)),
        ("/checks/database/checked_at", json!("12:00")),
        ("/checks/database/history/success_rate", json!(95)),
        ("/checks/database/history/runs", json!(1.5)),
        ("/checks/database/incident", json!("k3f9qu")),
        ("/checks/cache/excluded", json!("yes")),
        ("/checks/cache/observed", json!(97)),
        ("/checks/schema/blocked_by", json!("")),
        ("/warnings", json!("no matches")),
        ("/warnings", json!([])),
    ] {
        let mut answer = right.clone();
        *answer
            .pointer_mut(pointer)
            .expect("the answer has this key") = wrong.clone();
        assert!(!schema.is_valid(&answer), "{pointer}: {wrong}");
    }
    for missing in ["status", "timestamp", "uptime_s"] {
        let mut answer = right.clone();
        answer.as_object_mut().expect("an object").remove(missing);
        assert!(!schema.is_valid(&answer), "without {missing}");
    }
    let mut named = right.clone();
    named["checks"]["My DB"] = right["checks"]["database"].clone();
    assert!(!schema.is_valid(&named), "no name of a check");
    let many = started(crowded(HttpOptions::new().probe_details(Details::Checks))).await;
    let right = get(&many, "/readyz");
    assert!(schema.is_valid(&right));
    for (pointer, wrong) in [
        ("/more", json!(12)),
        ("/more", json!({ "count": 12 })),
        ("/more/count", json!(0)),
        ("/more/names", json!(["My DB"])),
    ] {
        let mut answer = right.clone();
        *answer
            .pointer_mut(pointer)
            .expect("the answer has this key") = wrong.clone();
        assert!(!schema.is_valid(&answer), "{pointer}: {wrong}");
    }

    let draft = validator(&parsed(HEALTH_JSON));
    let right = get(&health, "/health?format=health-json&exclude=cache");
    assert!(draft.is_valid(&right));
    for (pointer, wrong) in [
        ("/status", json!("healthy")),
        ("/checks/uptime", json!({ "status": "pass" })),
        ("/checks/uptime", json!([])),
        ("/checks/uptime/0/status", json!("ok")),
        ("/checks/uptime/0/time", json!(0)),
        ("/serviceId", json!(7)),
        ("/description", json!([])),
        ("/notes", json!("one")),
        ("/notes", json!([])),
        ("/links", json!({})),
        ("/links/about", json!("our wiki")),
        ("/checks/cache/0/excluded", json!("yes")),
        (
            "/checks/database:responseTime/0/affectedEndpoints",
            json!(["/orders/{id"]),
        ),
        (
            "/checks/database:responseTime/0/links/runbook",
            json!("our wiki"),
        ),
        ("/checks/database:responseTime/0/incident", json!("K3F9QZ")),
    ] {
        let mut answer = right.clone();
        *answer
            .pointer_mut(pointer)
            .expect("the answer has this key") = wrong.clone();
        assert!(!draft.is_valid(&answer), "{pointer}: {wrong}");
    }
}

/// Every answer has this status, and every page has a path.
fn answering(status: Status, http: HttpOptions) -> HealthBuilder {
    let of_all = CheckOptions::new()
        .critical()
        .liveness()
        .readiness()
        .startup()
        .tags(["redis"]);
    Health::builder()
        .check("all", of_all, move || async move { status })
        .http(
            http.common_paths()
                .group("redis")
                .base_path("/internal")
                .path_with_checks("/redis", Page::group("redis"))
                .path("/status", Page::StatusPage)
                .path("/metrics", Page::Metrics)
                .path("/openapi.json", Page::OpenApi)
                .vocabulary(Vocabulary::Up)
                .status_code(Status::Warn, 203)
                .status_code(Status::Fail, 500),
        )
}

fn guarded(status: Status) -> HealthBuilder {
    answering(status, HttpOptions::new().guard(Guard::new().bearer(TOKEN)))
}

fn paths(document: &Value) -> impl Iterator<Item = (&String, &Value)> {
    document["paths"].as_object().expect("paths").iter()
}

#[tokio::test(start_paused = true)]
async fn the_document_is_valid_openapi() {
    let health = started(guarded(Status::Pass)).await;
    let document = health.internal_endpoint().openapi();
    assert_eq!(get(&health, "/openapi.json"), document, "and is served");
    let openapi = validator(&parsed(OPENAPI));
    assert_eq!(errors(&openapi, &document), [""; 0]);
    let mut wrong = document.clone();
    wrong["paths"]["/internal/livez"]["get"]["responses"] = json!({ "fine": {} });
    assert!(!openapi.is_valid(&wrong), "the validator looks");
    for (name, schema) in document["components"]["schemas"]
        .as_object()
        .expect("schemas")
    {
        assert!(jsonschema::meta::is_valid(schema), "{name}");
    }
    let words = &document["components"]["schemas"]["StatusWord"]["enum"];
    assert_eq!(*words, json!(["UP", "DEGRADED", "DOWN"]));
    assert_eq!(
        document["paths"]["/internal/livez"]["get"]["security"],
        json!([{}, { "health": [] }])
    );
    let unguarded = Health::builder().start().expect("it starts");
    let document = unguarded.internal_endpoint().openapi();
    assert!(document["components"].get("securitySchemes").is_none());
    assert_eq!(paths(&document).count(), 8, "the four, and their checks");
}

#[tokio::test(start_paused = true)]
async fn the_document_has_exactly_the_mounted_paths() {
    let health = started(guarded(Status::Pass)).await;
    let document = health.internal_endpoint().openapi();
    let documented: BTreeSet<&str> = paths(&document)
        .map(|(path, _)| path.strip_suffix("/{check}").unwrap_or(path))
        .collect();
    let endpoint = health.internal_endpoint();
    assert_eq!(documented, endpoint.paths().collect());
    for (page, has_checks) in [
        ("/internal/livez", true),
        ("/internal/health/groups/redis", true),
        ("/redis", true),
        ("/status", true),
        ("/internal/healthz", false),
        ("/metrics", false),
        ("/openapi.json", false),
    ] {
        let of_check = format!("{page}/{{check}}");
        assert!(document["paths"][page].is_object(), "{page}");
        assert_eq!(
            document["paths"][of_check].is_object(),
            has_checks,
            "{page}"
        );
    }
}

/// Tools that read the document ask for checks that exist.
#[tokio::test(start_paused = true)]
async fn the_examples_of_the_document_are_checks_that_have_an_answer() {
    let health = started(mixed(HttpOptions::new())).await;
    let examples = |document: &Value| -> Vec<String> {
        paths(document)
            .filter_map(|(path, item)| Some((path, parameter(item, "check")?)))
            .filter_map(|(path, check)| Some((path, check["examples"].as_object()?)))
            .flat_map(|(path, examples)| {
                let values = examples.values().map(|example| example["value"].as_str());
                values.map(|name| path.replace("{check}", name.expect("a name")))
            })
            .collect()
    };
    let internal = examples(&health.internal_endpoint().openapi());
    for uri in &internal {
        let answer = response(&health, "GET", uri, ["*/*", ""]);
        assert_ne!(answer.status(), 404, "{uri}");
    }
    for page in [
        "health",
        "livez",
        "readyz",
        "startupz",
        "health/groups/redis",
    ] {
        let prefix = format!("/{page}/");
        assert!(
            internal.iter().any(|uri| uri.starts_with(&prefix)),
            "{page}"
        );
    }
    assert_eq!(examples(&health.endpoint().openapi()), [""; 0]);
    let terse = started(mixed(HttpOptions::new().details(Details::Status))).await;
    assert_eq!(examples(&terse.internal_endpoint().openapi()), [""; 0]);
}

const MEDIA_TYPES: [&str; 6] = [
    "*/*",
    "application/json",
    "application/health+json",
    "application/openmetrics-text",
    "text/html",
    "text/plain",
];

/// Every documented path, method, code and media type occurs, and no other.
#[tokio::test(start_paused = true)]
async fn the_document_describes_every_answer() {
    let mut seen = BTreeSet::new();
    let mut document = Value::Null;
    let strangers_and_others = [String::new(), format!("Bearer {TOKEN}")];
    for status in [Status::Pass, Status::Warn, Status::Fail] {
        let health = started(guarded(status)).await;
        document = health.internal_endpoint().openapi();
        let mut contract = Contract::new(&document);
        for (template, item) in paths(&document) {
            let path = template.replace("{check}", "all");
            let unknown = template.replace("{check}", "nobody");
            let asked = format!("{path}?exclude=all&exclude=nobody&verbose&refresh=off&x=y");
            let badge = format!("{path}?badge&tag=redis");
            for method in ["get", "head", "options"] {
                let verb = method.to_uppercase();
                for uri in BTreeSet::from([&path, &unknown, &asked, &badge]) {
                    for accept in MEDIA_TYPES {
                        for authorization in &strangers_and_others {
                            let place = format!("{verb} {uri} as {accept}");
                            let fields = [accept, authorization];
                            let answer = response(&health, &verb, uri, fields);
                            let media_type = contract.assert_kept(&item[method], &answer, &place);
                            let code = answer.status().as_str().to_owned();
                            seen.insert((template.clone(), method, code, media_type));
                        }
                    }
                }
            }
            let refused = response(&health, "POST", &path, ["", ""]);
            assert_eq!(refused.status(), 405, "{template}");
            assert_eq!(refused.headers()["allow"], "GET, HEAD, OPTIONS");
        }
    }
    assert_eq!(seen, promised(&document));
}

/// Path, method, code, and media type if there is a body.
type Promise = (String, &'static str, String, Option<String>);

fn promised(document: &Value) -> BTreeSet<Promise> {
    let mut promised = BTreeSet::new();
    for (path, item) in paths(document) {
        for method in ["get", "head", "options"] {
            let responses = item[method]["responses"].as_object().expect("responses");
            for (code, response) in responses {
                let promise = |media_type| (path.clone(), method, code.clone(), media_type);
                match response["content"].as_object() {
                    Some(content) => {
                        let media_types = content.keys().cloned();
                        promised.extend(media_types.map(|media_type| promise(Some(media_type))));
                    }
                    None => {
                        promised.insert(promise(None));
                    }
                }
            }
        }
    }
    promised
}

fn media_type(answer: &http::Response<Vec<u8>>) -> &str {
    let content_type = answer.headers()["content-type"]
        .to_str()
        .expect("the field is ASCII");
    content_type.split(';').next().unwrap_or_default()
}

/// A document, and the parsed schemas in it.
struct Contract<'a> {
    document: &'a Value,
    validators: BTreeMap<String, Validator>,
}

impl<'a> Contract<'a> {
    fn new(document: &'a Value) -> Self {
        Contract {
            document,
            validators: BTreeMap::new(),
        }
    }

    /// Asserts that the code and the media type of the answer are documented and that
    /// the body matches its schema. Returns the media type, if a body is documented.
    fn assert_kept(
        &mut self,
        operation: &Value,
        answer: &http::Response<Vec<u8>>,
        place: &str,
    ) -> Option<String> {
        let code = answer.status();
        let promised = &operation["responses"][code.as_str()];
        assert!(promised.is_object(), "{place}: {code}");
        let Some(contents) = promised.get("content") else {
            assert!(answer.body().is_empty(), "{place}: {code}");
            return None;
        };
        let media_type = media_type(answer);
        let content = &contents[media_type];
        assert!(content.is_object(), "{place}: {media_type}");
        if media_type.ends_with("json") {
            let validator = self.validator(&content["schema"]);
            let body = serde_json::from_slice(answer.body()).expect("the text is valid JSON");
            assert_eq!(errors(validator, &body), [""; 0], "{place}");
        } else {
            assert_eq!(content["schema"]["type"], "string");
        }
        Some(media_type.to_owned())
    }

    fn validator(&mut self, schema: &Value) -> &Validator {
        let components = &self.document["components"];
        let read = || {
            let mut schema = schema.clone();
            schema["components"] = components.clone();
            validator(&schema)
        };
        self.validators
            .entry(schema.to_string())
            .or_insert_with(read)
    }
}

fn parameter<'a>(item: &'a Value, name: &str) -> Option<&'a Value> {
    let parameters = item["parameters"].as_array()?;
    parameters
        .iter()
        .find(|parameter| parameter["name"] == name)
}

/// The values of `format` cover all media types of the page.
#[tokio::test(start_paused = true)]
async fn each_documented_format_is_served_and_others_are_ignored() {
    let health = started(guarded(Status::Pass)).await;
    let document = health.internal_endpoint().openapi();
    let mut heard = 0;
    for (template, item) in paths(&document) {
        let Some(format) = parameter(item, "format") else {
            continue;
        };
        let path = template.replace("{check}", "all");
        let formats = &format["schema"]["anyOf"][0]["enum"];
        let formats = formats.as_array().expect("formats");
        let answered: BTreeSet<String> = formats
            .iter()
            .map(|format| {
                let uri = format!("{path}?format={}", format.as_str().expect("a name"));
                let other = response(&health, "GET", &uri, ["application/x-unknown", ""]);
                media_type(&other).to_owned()
            })
            .collect();
        let content = &item["get"]["responses"]["200"]["content"];
        let promised = content.as_object().expect("content").keys().cloned();
        assert_eq!(answered, promised.collect(), "{template}");
        let description = format["description"]
            .as_str()
            .expect("the value is a string");
        assert!(description.contains("Other values are ignored"));
        for other in ["null", "yaml", "", "TEXT"] {
            let uri = format!("{path}?format={other}");
            let ignored = response(&health, "GET", &uri, ["*/*", ""]);
            let usual = response(&health, "GET", &path, ["*/*", ""]);
            assert_eq!(ignored.status(), usual.status(), "{uri}");
            assert_eq!(media_type(&ignored), media_type(&usual), "{uri}");
        }
        heard += 1;
    }
    assert!(heard > 20, "{heard}");
}

/// Whether excluding the check changes an answer at this path.
fn excludes(health: &Health, path: &str, authorization: &str) -> bool {
    let ask = |uri: &str| response(health, "GET", uri, ["application/json", authorization]);
    let excluding = ask(&format!("{path}?exclude=all"));
    let is_marked = String::from_utf8_lossy(excluding.body()).contains(r#""excluded":true"#);
    is_marked || ask(path).status() != excluding.status()
}

#[tokio::test(start_paused = true)]
async fn the_document_has_exclusions_where_they_apply() {
    let token = format!("Bearer {TOKEN}");
    let http = || HttpOptions::new().probe_details(Details::Checks);
    for (http, authorization, word) in [
        (http(), "", None),
        (http().guard(Guard::new()), "", None),
        (
            http().guard(Guard::new().bearer(TOKEN)),
            &*token,
            Some("guard"),
        ),
        (http().guard(Guard::new().when(|_| true)), "", Some("guard")),
        (http().exclude_for_all_clients(), "", Some("not count")),
    ] {
        let health = started(answering(Status::Warn, http)).await;
        let document = health.internal_endpoint().openapi();
        let mut listed = 0;
        for (template, item) in paths(&document) {
            let path = template.replace("{check}", "all");
            let exclude = parameter(item, "exclude");
            let has_effect = excludes(&health, &path, authorization);
            assert_eq!(exclude.is_some(), has_effect, "{template} {word:?}");
            let Some(exclude) = exclude else { continue };
            let description = exclude["description"]
                .as_str()
                .expect("the value is a string");
            assert!(
                description.contains(word.expect("it is listed")),
                "{description}"
            );
            assert_eq!(
                (&exclude["schema"]["type"], &exclude["explode"]),
                (&json!("array"), &json!(true))
            );
            listed += 1;
        }
        assert_eq!(listed > 0, word.is_some(), "{word:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_document_has_only_status_200_for_metrics() {
    let health = started(answering(
        Status::Fail,
        HttpOptions::new().status_code(Status::Pass, 202),
    ))
    .await;
    let responses = &health.internal_endpoint().openapi()["paths"]["/metrics"]["get"]["responses"];
    let codes: Vec<&String> = responses.as_object().expect("responses").keys().collect();
    assert_eq!(codes, ["200"]);
    let metrics = response(&health, "GET", "/metrics", ["*/*", ""]);
    assert_eq!(metrics.status(), 200);
}
