//! The states of a migrated database, for each kind of database.

/// Tests every state of a migrated database. A macro, since each kind of database has
/// its own trait bounds.
macro_rules! migrations_are_told_apart {
    ($pool:expr) => {{
        use health_core::Status;
        use health_core::check::FailureClass;
        use health_indicators::sqlx::migrations;
        use sqlx::SqlSafeStr as _;
        use sqlx::migrate::{Migration, MigrationType, Migrator};

        let pool = $pool;
        let migrator = |most: i64| -> &'static Migrator {
            let migration = |version: i64| {
                let sql = match version {
                    1 => "CREATE TABLE orders (id INTEGER)",
                    _ => "CREATE TABLE payments (id INTEGER)",
                };
                let simple = MigrationType::Simple;
                Migration::new(version, "".into(), simple, sql.into_sql_str(), false)
            };
            let migrations = (1..=most).map(migration).collect();
            Box::leak(Box::new(Migrator::with_migrations(migrations)))
        };
        let (old, new) = (migrator(1), migrator(2));
        let behind = (Status::Fail, Some(FailureClass::Misconfigured));
        let dirty = (Status::Warn, Some(FailureClass::Misconfigured));
        let state_for = async |migrator| {
            let outcome = migrations(migrator).check(pool).await;
            (outcome.status(), outcome.failure_class())
        };
        assert_eq!(state_for(old).await, behind, "never migrated");
        old.run(pool).await.expect("it is migrated");
        assert_eq!(state_for(old).await, (Status::Pass, None));
        assert_eq!(state_for(new).await, behind);
        new.run(pool).await.expect("it is migrated");
        assert_eq!(state_for(new).await, (Status::Pass, None));
        assert_eq!(state_for(old).await, (Status::Pass, None), "it is ahead");
        let unfinished = "UPDATE _sqlx_migrations SET success = false WHERE version = 2";
        sqlx::raw_sql(unfinished)
            .execute(pool)
            .await
            .expect("it is set");
        assert_eq!(state_for(new).await, dirty);
        assert_eq!(state_for(old).await, dirty);
    }};
}

pub(crate) use migrations_are_told_apart;
