//! The questions to Postgres.

use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use health_core::Outcome;

use crate::diesel::postgres::is_read_only;
use crate::diesel::{answered, one};

pub(super) async fn writable(connection: &mut AsyncPgConnection) -> Outcome {
    crate::diesel::writable(is_read_only().get_result(connection).await)
}

pub(super) async fn answers(connection: &mut AsyncPgConnection) -> Outcome {
    answered(one().get_result::<i32>(connection).await)
}
