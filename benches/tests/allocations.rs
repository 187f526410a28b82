//! What the heap is asked for. These counts repeat, so they are asserted:
//! `cargo test --release -p benches --test allocations -- --nocapture` shows them.

use std::future::Future;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use benches::workload;
use health_core::Health;
use http::Request;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

const INTERVAL: Duration = Duration::from_secs(10);

/// On one thread, since allocations are counted for each thread, and on a clock
/// that runs ahead while nothing else does.
fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
}

fn counted<T>(runtime: &Runtime, work: impl Future<Output = T>) -> (AllocationInfo, T) {
    let mut result = None;
    let info = measure(|| result = Some(runtime.block_on(work)));
    (info, result.expect("the work is done"))
}

async fn passed(checks: usize) -> Health {
    let health = workload::passing(checks).start().expect("legal checks");
    workload::settled(&health).await;
    health
}

/// Allocations of one answer, after a first one that may fill caches.
fn allocations_of_an_answer(path: &str, checks: usize) -> u64 {
    let runtime = runtime();
    let health = runtime.block_on(passed(checks));
    let endpoint = health.internal_endpoint();
    let request = Request::get(path).body(()).expect("a legal request");
    assert_eq!(endpoint.respond_cached(&request).status(), 200);
    let answers = measure(|| drop(endpoint.respond_cached(&request)));
    println!(
        "{path} of {checks} checks: {} allocations",
        answers.count_total
    );
    answers.count_total
}

#[test]
fn a_status_answer_takes_two_allocations() {
    for checks in [5, 1_000] {
        assert!(allocations_of_an_answer("/readyz", checks) <= 2);
    }
}

#[test]
fn the_allocations_of_a_full_answer_do_not_grow_with_the_checks() {
    for checks in [5, 1_000] {
        assert!(allocations_of_an_answer("/health", checks) <= 6);
    }
}

#[test]
fn a_run_takes_at_most_four_allocations() {
    let runtime = runtime();
    let health = runtime.block_on(passed(100));
    let runs_before = workload::runs(&health);
    let (info, ()) = counted(&runtime, async { sleep(INTERVAL * 100).await });
    let runs = workload::runs(&health) - runs_before;
    println!("{runs} runs: {} allocations", info.count_total);
    assert!(runs > 9_000, "{runs} runs");
    assert!(info.count_total <= runs * 4, "{info:?} in {runs} runs");
    assert!(
        info.bytes_current < 4_096,
        "runs leave something behind: {info:?}"
    );
}

#[test]
fn a_check_takes_at_most_two_kibibytes_of_heap() {
    const CHECKS: u16 = 10_000;
    let runtime = runtime();
    let (info, health) = counted(&runtime, passed(CHECKS.into()));
    let each = info.bytes_current / i64::from(CHECKS);
    println!("a check of {CHECKS}: {each} bytes of heap after its first run");
    assert!(each <= 2_048, "{each} bytes");
    drop(health);
}
