//! The events that an application can subscribe to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use health_core::event::Event;
use health_core::report::Verdict;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn every_run_and_every_transition_is_an_event_in_order() {
    let switch = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&switch);
    let health = Health::builder()
        .check(
            "database",
            CheckOptions::new().interval(SECOND),
            move || std::future::ready(seen.load(SeqCst)),
        )
        .start()
        .expect("it starts");
    let mut events = health.subscribe();
    let Some(Event::Completed(first)) = events.next().await else {
        panic!("the first result");
    };
    assert_eq!((first.name(), first.verdict()), ("database", Verdict::Pass));
    let Some(Event::Transition(turned)) = events.next().await else {
        panic!("unknown → ok");
    };
    assert_eq!(
        (turned.from, turned.report.verdict()),
        (Verdict::Unknown, Verdict::Pass)
    );
    sleep(SECOND / 2).await;
    switch.store(false, SeqCst);
    let Some(Event::Completed(second)) = events.next().await else {
        panic!("the second result");
    };
    assert_eq!((second.consecutive(), second.verdict()), (1, Verdict::Fail));
    let Some(Event::Transition(turned)) = events.next().await else {
        panic!("ok → error");
    };
    assert_eq!(turned.from, Verdict::Pass);
    assert!(
        (SECOND * 9 / 10..=SECOND).contains(&turned.held),
        "{:?}",
        turned.held
    );
    drop(health);
    while let Some(event) = events.next().await {
        assert!(
            matches!(event, Event::Completed(_)),
            "no further turn: {event:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_misses_events_and_delays_no_check() {
    let often = CheckOptions::new().interval(Duration::from_millis(1));
    let health = Health::builder()
        .check("database", often, || async {})
        .start()
        .expect("it starts");
    let mut idle = health.subscribe();
    sleep(10 * SECOND).await;
    let consecutive = health
        .check("database")
        .expect("the check is registered")
        .consecutive();
    assert!(consecutive > 5_000, "{consecutive} runs");
    assert!(matches!(idle.next().await, Some(Event::Lagged(missed)) if missed > 1_000));
    assert!(matches!(idle.next().await, Some(Event::Completed(_))));
}

#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_gets_the_missed_count_and_the_last_1024_events() {
    let often = CheckOptions::new().interval(Duration::from_millis(1));
    let health = Health::builder()
        .check("database", often, || async {})
        .start()
        .expect("it starts");
    let mut events = health.subscribe();
    assert!(matches!(events.next().await, Some(Event::Completed(_))));
    assert!(matches!(events.next().await, Some(Event::Transition(_))));
    sleep(10 * SECOND).await;
    // One event per run after the two that have been read.
    let unread = u64::from(
        health
            .check("database")
            .expect("the check is registered")
            .consecutive(),
    ) - 1;
    let Some(Event::Lagged(missed)) = events.next().await else {
        panic!("events were missed");
    };
    assert_eq!(missed, unread - 1024);
    drop(health);
    let mut kept = 0;
    while let Some(event) = events.next().await {
        assert!(matches!(event, Event::Completed(_)), "{event:?}");
        kept += 1;
    }
    assert_eq!(kept, 1024);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_is_dropped_takes_no_events_from_the_others() {
    let health = Health::builder()
        .check("database", CheckOptions::new(), || async {})
        .start()
        .expect("it starts");
    let mut stays = health.subscribe();
    let leaves = health.subscribe();
    sleep(SECOND).await;
    drop(leaves);
    assert!(matches!(stays.next().await, Some(Event::Completed(_))));
    assert!(matches!(stays.next().await, Some(Event::Transition(_))));
}

#[tokio::test(start_paused = true)]
async fn a_forced_failure_causes_the_same_events_as_a_real_one() {
    let health = Health::builder()
        .check(
            "database",
            CheckOptions::new().failure_threshold(5),
            || async {},
        )
        .check(
            "schema",
            CheckOptions::new().after(["database"]),
            || async {},
        )
        .start()
        .expect("it starts");
    sleep(SECOND).await;
    Fake::of(&health, "database").fail("drill");
    sleep(30 * SECOND).await;
    let database = health.check("database").expect("the check is registered");
    assert_eq!(
        (database.verdict(), database.message()),
        (Verdict::Fail, Some("drill"))
    );
    assert_eq!(
        health
            .check("schema")
            .expect("the check is registered")
            .blocked_by(),
        Some("database")
    );
    Fake::of(&health, "database").release();
    health.refresh("database").await;
    sleep(SECOND).await;
    assert_eq!(
        health
            .check("schema")
            .expect("the check is registered")
            .verdict(),
        Verdict::Pass
    );
}
