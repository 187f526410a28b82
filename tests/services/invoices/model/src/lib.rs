//! An invoice.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Invoice {
    pub customer: String,
    pub cents: u64,
}
