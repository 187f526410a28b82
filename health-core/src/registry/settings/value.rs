//! Parses values of settings, from text and from the types of a file.

use std::fs::File;
use std::io::{self, Read as _};
use std::time::Duration;

use serde_json::Value;

use crate::registry::details::Details;
use crate::registry::network::network;

/// The maximum size of a secret, in bytes. Requests with a larger head are
/// rejected anyway.
const MAX_SECRET: u64 = 16 * 1024;

/// A value that a setting does not accept.
#[derive(Debug)]
pub(super) struct InvalidValue {
    /// The value as shown in an error; `None` for a secret.
    pub(super) shown: Option<String>,
    /// What to write instead.
    pub(super) expected: String,
}

pub(super) fn flag(value: &Value) -> Result<bool, InvalidValue> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        other => Err(invalid(other, "`true` or `false`")),
    }
}

pub(super) fn duration(value: &Value) -> Result<Duration, InvalidValue> {
    let text = value.as_str();
    text.and_then(|text| humantime::parse_duration(text).ok())
        .ok_or_else(|| {
            invalid(
                value,
                "a duration with its unit, such as `500ms`, `2s` or `1m`",
            )
        })
}

pub(super) fn threshold(value: &Value) -> Result<u32, InvalidValue> {
    let number = match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|number| u32::try_from(number).ok()),
    };
    number.ok_or_else(|| invalid(value, "a whole number of at least 1"))
}

/// Parses a level of detail, except [`Details::Full`], which only a guard
/// grants.
pub(super) fn details(value: &Value) -> Result<Details, InvalidValue> {
    match value.as_str() {
        Some("status") => Ok(Details::Status),
        Some("checks") => Ok(Details::Checks),
        _ => Err(invalid(value, "`status` or `checks`")),
    }
}

pub(super) fn path(value: &Value) -> Result<String, InvalidValue> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| invalid(value, "a path as text, such as `/internal/ready`"))
}

/// Parses addresses and ranges: a comma-separated text, or a list from a file.
/// The error lists all invalid ones.
pub(super) fn ranges(value: &Value) -> Result<Vec<String>, InvalidValue> {
    let listed = |items: &Vec<Value>| {
        let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
        texts.collect::<Option<Vec<_>>>()
    };
    let ranges = match value {
        Value::String(text) => Some(text.split(',').map(|part| part.trim().into()).collect()),
        Value::Array(items) => listed(items),
        _ => None,
    };
    let ranges: Vec<String> =
        ranges.ok_or_else(|| invalid(value, "addresses and ranges, separated by commas"))?;
    let mut wrong = Vec::new();
    let mut help = Vec::new();
    for range in &ranges {
        if let Err(instead) = network(range) {
            wrong.push(range.escape_debug().to_string());
            if !help.contains(&instead) {
                help.push(instead);
            }
        }
    }
    if wrong.is_empty() {
        return Ok(ranges);
    }
    Err(InvalidValue {
        shown: Some(wrong.join(", ")),
        expected: help.join("; "),
    })
}

pub(super) fn secret(value: &Value) -> Result<String, InvalidValue> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| InvalidValue {
        shown: None,
        expected: "the secret as a quoted string".into(),
    })
}

/// Reads a secret from a file, without the line break at its end.
pub(super) fn secret_in_file(value: &Value) -> Result<String, InvalidValue> {
    let Some(file) = value.as_str() else {
        return Err(invalid(value, "the path of a file as text"));
    };
    read(file)
        .map(|secret| secret.trim_end_matches(['\r', '\n']).to_owned())
        .map_err(|error| invalid(value, &format!("the path of a readable file ({error})")))
}

/// Reads a bounded part of the file, since a wrong path can be endless, such as
/// `/dev/zero`.
fn read(file: &str) -> io::Result<String> {
    let mut content = String::new();
    let file = File::open(file)?;
    file.take(MAX_SECRET).read_to_string(&mut content)?;
    Ok(content)
}

pub(super) fn invalid(value: &Value, expected: &str) -> InvalidValue {
    let shown = value
        .as_str()
        .map_or_else(|| value.to_string(), |text| text.escape_debug().to_string());
    InvalidValue {
        shown: Some(shown),
        expected: expected.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_from_text_and_from_their_own_types() {
        assert!(matches!(flag(&Value::Bool(false)), Ok(false)));
        assert!(matches!(flag(&"true".into()), Ok(true)));
        assert!(flag(&"yes".into()).is_err());
        assert!(matches!(threshold(&3.into()), Ok(3)));
        assert!(matches!(threshold(&"3".into()), Ok(3)));
        assert!(threshold(&(-1).into()).is_err());
        assert!(threshold(&1.5.into()).is_err());
        assert!(matches!(duration(&"1m 30s".into()), Ok(time) if time.as_secs() == 90));
        for bad in [
            Value::from("2"),
            2.into(),
            "".into(),
            "soon".into(),
            Value::Null,
        ] {
            assert!(duration(&bad).is_err(), "{bad}");
        }
        assert!(matches!(details(&"checks".into()), Ok(Details::Checks)));
        assert!(details(&"full".into()).is_err());
    }

    #[test]
    fn a_secret_from_a_file_has_no_line_break_and_no_debug_output() {
        let name = format!("health-{}-{}", std::process::id(), fastrand::u64(..));
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, "correct horse battery\r\n").expect("a temporary file");
        let path = Value::from(file.to_str().expect("UTF-8"));
        let secret_read = secret_in_file(&path);
        std::fs::remove_file(&file).expect("it exists");
        assert_eq!(secret_read.expect("readable"), "correct horse battery");
        let missing = secret_in_file(&path).expect_err("it is gone");
        assert!(missing.expected.contains("No such file"), "{missing:?}");
        let number = secret(&1234.into()).expect_err("no text");
        assert!(!format!("{number:?}").contains("1234"), "{number:?}");
    }
}
