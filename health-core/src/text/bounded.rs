//! Limits of the texts and values that a run returns. They are applied when the
//! result is created, so that they hold for the log, the answers, the webhooks and
//! memory.
//!
//! Secrets are masked before a text is cut, because a cut can remove the key or
//! the `@` by which a secret is recognized.

use std::borrow::Cow;
use std::{fmt, io};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use crate::text::mask::{self, masked};

/// The maximum length of a public text, in bytes.
pub(crate) const MAX_MESSAGE_LEN: usize = 256;
/// The maximum length of all parts of a cause, in bytes.
pub(crate) const MAX_CAUSE_LEN: usize = 1024;
/// The maximum number of parts of a cause.
pub(crate) const MAX_CHAIN_LEN: usize = 16;
/// The maximum length of a text that is read, in bytes. This limits the cost of
/// masking.
const MAX_READ_LEN: usize = 4 * 1024;
/// The maximum depth of JSON. Parsers of some monitors reject 64 levels,
/// including those of the answer.
const MAX_DEPTH: usize = 32;
/// The size in bytes at which serialization stops.
const MAX_WRITTEN_LEN: usize = 1024 * 1024;

/// Returns a public text within its limit.
pub(crate) fn public(text: Cow<'static, str>) -> Cow<'static, str> {
    self::text(text, MAX_MESSAGE_LEN)
}

/// Masks secrets and cuts a text at `max_len` bytes.
pub(crate) fn text(text: Cow<'static, str>, max_len: usize) -> Cow<'static, str> {
    let read = readable(&text, MAX_READ_LEN);
    match masked(read) {
        Cow::Borrowed(same) if same.len() == text.len() && text.len() <= max_len => text,
        same_or_masked => Cow::Owned(cut(&same_or_masked, max_len).to_owned()),
    }
}

/// Returns a private text of the framework within the limit of a cause.
#[cfg(feature = "tracing")]
pub(crate) fn private(text: &str) -> String {
    cut(&masked(readable(text, MAX_READ_LEN)), MAX_CAUSE_LEN).to_owned()
}

/// Masks secrets in a cause and cuts it at its limits.
pub(crate) fn cause(parts: &mut Vec<String>) {
    parts.truncate(MAX_CHAIN_LEN);
    let mut left = 2 * MAX_READ_LEN;
    for part in &mut *parts {
        let read = readable(part, left.min(MAX_READ_LEN)).len();
        part.truncate(read);
        left -= read;
    }
    mask::mask_chain(parts);
    let mut left = MAX_CAUSE_LEN;
    for part in &mut *parts {
        let kept = cut(part, left).len();
        part.truncate(kept);
        part.shrink_to_fit();
        left -= kept;
    }
    let kept = parts.iter().rposition(|part| !part.is_empty());
    // A single empty text is kept, since it means a failure without a text.
    parts.truncate(kept.map_or(1, |last| last + 1));
}

/// Returns the beginning of a text, cut at a character boundary.
pub(crate) fn cut(text: &str, max_len: usize) -> &str {
    let end = (0..=max_len.min(text.len()))
        .rev()
        .find(|&end| text.is_char_boundary(end))
        .unwrap_or(0);
    &text[..end]
}

/// Returns the part of a text that is read. A cut word could be an address
/// without its `@`, so everything after its first colon is omitted.
fn readable(text: &str, max_len: usize) -> &str {
    let read = cut(text, max_len);
    if read.len() == text.len() {
        return read;
    }
    let word = read
        .rfind(|c: char| c.is_ascii_whitespace())
        .map_or(0, |space| space + 1);
    let end = read[word..]
        .find(':')
        .map_or(read.len(), |colon| word + colon);
    &read[..end]
}

/// A writer that accepts the part of a text that is read, and rejects the rest.
#[derive(Default)]
pub(crate) struct BoundedText {
    text: String,
}

impl BoundedText {
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

impl fmt::Write for BoundedText {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        // One more byte, to detect that a text was cut.
        let left = MAX_READ_LEN + 4 - self.text.len();
        let taken = cut(part, left);
        self.text.push_str(taken);
        if taken.len() < part.len() {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

/// Serializes the value to JSON without secrets, or returns why it is withheld.
pub(crate) fn json(value: &impl Serialize, limit: usize) -> serde_json::Result<Value> {
    let mut text = Limited::new(limit);
    // No derived default, since the formatter has none in older versions.
    let depth = Depth {
        depth: 0,
        format: CompactFormatter,
    };
    let mut serializer = Serializer::with_formatter(&mut text, depth);
    let written = value.serialize(&mut serializer);
    let withheld = |why: String| Ok(serde_json::json!({ "withheld": why }));
    match written {
        Err(error) if error.is_io() => return withheld(error.to_string()),
        Err(error) => return Err(error),
        Ok(()) => {}
    }
    if text.length > limit {
        return withheld(format!("{} bytes", text.length));
    }
    match serde_json::from_slice(&text.kept) {
        Ok(mut value) => {
            mask_secrets(&mut value);
            Ok(value)
        }
        // A raw value is written without a limit of depth.
        Err(error) => withheld(error.to_string()),
    }
}

/// Recursive, because the depth of the value is bounded.
fn mask_secrets(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(masked) = masked(text) {
                *text = masked;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(mask_secrets),
        Value::Object(entries) => {
            for (key, value) in entries {
                match value {
                    Value::String(text) if mask::is_secret(key, text) => *value = mask::MASK.into(),
                    value => mask_secrets(value),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Stores the output up to a limit, and counts the rest.
struct Limited {
    kept: Vec<u8>,
    length: usize,
    limit: usize,
}

impl Limited {
    fn new(limit: usize) -> Self {
        Limited {
            kept: Vec::new(),
            length: 0,
            limit,
        }
    }
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.length += bytes.len();
        if self.length > MAX_WRITTEN_LEN {
            return Err(io::Error::other("more than 1 MiB"));
        }
        if self.length <= self.limit {
            self.kept.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes compact JSON up to a maximum depth. This also bounds the recursion of
/// the value's `Serialize`.
struct Depth {
    depth: usize,
    format: CompactFormatter,
}

impl Depth {
    fn enter(&mut self) -> io::Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let why = format!("nested deeper than {MAX_DEPTH}");
            return Err(io::Error::other(why));
        }
        Ok(())
    }
}

impl Formatter for Depth {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter()?;
        self.format.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        self.format.end_array(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter()?;
        self.format.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        self.format.end_object(writer)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("short", 256), "short");
        let long = "ä".repeat(200);
        assert_eq!(cut(&long, 256).len(), 256);
        let odd = format!("x{long}");
        assert_eq!(cut(&odd, 256).len(), 255);
    }

    #[test]
    fn a_text_is_read_up_to_a_limit() {
        let mut reader = BoundedText::default();
        let written = write!(reader, "{}never read", "ä".repeat(10_000));
        assert!(written.is_err());
        assert!(reader.into_text().len() <= MAX_READ_LEN + 4);
    }

    #[test]
    fn a_secret_that_the_cut_goes_through_is_not_kept() {
        for filler in [
            "x".repeat(MAX_READ_LEN - 20),
            "x ".repeat(MAX_READ_LEN / 2 - 10),
        ] {
            for secret in [
                " postgres://app:hunter2hunter2hunter2@db",
                " app:hunter2hunter2hunter2@db",
                " password=hunter2hunter2hunter2",
            ] {
                // Masking a secret before it makes room for text near the cut.
                let text = format!("password={filler}{secret}");
                let mut parts = vec![text];
                cause(&mut parts);
                assert!(!parts[0].contains("hunter"), "{}", parts[0]);
            }
        }
    }

    #[test]
    fn secrets_in_details_are_masked() {
        let detail = serde_json::json!({
            "url": "redis://:hunter2@cache/0",
            "password": "hunter2",
            "nested": [{ "api_key": "hunter2" }],
            "waiting": 3,
        });
        let shown = json(&detail, 1024).expect("it is written");
        assert!(!shown.to_string().contains("hunter2"), "{shown}");
        assert_eq!(shown["waiting"], 3);
    }

    #[test]
    fn a_deeply_nested_detail_is_withheld() {
        fn nested(depth: usize) -> Value {
            (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
        }
        assert_eq!(json(&nested(32), 1024).expect("written"), nested(32));
        for depth in [33, 300, 3_000] {
            let shown = json(&nested(depth), 1024).expect("withheld");
            assert_eq!(
                shown,
                serde_json::json!({"withheld": "nested deeper than 32"})
            );
        }
    }

    #[test]
    fn an_endless_detail_is_withheld() {
        struct Endless;
        impl Serialize for Endless {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(std::iter::repeat("x"))
            }
        }
        let shown = json(&Endless, 1024).expect("withheld");
        assert_eq!(shown, serde_json::json!({"withheld": "more than 1 MiB"}));
    }
}
