//! Open connections, and which one is closed at the limit.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use crate::race::unless;
use crate::sync::Mutex;

/// The open connections, up to a limit.
pub(super) struct Connections {
    limit: usize,
    open: Vec<Connection>,
    /// Notified when an answer is complete.
    idle: Arc<Notify>,
}

struct Connection {
    task: AbortHandle,
    activity: Arc<Activity>,
}

impl Connections {
    pub(super) fn new(limit: usize) -> Self {
        Connections {
            limit,
            open: Vec::new(),
            idle: Arc::default(),
        }
    }

    /// Spawns the task of a connection.
    pub(super) fn open<F>(&mut self, connection: impl FnOnce(Arc<Activity>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let activity = Arc::new(Activity::new(Arc::clone(&self.idle)));
        let task = tokio::spawn(connection(Arc::clone(&activity)));
        self.open.push(Connection {
            task: task.abort_handle(),
            activity,
        });
    }

    /// Waits until there is room for one more connection. At the limit, closes
    /// the connection that has been idle for longest. A connection that waits
    /// for its answer is never closed; if all of them do, this waits until an
    /// answer is complete.
    pub(super) async fn make_room(&mut self) {
        loop {
            self.open
                .retain(|connection| !connection.task.is_finished());
            if self.open.len() < self.limit {
                return;
            }
            if let Some(longest) = self.idle_for_longest() {
                self.open.swap_remove(longest).task.abort();
            } else {
                self.idle.notified().await;
            }
        }
    }

    fn idle_for_longest(&self) -> Option<usize> {
        let idle = self
            .open
            .iter()
            .enumerate()
            .filter_map(|(index, connection)| {
                let since = connection.activity.idle_since()?;
                Some((since, index))
            });
        idle.min().map(|(_, index)| index)
    }
}

/// The activity of one connection.
pub(super) struct Activity {
    state: Mutex<State>,
    idle: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    /// The number of requests that wait for their answer; more than one only
    /// with HTTP/2.
    answering: usize,
    /// The time at which the connection began, or its last answer ended.
    quiet_since: Instant,
}

impl Activity {
    fn new(idle: Arc<Notify>) -> Self {
        Activity {
            state: Mutex::new(State {
                answering: 0,
                quiet_since: Instant::now(),
            }),
            idle,
        }
    }

    /// Marks a request as being answered until this is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Answering {
        self.state.lock().answering += 1;
        Answering(Arc::clone(self))
    }

    /// Runs a connection until it ends or has been idle for `limit`. A connection
    /// is idle until a request head is complete, regardless of how many bytes
    /// arrive, and while the client does not read its answer.
    pub(super) async fn until_idle(&self, limit: Duration, connection: impl Future<Output = ()>) {
        unless(self.expired(limit), connection).await;
    }

    async fn expired(&self, limit: Duration) {
        loop {
            let now = Instant::now();
            let deadline = self.idle_since().unwrap_or(now) + limit;
            if deadline <= now {
                return;
            }
            sleep_until(deadline).await;
        }
    }

    fn idle_since(&self) -> Option<Instant> {
        let state = self.state.lock();
        (state.answering == 0).then_some(state.quiet_since)
    }
}

/// A request that waits for its answer.
pub(super) struct Answering(Arc<Activity>);

impl Drop for Answering {
    fn drop(&mut self) {
        let Answering(activity) = self;
        let mut state = activity.state.lock();
        state.answering -= 1;
        state.quiet_since = Instant::now();
        drop(state);
        activity.idle.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::{sleep, timeout};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Opens connections that never end, one per second.
    async fn opened(connections: &mut Connections, count: usize) -> Vec<Arc<Activity>> {
        let mut activities = Vec::new();
        for _ in 0..count {
            connections.make_room().await;
            connections.open(|activity| {
                activities.push(activity);
                pending()
            });
            sleep(SECOND).await;
        }
        activities
    }

    fn is_open(connections: &Connections, activity: &Arc<Activity>) -> bool {
        let mut open = connections.open.iter();
        open.any(|connection| Arc::ptr_eq(&connection.activity, activity))
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_connection_is_closed_and_no_busy_one() {
        let mut connections = Connections::new(3);
        let first = opened(&mut connections, 3).await;
        let busy = first[0].begin();
        drop(first[1].begin());
        connections.make_room().await;
        assert!(is_open(&connections, &first[0]), "it waits for its answer");
        assert!(is_open(&connections, &first[1]), "it was answered last");
        assert!(!is_open(&connections, &first[2]));

        let flood = opened(&mut connections, 100).await;
        assert!(is_open(&connections, &first[0]));
        assert!(is_open(&connections, &flood[99]));
        drop(busy);
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_connection_waits_while_all_others_are_busy() {
        let mut connections = Connections::new(2);
        let open = opened(&mut connections, 2).await;
        let busy = [open[0].begin(), open[1].begin()];
        let full = timeout(60 * SECOND, connections.make_room()).await;
        assert!(full.is_err(), "no answer is given up");
        drop(busy);
        connections.make_room().await;
        assert_eq!(connections.open.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_closed_after_a_timeout() {
        let activity = Arc::new(Activity::new(Arc::default()));
        let start = Instant::now();
        let talk = async {
            sleep(2 * SECOND).await;
            let answering = activity.begin();
            sleep(20 * SECOND).await;
            drop(answering);
            pending::<()>().await;
        };
        activity.until_idle(5 * SECOND, talk).await;
        assert_eq!(start.elapsed(), 27 * SECOND);
    }
}
