//! The least accepted `stale_after` never expires between two good runs.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use health_core::report::Verdict;
use health_core::{CheckOptions, Health};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);
const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(2);
/// A run of this duration still passes.
const ALMOST_THE_TIMEOUT: Duration = Duration::from_millis(1_998);

fn options() -> CheckOptions {
    CheckOptions::new().interval(INTERVAL).timeout(TIMEOUT)
}

/// The first run is fast and the later ones take almost the timeout, so the results
/// are as far apart as possible.
#[tokio::test(start_paused = true)]
async fn the_least_stale_after_never_expires_between_two_good_runs() {
    let is_slow = AtomicBool::new(true);
    let check = move || {
        let is_slow = is_slow.fetch_xor(true, SeqCst);
        let takes = if is_slow {
            ALMOST_THE_TIMEOUT
        } else {
            Duration::ZERO
        };
        sleep(takes)
    };
    let health = Health::builder()
        .check("slow", options().stale_after(INTERVAL + TIMEOUT), check)
        .start()
        .expect("so long is enough");
    sleep(TIMEOUT).await;
    for _ in 0..20_000 {
        sleep(SECOND / 4).await;
        let check = health.check("slow").expect("it is registered");
        assert_eq!(check.verdict(), Verdict::Pass);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shorter_stale_after_is_refused() {
    let shorter = INTERVAL + ALMOST_THE_TIMEOUT;
    let refused = Health::builder()
        .check("slow", options().stale_after(shorter), || async {})
        .start();
    let error = refused.expect_err("it is too short").to_string();
    assert!(
        error.contains("shorter than the interval and the timeout together"),
        "{error}"
    );
    assert!(error.contains("12s"), "{error}");
}
