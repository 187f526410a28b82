//! Secrets with a known prefix, and private keys in PEM.

use std::ops::Range;

use crate::text::mask::{has, run_end};

/// Prefixes of tokens; at least ten more characters follow.
#[rustfmt::skip]
const PREFIXES: &[&str] = &[
    "AGE-SECRET-KEY-1", "AIza", "ATATT3", "ATCTT3", "CFPAT-", "EAAA", "FLWSECK", "GOCSPX-", "LTAI",
    "NRAK-", "PMAK-", "SG.", "dapi", "dckr_pat_", "doo_v1_", "dop_v1_", "dor_v1_", "eyJ", "figd_",
    "gho_", "ghp_", "ghr_", "ghs_", "ghu_", "github_pat_", "glagent-", "glcbt-", "gldt-", "glft-",
    "glpat-", "glptt-", "glrt-", "glsa_", "glsoat-", "gsk_", "hf_", "hvb.", "hvr.", "hvs.",
    "lin_api_", "npm_", "ntn_", "ops_eyJ", "pat-eu1-", "pat-na1-", "phx_", "pscale_", "pypi-",
    "r8_", "rk_live_", "rk_test_", "rubygems_", "sbp_", "shpat_", "shpca_", "shppa_", "shpss_",
    "sk-", "sk_live_", "sk_test_", "sntrys_", "sq0atp-", "sq0csp-", "tfp_", "tskey-", "whsec_",
    "xai-", "xapp-", "xoxa-", "xoxb-", "xoxe-", "xoxe.", "xoxo-", "xoxp-", "xoxr-", "xoxs-",
    "ya29.",
];

const MIN_REST_LEN: usize = 10;

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while at < text.len() {
        if !text.as_bytes()[at].is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        let end = run_end(text, at, is_token_byte);
        let run = text[at..end].trim_end_matches(['.', '-']);
        found.extend(token(run).map(|length| at..at + length));
        at = end;
    }
    telegram(text, found);
    pem(text, found);
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Returns the length of the token at the start of a run of characters.
fn token(run: &str) -> Option<usize> {
    if run.len() <= MIN_REST_LEN {
        return None;
    }
    let is_known = PREFIXES.iter().any(|prefix| {
        run.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() >= MIN_REST_LEN && (!prefix.ends_with("sk-") || is_generated(rest))
        })
    });
    (is_known || is_aws_key(run) || is_nats_seed(run)).then_some(run.len())
}

/// Returns whether one part is long and has a digit, since names of services
/// can begin with `sk-` too.
fn is_generated(rest: &str) -> bool {
    rest.split(['-', '_', '.']).any(|part| {
        part.len() >= MIN_REST_LEN && has(part, u8::is_ascii_digit)
            || part.len() >= 2 * MIN_REST_LEN
    })
}

fn is_aws_key(run: &str) -> bool {
    let is_kind = ["AKIA", "ASIA", "AROA", "AIDA", "ABIA", "ACCA"]
        .iter()
        .any(|kind| run.starts_with(kind));
    is_kind
        && (16..=32).contains(&run.len())
        && run
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_nats_seed(run: &str) -> bool {
    run.len() == 58
        && run.starts_with('S')
        && run
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte))
}

/// Finds tokens of Telegram bots: `123456789:AA…`.
fn telegram(text: &str, found: &mut Vec<Range<usize>>) {
    for (at, _) in text.match_indices(":AA") {
        let from = at + 1;
        let end = run_end(text, from, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
        });
        let has_id = text.as_bytes()[..at].last().is_some_and(u8::is_ascii_digit);
        if has_id && end >= from + 30 {
            found.push(from..end);
        }
    }
}

/// Finds the lines between `BEGIN … PRIVATE KEY` and `END`.
fn pem(text: &str, found: &mut Vec<Range<usize>>) {
    const BEGIN: &str = "-----BEGIN ";
    const DASHES: &str = "-----";
    let mut at = 0;
    while let Some(begin) = text[at..].find(BEGIN) {
        let label = at + begin + BEGIN.len();
        let Some(length) = text[label..].find(DASHES) else {
            return;
        };
        let from = label + length + DASHES.len();
        at = from;
        let is_secret = ["PRIVATE KEY", "SEED", "JWT"]
            .iter()
            .any(|kind| text[label..label + length].contains(kind));
        if is_secret {
            let to = text[from..]
                .find(DASHES)
                .map_or(text.len(), |length| from + length);
            found.push(from..to);
            at = to;
        }
    }
}
