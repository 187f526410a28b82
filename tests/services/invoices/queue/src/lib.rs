//! The invoices that are not booked yet.

use std::sync::Arc;

use health_core::{Outcome, health_check};
use invoices_model::Invoice;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{self, Receiver, Sender};

const CAPACITY: usize = 100;

/// A client of the queue.
#[derive(Clone)]
pub struct Queue {
    sender: Sender<Invoice>,
    receiver: Arc<Mutex<Receiver<Invoice>>>,
}

impl Queue {
    pub fn new() -> Self {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        Queue {
            sender,
            receiver: Arc::new(Mutex::new(receiver)),
        }
    }

    /// Returns whether there was room.
    pub fn put(&self, invoice: Invoice) -> bool {
        self.sender.try_send(invoice).is_ok()
    }

    pub async fn take(&self) -> Option<Invoice> {
        self.receiver.lock().await.recv().await
    }

    pub fn waiting(&self) -> usize {
        CAPACITY - self.sender.capacity()
    }
}

impl Default for Queue {
    fn default() -> Self {
        Queue::new()
    }
}

/// The queue has room.
#[health_check(late, name = "invoices-queue", interval = "1s", timeout = "500ms")]
async fn room(queue: &Queue) -> Outcome {
    let waiting = queue.waiting();
    let outcome = if waiting * 10 < CAPACITY * 8 {
        Outcome::pass()
    } else {
        Outcome::warn("the workers are behind")
    };
    outcome.observe(waiting as u64, "invoices")
}
