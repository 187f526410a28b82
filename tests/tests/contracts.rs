//! What the schemas and the OpenAPI document promise is what is answered.

use std::collections::BTreeSet;
use std::time::Duration;

use health_core::{
    CheckOptions, Details, Guard, Health, HealthBuilder, Outcome, Page, RequestHead, Status,
    Vocabulary,
};
use jsonschema::Validator;
use serde_json::{Value, json};
use tokio::time::sleep;

const HEALTH: &str = include_str!("../../health-core/schemas/health.schema.json");
const HEALTH_JSON: &str = include_str!("../../health-core/schemas/health-json.schema.json");
/// Of the OpenAPI Initiative: <https://spec.openapis.org/oas/3.1/schema/2022-10-07>.
const OPENAPI: &str = include_str!("../fixtures/openapi/v3.1-schema.json");

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).expect("JSON")
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

/// The schema, refusing whatever it does not describe: readers ignore it, but
/// the schemas should know it.
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

/// The part of a schema that has a name.
fn definition(schema: &Value, name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}"), "$defs": schema["$defs"] })
}

async fn started(builder: HealthBuilder) -> Health {
    let health = builder.start().expect("it starts");
    sleep(Duration::from_secs(20)).await;
    health
}

fn response(health: &Health, method: &str, uri: &str, accept: &str) -> http::Response<Vec<u8>> {
    let (path, query) = uri
        .split_once('?')
        .map_or((uri, None), |(path, query)| (path, Some(query)));
    let head = RequestHead::new(method, path)
        .query(query)
        .accept(Some(accept));
    health.endpoint().respond(head).map(|body| body.to_vec())
}

fn get(health: &Health, uri: &str) -> Value {
    let response = response(health, "GET", uri, "*/*");
    serde_json::from_slice(response.body()).expect("JSON")
}

/// Checks in every state, with everything that a check can say.
fn mixed() -> HealthBuilder {
    let critical = || CheckOptions::new().critical();
    let day = Duration::from_hours(24);
    let tagged = CheckOptions::new()
        .tags(&["redis"])
        .description("It answers.");
    Health::builder()
        .version("1.4.2")
        .check("alive", critical().liveness(), || async {})
        .check("cache", tagged, || async {
            Outcome::warn("nearly full")
                .observe(97, "percent")
                .detail(json!({ "slots": [1, 2] }))
        })
        .check("database", critical(), || async {
            Err::<(), _>("connection refused")
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
            CheckOptions::new().after(&["database"]),
            || async {},
        )
}

const PAGES: [&str; 4] = ["/livez", "/readyz", "/startupz", "/health"];

/// Every kind of answer that there is: of pages, and of checks.
async fn answers(format: &str) -> (Vec<Value>, Vec<Value>) {
    let (mut pages, mut checks) = (Vec::new(), Vec::new());
    let everybody = || Guard::new().when(|_| true);
    for builder in [
        Health::builder(),
        mixed().details(Details::Status),
        mixed().probe_details(Details::Checks),
        mixed().guard(everybody()),
    ] {
        let health = started(builder).await;
        for draining in [false, true] {
            let drained = draining.then(|| health.drain());
            pages.extend(PAGES.map(|page| get(&health, &format!("{page}?format={format}"))));
            for check in health.snapshot().checks() {
                let uri = format!("/health/{}?format={format}", check.name());
                checks.push(get(&health, &uri));
            }
            drop(drained);
        }
        health.stop().await;
    }
    (pages, checks)
}

/// The names of the keys at any depth of what a schema describes.
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

fn assert_described(schema: &Value, check: &Value, pages: &[Value], checks: &[Value]) {
    for (schema, answers) in [(schema, pages), (check, checks)] {
        let validator = validator(&closed(schema.clone()));
        for answer in answers {
            assert_eq!(errors(&validator, answer), [""; 0], "{answer:#}");
        }
    }
    let all: BTreeSet<String> = pages.iter().chain(checks).flat_map(used).collect();
    for key in described(schema) {
        assert!(all.contains(&key), "nothing says `{key}`");
    }
}

#[tokio::test(start_paused = true)]
async fn the_default_answers_are_as_their_schema_says() {
    let schema = parsed(HEALTH);
    let (pages, checks) = answers("json").await;
    assert_described(&schema, &definition(&schema, "Check"), &pages, &checks);
}

#[tokio::test(start_paused = true)]
async fn health_json_is_as_its_schema_says() {
    let schema = parsed(HEALTH_JSON);
    let (pages, checks) = answers("health-json").await;
    assert_described(&schema, &schema, &pages, &checks);
}

/// Each answer with one thing wrong in it.
#[tokio::test(start_paused = true)]
async fn a_wrong_answer_is_refused() {
    let schema = validator(&parsed(HEALTH));
    let health = started(mixed().guard(Guard::new().when(|_| true))).await;
    let right = get(&health, "/health");
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
        ("/checks/cache/observed", json!(97)),
        ("/checks/schema/skipped_for", json!("")),
    ] {
        let mut answer = right.clone();
        *answer.pointer_mut(pointer).expect("it is there") = wrong.clone();
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

    let draft = validator(&parsed(HEALTH_JSON));
    let right = get(&health, "/health?format=health-json");
    assert!(draft.is_valid(&right));
    for (pointer, wrong) in [
        ("/status", json!("healthy")),
        ("/checks/uptime", json!({ "status": "pass" })),
        ("/checks/uptime", json!([])),
        ("/checks/uptime/0/status", json!("ok")),
        ("/checks/uptime/0/time", json!(0)),
    ] {
        let mut answer = right.clone();
        *answer.pointer_mut(pointer).expect("it is there") = wrong.clone();
        assert!(!draft.is_valid(&answer), "{pointer}: {wrong}");
    }
}

/// Every answer is of this status.
async fn answering(status: Status) -> Health {
    let of_all = CheckOptions::new()
        .critical()
        .liveness()
        .readiness()
        .startup();
    let builder = Health::builder()
        .check("all", of_all, move || async move { status })
        .common_paths()
        .path("/status", Page::StatusPage)
        .path("/openapi.json", Page::OpenApi)
        .vocabulary(Vocabulary::Up)
        .code(Status::Warn, 203)
        .code(Status::Fail, 500)
        .guard(Guard::new().bearer("correct horse battery staple"));
    started(builder).await
}

#[tokio::test(start_paused = true)]
async fn the_document_is_openapi() {
    let health = answering(Status::Pass).await;
    let document = health.endpoint().openapi();
    assert_eq!(get(&health, "/openapi.json"), document, "and is served");
    let openapi = validator(&parsed(OPENAPI));
    assert_eq!(errors(&openapi, &document), [""; 0]);
    let mut wrong = document.clone();
    wrong["paths"]["/livez"]["get"]["responses"] = json!({ "fine": {} });
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
        document["paths"]["/livez"]["get"]["security"],
        json!([{}, { "health": [] }])
    );
    let unguarded = Health::builder().start().expect("it starts");
    let document = unguarded.endpoint().openapi();
    assert!(document["components"].get("securitySchemes").is_none());
    let paths = document["paths"].as_object().expect("paths");
    assert_eq!(paths.len(), 8, "the four, and their checks");
}

/// Every path, method, code and media type in it comes, and none beside them.
#[tokio::test(start_paused = true)]
async fn the_document_says_what_is_answered() {
    let mut seen = BTreeSet::new();
    let mut document = Value::Null;
    for status in [Status::Pass, Status::Warn, Status::Fail] {
        let health = answering(status).await;
        document = health.endpoint().openapi();
        for (template, item) in document["paths"].as_object().expect("paths") {
            for method in ["get", "head", "options"] {
                let responses = item[method]["responses"].as_object().expect("responses");
                let path = template.replace("{check}", "all");
                let unknown = template.replace("{check}", "nobody");
                for path in BTreeSet::from([path, unknown]) {
                    for accept in ["*/*", "application/health+json", "text/plain"] {
                        let place = format!("{method} {path} as {accept}");
                        let method = method.to_uppercase();
                        let answer = response(&health, &method, &path, accept);
                        let code = answer.status();
                        let promised = responses.get(code.as_str());
                        let promised = promised.unwrap_or_else(|| panic!("{place}: {code}"));
                        seen.insert((
                            template.clone(),
                            method.to_lowercase(),
                            code.as_str().to_owned(),
                        ));
                        if method != "HEAD" {
                            assert_kept(&document, promised, &answer, &place);
                        }
                    }
                }
            }
            let refused = response(&health, "POST", &template.replace("{check}", "all"), "");
            assert_eq!(refused.status(), 405, "{template}");
            assert_eq!(refused.headers()["allow"], "GET, HEAD, OPTIONS");
        }
    }
    let mut promised = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in ["get", "head", "options"] {
            for (code, _) in item[method]["responses"].as_object().expect("responses") {
                promised.insert((path.clone(), method.to_owned(), code.clone()));
            }
        }
    }
    assert_eq!(seen, promised);
}

/// The answer has a media type that was promised, and is as its schema says.
fn assert_kept(document: &Value, promised: &Value, answer: &http::Response<Vec<u8>>, place: &str) {
    let content_type = answer.headers()["content-type"].to_str().expect("text");
    let media_type = content_type.split(';').next().unwrap_or_default();
    let content = &promised["content"][media_type];
    assert!(content.is_object(), "{place}: {media_type}");
    if !media_type.ends_with("json") {
        assert_eq!(content["schema"]["type"], "string");
        return;
    }
    let mut schema = content["schema"].clone();
    schema["components"] = document["components"].clone();
    let body = serde_json::from_slice(answer.body()).expect("JSON");
    assert_eq!(errors(&validator(&schema), &body), [""; 0], "{place}");
}
