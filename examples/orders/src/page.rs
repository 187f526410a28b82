//! The list of orders, a page at a time.

use serde::{Deserialize, Serialize};

use crate::model::{InvalidOrder, Order};
use crate::store::PAGE_LIMIT;

/// Which orders a client asks for: there is none that breaks a rule.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "Query")]
pub struct Page {
    /// Those after this id.
    pub after: i64,
    /// So many at most.
    pub limit: u32,
}

/// What a client sends, not yet checked.
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
    /// Where the list goes on, if this page is full.
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
