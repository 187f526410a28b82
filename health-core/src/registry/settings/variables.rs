//! Decides which environment variables are settings.
//!
//! The environment also contains unrelated variables, such as those that
//! Kubernetes sets for each Service. An unrelated variable must not prevent a
//! start, but a misspelled setting must.

use crate::registry::settings::check;

/// Suffixes of variables that contain an address or a file. Docker links and
/// Kubernetes Services use the first seven.
const FOREIGN: [&str; 12] = [
    "host", "port", "addr", "proto", "tcp", "udp", "sctp", "path", "url", "uri", "file", "dir",
];

/// Splits a variable into the check and the option, which is the longest option
/// that is a suffix.
pub(super) fn split(rest: &str) -> Option<(&str, &'static str)> {
    let options = check::NAMES.into_iter().filter_map(|option| {
        let name = rest.strip_suffix(option)?.strip_suffix('_')?;
        (!name.is_empty()).then_some((name, option))
    });
    options.max_by_key(|(_, option)| option.len())
}

/// Returns the known check that the variable begins with, and the rest.
pub(super) fn named<'a, 'k>(
    rest: &'a str,
    folded: impl Iterator<Item = &'k str>,
) -> Option<(&'k str, &'a str)> {
    let matching = folded.filter_map(|check| {
        let word = rest.strip_prefix(check)?;
        let word = if word.is_empty() {
            word
        } else {
            word.strip_prefix('_')?
        };
        Some((check, word))
    });
    matching.max_by_key(|(check, _)| check.len())
}

/// Returns whether a variable contains an address or a file, which no setting
/// does.
pub(super) fn is_foreign(rest: &str, value: &str) -> bool {
    let last = rest.rsplit('_').next().unwrap_or(rest);
    value.contains("://")
        || FOREIGN.contains(&last)
        // The port name of a Service comes last.
        || format!("_{rest}").contains("_service_port_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_split_into_check_and_option() {
        for (rest, expected) in [
            ("db_timeout", Some(("db", "timeout"))),
            (
                "orders_db_failure_threshold",
                Some(("orders_db", "failure_threshold")),
            ),
            ("cache_cache", Some(("cache", "cache"))),
            ("db_timeuot", None),
            ("timeout", None),
            ("_timeout", None),
            ("db", None),
            ("", None),
        ] {
            assert_eq!(split(rest), expected, "{rest}");
        }
    }

    #[test]
    fn the_longest_matching_check_name_wins() {
        let checks = ["orders", "orders_db"];
        let find = |rest| named(rest, checks.into_iter());
        assert_eq!(find("orders_db_timeuot"), Some(("orders_db", "timeuot")));
        assert_eq!(find("orders_db"), Some(("orders_db", "")));
        assert_eq!(
            find("orders_failure_treshold"),
            Some(("orders", "failure_treshold"))
        );
        assert_eq!(find("ordersdb_timeuot"), None);
    }

    #[test]
    fn service_variables_of_kubernetes_are_ignored() {
        for (rest, value) in [
            ("service_host", "10.0.0.1"),
            ("service_port", "80"),
            ("service_port_http", "80"),
            ("db_service_port_failure_threshold", "80"),
            ("port", "tcp://10.0.0.1:80"),
            ("port_80_tcp", "tcp://10.0.0.1:80"),
            ("port_80_tcp_proto", "tcp"),
            ("port_80_tcp_port", "80"),
            ("port_80_tcp_addr", "10.0.0.1"),
        ] {
            assert!(is_foreign(rest, value), "{rest}");
        }
        assert!(!is_foreign("database_timeuot", "1s"));
        assert!(!is_foreign("database", "off"));
    }
}
