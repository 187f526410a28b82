//! If no subscriber logs the target `health`, `start` prints one line to stderr.
//!
//! The child is this program again, with a variable that selects its subscriber.

use std::process::Command;

use health_core::Health;

const VARIABLE: &str = "HEALTH_TEST_CHILD_LOGS";

/// Does nothing unless it runs in the child.
#[test]
fn child_without_a_subscriber_for_causes() {
    let Ok(how) = std::env::var(VARIABLE) else {
        return;
    };
    #[cfg(feature = "tracing")]
    if how == "everything" {
        tracing_subscriber::fmt().with_writer(std::io::sink).init();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    runtime.block_on(async {
        for _ in 0..2 {
            let builder = Health::builder();
            let builder = match &*how {
                "hook" => builder.on_transition(|_| ()),
                _ => builder,
            };
            builder.start().expect("it starts").stop().await;
        }
    });
}

fn lines_of(how: &str) -> usize {
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "no_log::child_without_a_subscriber_for_causes",
            "--nocapture",
        ])
        .env(VARIABLE, how)
        .output()
        .expect("it starts");
    assert!(child.status.success(), "{child:?}");
    let said = String::from_utf8_lossy(&child.stderr).into_owned();
    let lines = said.lines().filter(|line| line.contains("not logged"));
    lines.count()
}

#[test]
fn the_start_warns_once_that_causes_are_not_logged() {
    assert_eq!(lines_of("nothing"), 1);
    assert_eq!(lines_of("hook"), 0, "a hook gets the causes");
    if cfg!(feature = "tracing") {
        assert_eq!(lines_of("everything"), 0);
    }
}
