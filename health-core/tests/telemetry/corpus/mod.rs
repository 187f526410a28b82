//! Error texts of real clients, with marked secrets.
#![allow(dead_code)] // Each test uses a part of it.

use std::io;
use std::panic::resume_unwind;
use std::time::Duration;

use health_core::{CheckOptions, HealthBuilder, Outcome};

/// The lines of a corpus.
fn texts(corpus: &str) -> impl Iterator<Item = String> {
    let lines = corpus.lines();
    let texts = lines.filter(|line| !line.is_empty() && !line.starts_with("# "));
    texts.map(|line| line.replace('⏎', "\n"))
}

pub(crate) fn secrets() -> impl Iterator<Item = String> {
    texts(include_str!("secrets.txt"))
}

pub(crate) fn harmless() -> impl Iterator<Item = String> {
    texts(include_str!("harmless.txt"))
}

/// The secrets that are marked in a text.
pub(crate) fn marked(text: &str) -> Vec<&str> {
    let parts = text.split('«').skip(1);
    parts
        .map(|part| part.split('»').next().expect("a mark is closed"))
        .collect()
}

pub(crate) fn unmarked(text: &str) -> String {
    text.replace(['«', '»'], "")
}

/// Adds a check that shows the text: as a panic, as an error, or as its public text.
pub(crate) fn with_check(builder: HealthBuilder, number: usize, text: &str) -> HealthBuilder {
    let text = text.to_owned();
    let options = CheckOptions::new().interval(Duration::from_secs(60 * 60));
    builder.check(format!("check-{number}"), options, move || {
        let text = text.clone();
        async move {
            match number % 3 {
                // The check panics without a message on stderr.
                0 => resume_unwind(Box::new(text)),
                1 => Outcome::fail("refused").because(io::Error::other(text)),
                _ => Outcome::warn(text.clone())
                    .observe(&text, "x")
                    .detail([("text", &text)]),
            }
        }
    })
}

/// Whether a secret is neither a word of the answers nor a part of a number.
pub(crate) fn is_telling(secret: &str) -> bool {
    secret.len() > 5 && secret != "changeme" && !secret.bytes().all(|byte| byte.is_ascii_digit())
}
