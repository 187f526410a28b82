//! Secrets in the texts that clients print: a corpus of texts that have them,
//! and one of texts that do not.

use health_core::Outcome;

const MASK: &str = "***";

/// The lines of a corpus.
fn texts(corpus: &str) -> impl Iterator<Item = String> {
    let lines = corpus.lines();
    let texts = lines.filter(|line| !line.is_empty() && !line.starts_with("# "));
    texts.map(|line| line.replace('⏎', "\n"))
}

fn secrets() -> impl Iterator<Item = String> {
    texts(include_str!("corpus/secrets.txt"))
}

fn harmless() -> impl Iterator<Item = String> {
    texts(include_str!("corpus/harmless.txt"))
}

/// What is kept of a cause.
fn kept(text: &str) -> String {
    let outcome = Outcome::fail("it failed").because(text);
    outcome.cause().join(": ")
}

/// The secrets that are marked in a text.
fn marked(text: &str) -> Vec<&str> {
    let parts = text.split('«').skip(1);
    parts
        .map(|part| part.split('»').next().expect("a mark is closed"))
        .collect()
}

fn unmarked(text: &str) -> String {
    text.replace(['«', '»'], "")
}

/// The parts of a text that are no secrets, in order.
fn surroundings(text: &str) -> Vec<&str> {
    text.split('«')
        .filter_map(|part| part.split('»').next_back())
        .collect()
}

#[test]
fn no_marked_secret_survives() {
    let mut failures = Vec::new();
    let mut count = 0;
    for text in secrets() {
        count += 1;
        let shown = kept(&unmarked(&text));
        let survivor = marked(&text).into_iter().find(|secret| {
            // A secret of one or two letters is a part of other words.
            let secret = secret.trim();
            secret.len() > 2 && shown.contains(secret)
        });
        if survivor.is_some() || !shown.contains(MASK) {
            failures.push(format!("{text}\n    -> {shown}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{}\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(count >= 250, "{count}");
}

/// What surrounds a secret tells what failed.
#[test]
fn what_surrounds_a_secret_is_kept() {
    let mut failures = Vec::new();
    for text in secrets() {
        let shown = kept(&unmarked(&text));
        let mut rest = &*shown;
        let lost = surroundings(&text).into_iter().find(|part| {
            // The user before a password is masked with it.
            let words = part.rsplit("://").next().expect("there is one part");
            let part = if words.len() < part.len() {
                &part[..part.len() - words.len()]
            } else {
                part
            };
            match rest.find(part.trim()) {
                Some(at) => {
                    rest = &rest[at + part.trim().len()..];
                    false
                }
                None => true,
            }
        });
        if let Some(lost) = lost {
            failures.push(format!("{text}\n    -> {shown}\n    lost: {lost}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{}\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn harmless_texts_stay_as_they_are() {
    let mut failures = Vec::new();
    let mut count = 0;
    for text in harmless() {
        count += 1;
        let shown = kept(&text);
        if shown != text {
            failures.push(format!("{text}\n    -> {shown}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{}\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(count >= 100, "{count}");
}

#[test]
fn a_masked_text_stays_as_it_is() {
    for text in secrets() {
        let once = kept(&unmarked(&text));
        assert_eq!(kept(&once), once);
    }
}
