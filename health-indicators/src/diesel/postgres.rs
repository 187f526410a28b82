//! The questions to Postgres.

#![allow(
    missing_docs,
    unreachable_pub,
    reason = "what diesel generates for each function of SQL"
)]

use diesel::define_sql_function;
use diesel::dsl::{auto_type, select};
use diesel::expression_methods::{BoolExpressionMethods as _, ExpressionMethods as _};
use diesel::sql_types::Text;

define_sql_function!(fn pg_is_in_recovery() -> Bool);
define_sql_function!(fn current_setting(name: Text) -> Text);

/// The same as [`IS_READ_ONLY`](crate::postgres::IS_READ_ONLY). diesel prepares it
/// once for each connection, and then it costs one round trip.
#[auto_type]
pub(crate) fn is_read_only() -> _ {
    let setting = current_setting("transaction_read_only");
    select(pg_is_in_recovery().or(setting.eq("on")))
}
