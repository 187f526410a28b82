//! The limits of long texts.
#![cfg(feature = "tracing")]

use std::error::Error;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use health_core::testing::Fake;
use health_core::{CheckOptions, Health, HealthBuilder, Outcome, testing};
use serde::ser::{Serialize, SerializeSeq, Serializer};
use test_support::Log;
use tokio::time::sleep;

const SEVEN_MB: usize = 7_000_000;
/// The lengths of a cause, of a public text, and of the rest of a log line.
const LONGEST_LINE: usize = 2 * 1024;

/// An error with a long text and a long chain of sources.
#[derive(Debug)]
struct Long {
    source: Option<Box<Long>>,
}

impl Long {
    fn of(sources: usize) -> Self {
        (0..sources).fold(Long { source: None }, |source, _| Long {
            source: Some(Box::new(source)),
        })
    }
}

impl fmt::Display for Long {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = "ä ".repeat(1024);
        (0..SEVEN_MB / part.len()).try_for_each(|_| f.write_str(&part))
    }
}

impl Error for Long {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

/// Nested arrays.
struct Nested(usize);

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut array = serializer.serialize_seq(Some(1))?;
        if self.0 > 0 {
            array.serialize_element(&Nested(self.0 - 1))?;
        }
        array.end()
    }
}

fn long() -> String {
    "x y ".repeat(SEVEN_MB / 4)
}

fn options() -> CheckOptions {
    CheckOptions::new().interval(Duration::from_secs(60 * 60))
}

#[tokio::test(start_paused = true)]
async fn no_log_line_exceeds_the_limit() {
    let (log, _guard) = Log::capture();
    let health = Health::builder()
        .check("error", options(), || async { Err::<(), _>(long()) })
        .check("chain", options(), || async { Err::<(), _>(Long::of(100)) })
        .check("public", options(), || async { Outcome::fail(long()) })
        .check_blocking("panic", options(), || -> bool {
            resume_unwind(Box::new(long()))
        })
        .start()
        .expect("it starts");
    health.refresh("panic").await;
    sleep(Duration::from_secs(1)).await;
    testing::flush(&health);
    let log = log.text();
    for name in ["error", "chain", "public", "panic"] {
        assert!(
            log.contains(&format!("check=\"{name}\"")),
            "{name} is not logged"
        );
        let report = health.check(name).expect("the check is registered");
        let kept: usize = report.cause().iter().map(String::len).sum();
        assert!(kept <= 1024, "{name}: {kept} bytes of the cause");
        assert!(report.cause().len() <= 16);
        assert!(report.message().expect("a text").len() <= 256);
    }
    let longest = log.lines().map(str::len).max();
    assert!(longest < Some(LONGEST_LINE), "{longest:?}");
}

fn with_checks(count: usize) -> HealthBuilder {
    (0..count).fold(Health::builder(), |builder, number| {
        builder.check(format!("check-{number}"), options(), || async {})
    })
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_long_failures_take_little_memory() {
    const CHECKS: usize = 10_000;
    let health = with_checks(CHECKS).start().expect("it starts");
    sleep(Duration::from_secs(30)).await;
    let long: Arc<str> = long().into();
    let kept = measure(|| {
        for number in 0..CHECKS {
            let name = format!("check-{number}");
            let outcome = if number % 100 == 0 {
                Outcome::fail(long.to_string()).because(&*long)
            } else {
                Outcome::fail("failed").because(Long::of(0))
            };
            Fake::of(&health, &name).set(outcome);
        }
    });
    let each = kept.bytes_current / i64::try_from(CHECKS).expect("few");
    assert!(each < 4 * 1024, "{each} bytes are kept of each failure");
}

#[test]
fn a_deep_detail_is_withheld_everywhere() {
    for depth in [100, 3_000, 1_000_000] {
        let outcome = Outcome::pass()
            .detail(Nested(depth))
            .observe(Nested(depth), "x");
        assert!(outcome.cause().is_empty());
        let shown = format!("{outcome:?}");
        assert!(shown.contains("nested deeper than 32"), "{shown}");
    }
    let flat = Outcome::pass().detail(Nested(31));
    assert!(!format!("{flat:?}").contains("withheld"));
}
