//! What the attribute registers.
#![allow(clippy::unused_async, reason = "these checks have nothing to wait for")]

use std::sync::Arc;

use health_axum::{CheckOptions, HealthState, health_check, health_checks};
use health_core::__private::{CheckDef, Run, inventory};

struct Limit(u64);

#[derive(HealthState)]
struct AppState {
    name: String,
    limit: Arc<Limit>,
}

#[health_check(name = "orders-db", timeout = "1500ms", interval = "1m", critical)]
async fn database(name: &String, state: &AppState) -> Result<(), String> {
    if name == &state.name {
        Ok(())
    } else {
        Err("another name".into())
    }
}

#[health_check(
    startup,
    readiness,
    critical(startup),
    failure_threshold = 3,
    success_threshold = 2,
    initial_delay = "5s",
    stale_after = "2h"
)]
fn disk(_: Arc<Limit>, limit: &Limit) -> bool {
    limit.0 > 0
}

#[health_check]
async fn r#loop() {}

/** The first line.
 *
 * The rest. */
#[doc = "Not this one."]
#[health_check(
    cache = "30s",
    after(database, self::r#loop, Limit::positive),
    tags("queue", "eu-west"),
    affects("/orders", "/orders/{id}"),
    component = "system",
    local
)]
async fn queue() {}

#[health_checks]
impl Limit {
    #[doc = concat!("made by ", "a macro")]
    ///
    /// The limit leaves room.  
    #[health_check(tags("limits"))]
    async fn positive(&self) -> bool {
        self.0 > 0
    }

    #[health_check(name = "small-limit", after(Self::positive))]
    fn small(this: &Self) -> bool {
        this.0 < 10
    }
}

fn named(name: &str) -> &'static CheckDef {
    let mut found = inventory::iter::<CheckDef>
        .into_iter()
        .filter(|def| def.name == name);
    let def = found.next().expect("the check is registered");
    assert!(found.next().is_none(), "`{name}` is registered once");
    def
}

fn options(def: &CheckDef) -> String {
    format!("{:?}", (def.options)())
}

#[test]
fn every_check_is_registered_under_its_name() {
    let mut names: Vec<_> = inventory::iter::<CheckDef>
        .into_iter()
        .map(|def| def.name)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "disk",
            "loop",
            "orders-db",
            "positive",
            "queue",
            "small-limit"
        ]
    );
}

#[test]
fn options_match_the_attribute() {
    use health_axum::Probe;
    use std::time::Duration;

    let database = CheckOptions::new()
        .timeout(Duration::from_millis(1500))
        .interval(Duration::from_mins(1))
        .critical();
    assert_eq!(options(named("orders-db")), format!("{database:?}"));

    let disk = CheckOptions::new()
        .startup()
        .readiness()
        .critical_for(Probe::Startup)
        .failure_threshold(3)
        .success_threshold(2)
        .initial_delay(Duration::from_secs(5))
        .stale_after(Duration::from_hours(2));
    assert_eq!(options(named("disk")), format!("{disk:?}"));

    let queue = CheckOptions::new()
        .cache(Duration::from_secs(30))
        .tags(["queue", "eu-west"])
        .affects(["/orders", "/orders/{id}"])
        .component("system")
        .description("The first line.")
        .after(["orders-db", "loop", "positive"]);
    assert_eq!(options(named("queue")), format!("{queue:?}"));

    let positive = CheckOptions::new()
        .tags(["limits"])
        .description("The limit leaves room.");
    assert_eq!(options(named("positive")), format!("{positive:?}"));
    let small = CheckOptions::new().after(["positive"]);
    assert_eq!(options(named("small-limit")), format!("{small:?}"));

    assert_eq!(options(named("loop")), format!("{:?}", CheckOptions::new()));
}

#[test]
fn the_parameters_are_the_required_values() {
    let needs = format!("{:?}", named("orders-db").needs);
    let name = needs.find("\"name\"").expect("the first parameter");
    let state = needs.find("\"state\"").expect("the second parameter");
    assert!(name < state);
    assert_eq!(named("disk").needs.len(), 2);
    assert!(named("loop").needs.is_empty());
    let own = format!("{:?}", named("positive").needs);
    assert!(own.contains("\"self\""), "{own}");
    assert_eq!(named("small-limit").needs.len(), 1);
}

#[test]
fn a_function_that_is_not_async_runs_on_a_blocking_thread() {
    assert!(matches!(named("disk").run, Run::Blocking(_)));
    assert!(matches!(named("small-limit").run, Run::Blocking(_)));
    assert!(matches!(named("orders-db").run, Run::Async(_)));
    assert!(matches!(named("positive").run, Run::Async(_)));
    assert!(matches!(named("queue").run, Run::Local(_)));
}

#[test]
fn the_origin_is_the_location_of_the_attribute() {
    let origin = named("loop").origin;
    assert_eq!(origin.package, "tests");
    assert!(origin.file.ends_with("registered.rs"));
    let line = include_str!("registered.rs")
        .lines()
        .nth(origin.line as usize - 1);
    assert_eq!(line, Some("#[health_check]"));
}

#[test]
fn a_check_stays_callable_and_a_state_provides_its_fields() {
    use std::any::TypeId;

    let state = AppState {
        name: "orders".into(),
        limit: Arc::new(Limit(7)),
    };
    let state: &dyn HealthState = &state;
    let limit = state
        .lookup(TypeId::of::<Limit>())
        .and_then(|limit| limit.downcast_ref::<Limit>());
    assert_eq!(limit.map(|limit| limit.0), Some(7));
    assert!(state.lookup(TypeId::of::<Arc<Limit>>()).is_some());
    assert!(state.lookup(TypeId::of::<AppState>()).is_some());
    assert!(state.lookup(TypeId::of::<Vec<u8>>()).is_none());
    assert!(disk(Arc::new(Limit(1)), &Limit(7)));
}
