//! What a run of an annotated function asks the heap for. By itself, since
//! every `Health` of a program has the checks that are annotated in it:
//! `cargo test --release -p benches --test annotated -- --nocapture` shows it.

use std::time::Duration;

use allocation_counter::measure;
use benches::workload;
use health_core::{Health, health_check};
use tokio::runtime::Builder;
use tokio::time::sleep;

#[health_check(interval = "10s", critical)]
async fn ready() -> Result<(), std::io::Error> {
    std::future::ready(Ok(())).await
}

#[test]
fn a_run_takes_at_most_four_allocations() {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let health = runtime.block_on(async {
        let health = Health::builder().start().expect("a legal check");
        workload::settled(&health).await;
        health
    });
    let before = workload::runs(&health);
    let info = measure(|| runtime.block_on(async { sleep(Duration::from_secs(10_000)).await }));
    let runs = workload::runs(&health) - before;
    println!("{runs} runs: {} allocations", info.count_total);
    assert!(runs > 950, "{runs} runs");
    assert!(info.count_total <= runs * 4, "{info:?} in {runs} runs");
}
