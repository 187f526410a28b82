#[allow(clippy::duplicate_mod, reason = "once for each version")]
#[path = "page.rs"]
mod page;

use health_opentelemetry::v0_32::record;
use opentelemetry_0_32 as opentelemetry;
use opentelemetry_sdk_0_32 as opentelemetry_sdk;
