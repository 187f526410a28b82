//! The list of orders, in pages.

use serde::{Deserialize, Serialize};

use crate::model::{InvalidOrder, Order};
use crate::store::PAGE_LIMIT;

/// A valid request for a page.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "Query")]
pub struct Page {
    /// Only orders after this id.
    pub after: i64,
    /// At most this many orders.
    pub limit: u32,
}

/// The request of a client, not yet validated.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Query {
    after: i64,
    limit: u32,
}

impl Default for Query {
    fn default() -> Self {
        let (after, limit) = (0, 20);
        Query { after, limit }
    }
}

impl TryFrom<Query> for Page {
    type Error = InvalidOrder;

    fn try_from(Query { after, limit }: Query) -> Result<Self, InvalidOrder> {
        if (1..=PAGE_LIMIT).contains(&limit) {
            Ok(Page { after, limit })
        } else {
            Err(InvalidOrder("`limit` is 1 to 100"))
        }
    }
}

/// A page of the list.
#[derive(Debug, Serialize)]
pub struct Orders {
    orders: Vec<Order>,
    /// The start of the next page, if this page is full.
    next: Option<String>,
}

impl Orders {
    /// The orders of this page.
    pub fn new(orders: Vec<Order>, page: Page) -> Self {
        let limit = page.limit;
        let full = orders.len() == limit as usize;
        let last = orders.last().filter(|_| full);
        let next = last.map(|order| format!("/orders?after={}&limit={limit}", order.id));
        Orders { orders, next }
    }
}
