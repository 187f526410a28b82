//! One run of a check, which may hang, block or panic: the rest never notices.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::check::{Running, Work};
use crate::outcome::Outcome;

impl Work {
    /// Runs the check once. Never panics, whatever the check does.
    pub(crate) async fn run(&self, name: &str) -> Outcome {
        match self {
            Work::Async(start) => {
                let mut flight = Flight::new(&**start);
                poll_fn(move |cx| flight.poll(cx)).await
            }
            Work::Blocking(check) => on_own_thread(name, Arc::clone(check)).await,
        }
    }
}

/// An async run around whose polls, and around whose drop, panics are caught.
struct Flight<'a> {
    start: Option<&'a (dyn Fn() -> Running + Send + Sync)>,
    running: Option<Running>,
}

impl<'a> Flight<'a> {
    fn new(start: &'a (dyn Fn() -> Running + Send + Sync)) -> Self {
        Flight {
            start: Some(start),
            running: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let polled = caught(|| {
            if let Some(start) = self.start.take() {
                self.running = Some(start());
            }
            match &mut self.running {
                Some(running) => running.as_mut().poll(cx),
                None => Poll::Pending,
            }
        });
        let outcome = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => outcome,
            Err(text) => Outcome::panicked(text),
        };
        self.land();
        Poll::Ready(outcome)
    }

    fn land(&mut self) {
        // What the future holds is the user's, and so is a panic in its drop.
        if let Some(running) = self.running.take() {
            let _ = caught(move || drop(running));
        }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.land();
    }
}

/// A plain function gets a thread of its own: a thread cannot be killed, so one
/// that hangs in the runtime's blocking pool would take a place there for good
/// and keep the runtime from shutting down.
async fn on_own_thread(name: &str, check: Arc<dyn Fn() -> Outcome + Send + Sync>) -> Outcome {
    let (answer, answered) = oneshot::channel();
    let runtime = Handle::current();
    let spawned = thread::Builder::new()
        .name(format!("health-{name}"))
        .spawn(move || {
            let _entered = runtime.enter();
            let outcome = caught(|| check()).unwrap_or_else(Outcome::panicked);
            drop(check);
            // Nobody listens if the service has stopped meanwhile.
            let _ = answer.send(outcome);
        });
    if let Err(error) = spawned {
        return Outcome::not_run("no thread could be started", error.to_string());
    }
    let lost = || Outcome::not_run("the thread of the run was lost", String::new());
    answered.await.unwrap_or_else(|_| lost())
}

/// Runs the user's code; a panic becomes its text.
fn caught<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| {
        let text = text_of(&*payload);
        // Even the payload is the user's, and so is a panic in its drop.
        if catch_unwind(AssertUnwindSafe(|| drop(payload))).is_err() {
            return format!("{text} (and its payload panicked when dropped)");
        }
        text
    })
}

/// `panic!("x")` carries a `&str`, `panic!("{x}")` a `String`.
fn text_of(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("the payload of the panic is no text")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Status;

    struct PanicsOnDrop;
    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            assert!(thread::panicking(), "dropped");
        }
    }

    async fn run(work: Work) -> Outcome {
        work.run("test").await
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_whose_text_is_private() {
        async fn literal() -> bool {
            std::future::ready(()).await;
            panic!("secret")
        }
        async fn formatted(number: u8) -> bool {
            std::future::ready(()).await;
            panic!("secret {number}")
        }
        let outcome = run(Work::closure(literal)).await;
        assert_eq!(outcome.message(), Some("panicked"));
        assert_eq!(outcome.cause(), ["secret"]);
        let outcome = run(Work::closure(|| formatted(7))).await;
        assert_eq!(outcome.cause(), ["secret 7"]);

        let before_the_future = run(Work::closure(|| {
            assert!(std::hint::black_box(false), "no future");
            async {}
        }));
        assert_eq!(before_the_future.await.cause(), ["no future"]);
    }

    #[tokio::test]
    async fn a_panic_on_a_thread_is_a_failure_too() {
        let outcome = run(Work::blocking_closure(|| -> bool { panic!("secret") })).await;
        assert_eq!(outcome.message(), Some("panicked"));
        assert_eq!(outcome.cause(), ["secret"]);
    }

    #[tokio::test]
    async fn a_panic_in_the_drop_of_a_run_stays_there() {
        let work = Work::closure(|| async {
            let _held = PanicsOnDrop;
            std::future::pending::<()>().await;
        });
        let mut hanging = Box::pin(work.run("test"));
        let poll = poll_fn(|cx| Poll::Ready(hanging.as_mut().poll(cx))).await;
        assert!(poll.is_pending());
        drop(hanging);
    }

    #[tokio::test]
    async fn a_plain_function_can_reach_the_runtime() {
        let outcome = run(Work::blocking_closure(|| Handle::try_current().is_ok())).await;
        assert_eq!(outcome.status(), Status::Pass);
    }
}
