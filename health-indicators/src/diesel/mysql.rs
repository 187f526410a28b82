//! The question to MySQL.

use diesel::QueryResult;
use diesel::RunQueryDsl;
use diesel::mysql::Mysql;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Bool;

use crate::mysql::IS_READ_ONLY;

/// [`IS_READ_ONLY`] as a query that diesel prepares once for each connection, so that
/// it costs one round trip. That of `diesel::sql_query` would be prepared in each run.
#[derive(Clone, Copy, QueryId)]
pub(crate) struct IsReadOnly;

impl Query for IsReadOnly {
    type SqlType = Bool;
}

impl QueryFragment<Mysql> for IsReadOnly {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Mysql>) -> QueryResult<()> {
        pass.push_sql(IS_READ_ONLY);
        Ok(())
    }
}

impl<C> RunQueryDsl<C> for IsReadOnly {}
