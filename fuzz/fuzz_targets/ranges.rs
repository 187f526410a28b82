#![no_main]

#[allow(dead_code, reason = "each target tries one")]
#[path = "../../health-core/tests/http/properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    properties::an_address_range_contains_exactly_the_addresses_with_its_prefix(text);
});
