//! Mails what is in the table of deliveries, one after the other.

use std::time::Duration;

use health_actix::reported::Heartbeat;
use sqlx::SqlitePool;

use crate::email::EmailClient;

/// Delivers until the task is dropped.
pub async fn run(pool: SqlitePool, email: EmailClient, rounds: Heartbeat) {
    loop {
        // Whatever the round will bring: an outage of the mail service is no
        // reason to restart this process.
        rounds.beat();
        match deliver_one(&pool, &email).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(Duration::from_millis(200)).await,
            Err(error) => {
                tracing::warn!(%error, "an issue was not delivered");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn deliver_one(pool: &SqlitePool, email: &EmailClient) -> Result<bool, Failure> {
    let next = sqlx::query_as::<_, (i64, String, String)>(
        "SELECT id, email, text FROM deliveries ORDER BY id LIMIT 1",
    );
    let Some((id, to, text)) = next.fetch_optional(pool).await? else {
        return Ok(false);
    };
    email.send(&to, &text).await?;
    let delete = sqlx::query("DELETE FROM deliveries WHERE id = ?").bind(id);
    delete.execute(pool).await?;
    Ok(true)
}
