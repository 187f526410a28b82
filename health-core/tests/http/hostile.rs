//! No input of a client or an operator makes health panic, opens the guard or
//! falsifies an answer.

use crate::properties;

use proptest::collection::vec;
use proptest::prelude::*;

/// Lines that are valid, nearly valid or arbitrary.
fn lines(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => proptest::sample::select(words).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
        1 => "[ -~]{0,4}",
    ];
    vec(vec(word, 1..3), 0..7).prop_map(|lines| {
        let lines: Vec<String> = lines.iter().map(|words| words.concat()).collect();
        lines.join("\n")
    })
}

const REQUESTS: &[&str] = &[
    "GET",
    "HEAD",
    "OPTIONS",
    "POST",
    "get",
    "/livez",
    "/readyz",
    "/startupz",
    "/health",
    "/ready",
    "/",
    "//",
    "cache",
    "database",
    "%64atabase",
    "%",
    "%ff",
    "%00",
    "..",
    "verbose",
    "format=",
    "text",
    "json",
    "health+json",
    "&",
    "=",
    "text/plain",
    "application/json",
    "application/health+json",
    "*/*",
    ";q=",
    "0.5",
    "1e9",
    "NaN",
    ",",
    ";",
    " ",
];

const GUESTS: &[&str] = &[
    "Bearer correct horse battery staple",
    "bearer  correct horse battery staple",
    "Bearer",
    "Basic",
    "correct horse battery staple",
    "correct horse",
    " ",
    ",",
    "10.0.0.1",
    "10.9.9.9",
    "192.0.2.7",
    "192.0.2.7, 10.0.0.1",
    "8.8.8.8, 192.0.2.7",
    "192.0.3.7",
    "8.8.8.8",
    "::ffff:10.0.0.1",
    "::ffff:192.0.2.1",
    "::1",
    ":80",
    "[::ffff:192.0.2.1]:443",
    "[2001:db8::1]",
    "unknown",
    "_hidden",
    "x-forwarded-for: ",
    "forwarded: ",
    "for=",
    "For=192.0.2.7",
    "for=10.9.9.9",
    "for=\"192.0.2.7:80\"",
    "for=\"[::ffff:192.0.2.1]:1\"",
    "proto=https",
    "host=\"a,b;c\"",
    "\"",
    "\\",
    ";",
    "=",
    "via: 1.1 x",
    "x-real-ip: 192.0.2.7",
];

const TEXTS: &[&str] = &[
    "password",
    "token",
    "authorization",
    "cookie",
    "AUTH",
    "Bearer",
    "key",
    "value",
    "-p",
    "mysql",
    "Some(",
    "://",
    "=",
    ":",
    ": ",
    "=>",
    "@",
    "\"",
    "'",
    "\\",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "{",
    "}",
    ";",
    ",",
    "&",
    "%22",
    "%3D",
    "%40",
    "-----BEGIN PRIVATE KEY-----",
    "invalid",
    "ä",
    " ",
];

const RANGES: &[&str] = &[
    "10.0.0.0",
    "10.1.2.3",
    "192.0.2.7",
    "127.0.0.1",
    "0.0.0.0",
    "::",
    "fd00::",
    "fd00::7",
    "::ffff:10.0.0.1",
    "::1",
    "/",
    "/0",
    "/8",
    "/24",
    "/31",
    "/32",
    "/33",
    "/64",
    "/128",
    "/129",
    "010.0.0.0",
    "/08",
    "/+8",
    "/-1",
    " ",
];

const VARIABLES: &[&str] = &[
    "CHECK_DATABASE_",
    "CHECK_ORDERS_DB_",
    "CHECK_DATABSE_",
    "CHECK_",
    "TIMEOUT",
    "CACHE",
    "FAILURE_THRESHOLD",
    "ENABLED",
    "DRAIN_DELAY",
    "GUARD_TOKEN",
    "BASE_PATH",
    "STATUS_PATH",
    "DETAILS",
    "SERVICE_HOST",
    "PORT_80_TCP",
    "\n",
    "5s",
    "5",
    "true",
    "false",
    "checks",
    "tcp://10.0.0.1:80",
    "/internal",
    "correct horse battery staple",
];

/// Both outcomes of each property occur.
#[test]
fn guard_properties_hold_for_examples() {
    for text in [
        "Bearer correct horse battery staple\n8.8.8.8",
        "Bearer correct horse battery stable\n8.8.8.8",
        "\n192.0.2.7",
        "\n192.0.3.7",
        "\n192.0.2.7\n192.0.2.7",
        "\n192.0.2.7\nvia: 1.1 x",
        "\n10.0.0.1\n192.0.2.7",
        "\n10.0.0.1\n192.0.2.7:51008, 10.9.9.9:1",
        "\n10.0.0.1\n192.0.2.7, 8.8.8.8",
        "\n10.0.0.1\n192.0.2.7\n8.8.8.8",
        "\n10.0.0.1\n8.8.8.8\n192.0.2.7\n10.0.0.2",
        "\n::ffff:10.0.0.1\n192.0.2.7, 10.9.9.9",
        "\n10.0.0.1\n10.9.9.9",
        "\n10.0.0.1\nforwarded: for=192.0.2.7;proto=https, for=10.0.0.2",
        "\n10.0.0.1\nforwarded: for=\"[::ffff:192.0.2.1]:1\"",
        "\n10.0.0.1\nforwarded: for=192.0.2.7\n8.8.8.8",
        "\n10.0.0.1\nforwarded: for=192.0.2.7\n192.0.2.7",
        "\n10.0.0.1\nforwarded: for=192.0.2.7;host=\", for=8.8.8.8",
        "\n8.8.8.8\n192.0.2.7",
        "\nunknown\n192.0.2.7",
    ] {
        properties::a_guard_recognizes_only_its_clients(text);
    }
    for text in [
        "10.0.0.0/8\n10.1.2.3",
        "10.0.0.0/8\n11.1.2.3",
        "0.0.0.0/0\n255.1.2.3",
        "0.0.0.0/0\n::1",
        "::/0\n::1",
        "010.0.0.0/8\n10.1.2.3",
        "fd00::/8\nfdff::1",
        "10.1.2.3\n::ffff:10.1.2.3",
    ] {
        properties::an_address_range_contains_exactly_the_addresses_with_its_prefix(text);
    }
}

#[test]
fn settings_properties_hold_for_examples() {
    for text in [
        "\nings { service: {}, checks: {}",
        "GUARD_TOKEN\nthe token of the",
        "GUARD_TOKEN\nshort",
        "GUARD_ADDRESSES\n10.0.0.0/8, ::1",
        "GUARD_ADDRESSES\n10.0.0.0/33,ten,",
        "TRUSTED_PROXIES\n::ffff:10.0.0.0/104",
        "TRUSTED_PROXIES\n,",
        "GUARD_ADRESSES\n::1",
    ] {
        properties::a_variable_is_applied_refused_or_ignored(text);
    }
}

proptest! {
    #[test]
    fn any_request_gets_a_complete_answer(text in lines(REQUESTS)) {
        properties::any_request_gets_a_complete_answer(&text);
    }

    #[test]
    fn a_guard_recognizes_only_its_clients(text in lines(GUESTS)) {
        properties::a_guard_recognizes_only_its_clients(&text);
    }

    #[test]
    fn a_secret_is_masked_in_any_surroundings(text in lines(TEXTS)) {
        properties::a_secret_is_masked_in_any_surroundings(&text);
    }

    #[test]
    fn an_address_range_contains_exactly_the_addresses_with_its_prefix(text in lines(RANGES)) {
        properties::an_address_range_contains_exactly_the_addresses_with_its_prefix(&text);
    }

    #[test]
    fn a_variable_is_applied_refused_or_ignored(text in lines(VARIABLES)) {
        properties::a_variable_is_applied_refused_or_ignored(&text);
    }
}
