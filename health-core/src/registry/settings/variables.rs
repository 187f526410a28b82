//! Which variables of the environment are settings.
//!
//! An environment holds what others put there: the variables that Kubernetes
//! makes for each Service, and those of scripts. A variable that is no setting
//! must not keep the application from starting, and a misspelt setting must.

use crate::registry::settings::check::Key;

/// Last words of variables that hold an address or a file. Docker links and
/// Kubernetes Services end in the first seven.
const FOREIGN: [&str; 12] = [
    "host", "port", "addr", "proto", "tcp", "udp", "sctp", "path", "url", "uri", "file", "dir",
];

/// The check and the option that the end of a variable names: the longest
/// option that it ends with.
pub(super) fn split(rest: &str) -> Option<(&str, &'static str)> {
    let options = Key::names().filter_map(|option| {
        let check = rest.strip_suffix(option)?.strip_suffix('_')?;
        (!check.is_empty()).then_some((check, option))
    });
    options.max_by_key(|(_, option)| option.len())
}

/// The known check that a variable begins with, and what follows its name.
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

/// Whether a variable has the shape of those that no setting has: an address or
/// a file.
pub(super) fn is_foreign(rest: &str, value: &str) -> bool {
    let last = rest.rsplit('_').next().unwrap_or(rest);
    value.contains("://")
        || FOREIGN.contains(&last)
        // The port of a Service has a name of its own, which comes last.
        || format!("_{rest}").contains("_service_port_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_ends_with_an_option() {
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
    fn the_longest_name_of_a_check_is_the_one_that_is_meant() {
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
    fn the_variables_of_a_service_of_kubernetes_are_foreign() {
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
