//! Orders, and the rules for a new one.

use std::fmt;

use serde::{Deserialize, Serialize};

const LONGEST_ITEM: usize = 100;
const LARGEST_QUANTITY: u32 = 1_000;

/// A stored order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Assigned by the store, increasing.
    pub id: i64,
    /// What was ordered.
    pub item: String,
    /// The quantity.
    pub quantity: u32,
    /// The progress.
    pub status: Status,
    /// When it was accepted, RFC 3339 in UTC.
    pub placed_at: String,
}

/// The progress of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The worker will ship it; it can be cancelled until then.
    Accepted,
    /// Shipped.
    Shipped,
    /// Cancelled in time.
    Cancelled,
}

impl Status {
    /// Returns the status with this name, which is also the one in the database.
    pub fn from_name(name: &str) -> Option<Self> {
        [Status::Accepted, Status::Shipped, Status::Cancelled]
            .into_iter()
            .find(|status| status.name() == name)
    }

    /// Returns its name, in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Accepted => "accepted",
            Status::Shipped => "shipped",
            Status::Cancelled => "cancelled",
        }
    }
}

impl Order {
    /// Returns whether it no longer changes.
    pub fn is_final(&self) -> bool {
        self.status != Status::Accepted
    }
}

/// A valid new order.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Draft")]
pub struct NewOrder {
    item: String,
    quantity: u32,
}

impl NewOrder {
    /// Checks the rules.
    ///
    /// # Errors
    ///
    /// The first violated rule, in words for the client.
    pub fn new(item: &str, quantity: u32) -> Result<Self, InvalidOrder> {
        let item = item.trim();
        if !(1..=LONGEST_ITEM).contains(&item.chars().count()) {
            return Err(InvalidOrder("`item` has 1 to 100 characters"));
        }
        if item.chars().any(char::is_control) {
            return Err(InvalidOrder("`item` has no control characters"));
        }
        if !(1..=LARGEST_QUANTITY).contains(&quantity) {
            return Err(InvalidOrder("`quantity` is 1 to 1000"));
        }
        Ok(NewOrder {
            item: item.to_owned(),
            quantity,
        })
    }

    /// Returns what is ordered.
    pub fn item(&self) -> &str {
        &self.item
    }

    /// Returns the quantity.
    pub fn quantity(&self) -> u32 {
        self.quantity
    }
}

/// The request of a client, not yet validated.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    item: String,
    quantity: u32,
}

impl TryFrom<Draft> for NewOrder {
    type Error = InvalidOrder;

    fn try_from(draft: Draft) -> Result<Self, InvalidOrder> {
        NewOrder::new(&draft.item, draft.quantity)
    }
}

/// The rule that a request violates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidOrder(pub(super) &'static str);

impl fmt::Display for InvalidOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidOrder {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_order_is_validated() {
        let tea = NewOrder::new("  green tea ", 2).unwrap();
        assert_eq!((tea.item(), tea.quantity()), ("green tea", 2));
        assert!(NewOrder::new(&"ä".repeat(100), 1_000).is_ok());

        assert!(NewOrder::new(" ", 1).is_err());
        assert!(NewOrder::new(&"ä".repeat(101), 1).is_err());
        assert!(NewOrder::new("green\0tea", 1).is_err());
        assert!(NewOrder::new("tea", 0).is_err());
        assert!(NewOrder::new("tea", 1_001).is_err());
    }

    #[test]
    fn each_status_has_one_name() {
        for status in [Status::Accepted, Status::Shipped, Status::Cancelled] {
            assert_eq!(Status::from_name(status.name()), Some(status));
            let json = serde_json::to_value(status).unwrap();
            assert_eq!(json, status.name());
        }
        assert_eq!(Status::from_name("lost"), None);
    }
}
