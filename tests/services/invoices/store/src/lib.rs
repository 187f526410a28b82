//! Keeps invoices in memory, as if it were a database.

use std::sync::Arc;

use health_core::health_check;
use invoices_model::Invoice;
use tokio::sync::RwLock;

/// A client of the store; clones share the invoices.
#[derive(Clone, Default)]
pub struct Store {
    invoices: Arc<RwLock<Vec<Invoice>>>,
}

impl Store {
    pub async fn add(&self, invoice: Invoice) {
        self.invoices.write().await.push(invoice);
    }

    pub async fn count(&self) -> usize {
        self.invoices.read().await.len()
    }
}

/// The store answers.
#[health_check(late, name = "invoices-store", timeout = "2s", critical)]
async fn store(store: &Store) {
    store.count().await;
}
