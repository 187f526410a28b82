#[allow(clippy::duplicate_mod, reason = "once for each version")]
#[path = "page.rs"]
mod page;

use ::opentelemetry;
use ::opentelemetry_sdk;
use health_opentelemetry::v0_33::record;
