//! The attribute `#[health_check]` and the derive `HealthState`.
