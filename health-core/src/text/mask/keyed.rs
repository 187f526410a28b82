//! Secrets that follow their key: settings, connection strings, headers, JSON,
//! `{:?}`, XML, and commands.

use std::ops::Range;

use crate::text::mask::words::{self, Key};
use crate::text::mask::{has, looks_random, run_end, run_start};

pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let programs = Programs::of(text);
    let protocols = Protocols::of(text);
    let mut at = 0;
    while at < text.len() {
        if !is_key_byte(text.as_bytes()[at]) {
            at += 1;
            continue;
        }
        let end = run_end(text, at, is_key_byte);
        let key = Identifier {
            text,
            start: at,
            end,
            programs,
            protocols,
        };
        if end - at < MIN_KEY_LEN && !key.is_short_query_key() {
            at = end;
            continue;
        }
        let known = found.len();
        key.find_values(found);
        // Found values are not searched again, so the time is linear.
        let values_end = found[known..].iter().map(|value| value.end).max();
        at = end.max(values_end.unwrap_or(0));
    }
}

/// The minimum length of a key, such as `pw` and `-p`.
const MIN_KEY_LEN: usize = 2;

/// The minimum length of a word that looks generated: a shorter word with a digit
/// is usually a name or a version.
const MIN_GENERATED_LEN: usize = 6;

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

/// An identifier in a text.
#[derive(Clone, Copy)]
struct Identifier<'a> {
    text: &'a str,
    start: usize,
    end: usize,
    programs: Programs,
    protocols: Protocols,
}

/// Protocols whose own names for a password occur in the text.
#[derive(Clone, Copy)]
struct Protocols {
    /// `Digest … response="…"`
    digest: bool,
    /// `?u=app&p=hunter2`
    influx: bool,
}

impl Protocols {
    fn of(text: &str) -> Self {
        Protocols {
            digest: text.contains("Digest "),
            influx: text.contains("?u=") || text.contains("&u="),
        }
    }
}

/// Programs in the text that take a password by a short option.
#[derive(Clone, Copy)]
struct Programs {
    mysql: bool,
    redis_cli: bool,
    sshpass: bool,
}

impl Programs {
    fn of(text: &str) -> Self {
        let has_option = text.contains(" -");
        Programs {
            mysql: has_option && text.contains("mysql"),
            redis_cli: has_option && text.contains("redis-cli"),
            sshpass: has_option && text.contains("sshpass"),
        }
    }
}

/// The separator between a key and its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    /// `=`, `=>`, `:=`, and `:` after a quoted key.
    Equals,
    /// `:` without a space.
    Colon,
    /// `: `, as in sentences.
    ColonSpace,
    /// `<password>`
    Tag,
    /// `Password("…")`
    Wrapper,
    /// A space: `--password …`, `IDENTIFIED BY '…'`.
    Space,
}

impl<'a> Identifier<'a> {
    fn name(&self) -> &'a str {
        self.text[self.start..self.end].trim_matches(['-', '.'])
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn before(&self) -> Option<u8> {
        self.byte(self.start.checked_sub(1)?)
    }

    fn find_values(&self, found: &mut Vec<Range<usize>>) {
        let name = self.name();
        let key = words::key(name)
            .or_else(|| self.query_key(name))
            .or_else(|| self.spaced_key(name));
        if let Some(key) = key {
            if let Some((separator, at)) = self.separator(name) {
                self.values(key, separator, at, found);
                return;
            }
        }
        match name {
            "AUTH" => self.command(0, found),
            // The command of IMAP.
            "LOGIN" => self.command(1, found),
            "Bearer" | "bearer" | "BEARER" => self.scheme(found, |word| {
                !words::is_prose(word) && (looks_random(word) || word.len() >= 16)
            }),
            "Basic" | "basic" | "BASIC" | "ApiKey" | "Apikey" | "SSWS" | "GenieKey"
            | "SharedKey" | "SharedKeyLite" => {
                self.scheme(found, |word| {
                    looks_random(word) && word.len() >= 6 || word.ends_with('=')
                });
            }
            _ if self.is_option("u") || self.is_option("user") => self.option_user(found),
            _ if self.programs.redis_cli && self.is_option("a") => self.next_word(found),
            _ if self.programs.sshpass && self.is_option("p") => self.next_word(found),
            _ if name.starts_with('p') && self.byte(self.start) == Some(b'-') => {
                self.attached_option(name, found);
            }
            _ if name.eq_ignore_ascii_case("by") => self.identified_by(found),
            _ => {}
        }
    }

    fn is_short_query_key(&self) -> bool {
        self.protocols.influx
            && &self.text[self.start..self.end] == "p"
            && matches!(self.before(), Some(b'?' | b'&'))
    }

    /// Recognizes `key` and `code` in the query of a URL if the value looks like a
    /// secret.
    fn query_key(&self, name: &str) -> Option<Key> {
        let is_response = self.protocols.digest
            && name == "response"
            && self.text[self.end..].starts_with(['='])
            && self
                .byte(self.end + 1)
                .is_some_and(|byte| is_quote(byte) || byte == b'\\');
        if is_response || self.is_short_query_key() {
            return Some(Key::Secret);
        }
        let is_query = matches!(self.before(), Some(b'?' | b'&')) && matches!(name, "key" | "code");
        let value = self.end + 1;
        let is_long = is_query
            && self.byte(self.end) == Some(b'=')
            && run_end(self.text, value, |byte| {
                is_key_byte(byte) || b"/%+~".contains(&byte)
            }) >= value + 16;
        is_long.then_some(Key::Secret)
    }

    /// Recognizes `API key: …`.
    fn spaced_key(&self, name: &str) -> Option<Key> {
        let is_key = name.eq_ignore_ascii_case("key")
            && self.before() == Some(b' ')
            && words::makes_key_secret(self.word_before());
        is_key.then_some(Key::Secret)
    }

    /// Returns the separator after the key, and where the value begins.
    fn separator(&self, name: &str) -> Option<(Separator, usize)> {
        let at = run_end(self.text, self.end, |byte| byte == b'\\');
        let is_quoted = self.byte(at).is_some_and(is_quote);
        let at = run_end(self.text, at, |byte| {
            is_quote(byte) || matches!(byte, b'\\' | b']' | b')')
        });
        let rest = &self.text[at..];
        if at == self.end {
            if let Some(separator) = self.adjacent_separator(name, rest) {
                return Some(separator);
            }
        }
        let spaces = run_end(self.text, at, |byte| matches!(byte, b' ' | b'\t'));
        let rest = &self.text[spaces..];
        for sign in ["=>", ":=", "==", "=", "%3D", "%3d"] {
            if rest.starts_with(sign) {
                return Some((Separator::Equals, self.skip_spaces(spaces + sign.len())));
            }
        }
        if rest.starts_with(':') && !rest.starts_with("::") {
            let value = self.skip_spaces(spaces + 1);
            let separator = match (is_quoted, value == spaces + 1) {
                (true, _) => Separator::Equals,
                (false, true) => Separator::Colon,
                (false, false) => Separator::ColonSpace,
            };
            return Some((separator, value));
        }
        for sign in ["%3A", "%3a", "%22%3A%22", "%22%3a%22"] {
            if self.text[at..].starts_with(sign) {
                return Some((Separator::Equals, at + sign.len()));
            }
        }
        self.value_beside(at).or_else(|| self.in_a_sentence(name))
    }

    /// Finds a word that looks generated in a sentence: `token hunter2 is invalid`,
    /// `the password is hunter2`.
    fn in_a_sentence(&self, name: &str) -> Option<(Separator, usize)> {
        let is_name = name.eq_ignore_ascii_case("secret") && !self.word_before().eq("client");
        if is_name || self.byte(self.end) != Some(b' ') {
            return None;
        }
        let mut at = self.end + 1;
        if let Some(value) = self
            .after_participle(at)
            .or_else(|| self.after_user(name, at))
        {
            return Some((Separator::Space, value));
        }
        for verb in ["is ", "was "] {
            if self.text[at..].starts_with(verb) {
                at += verb.len();
            }
        }
        let end = run_end(self.text, at, |byte| {
            byte.is_ascii_alphanumeric() || byte == b'_'
        });
        let word = &self.text[at..end];
        let is_generated = word.len() >= MIN_GENERATED_LEN
            && has(word, u8::is_ascii_digit)
            && has(word, u8::is_ascii_alphabetic)
            && self
                .byte(end)
                .is_none_or(|byte| !is_key_byte(byte) && byte != b'(');
        (is_generated && !is_algorithm(word)).then_some((Separator::Space, at))
    }

    /// Finds the value in `Invalid client secret provided: 8Q~abc`.
    fn after_participle(&self, at: usize) -> Option<usize> {
        let rest = &self.text[at..];
        let value = ["provided: ", "supplied: ", "received: ", "given: "]
            .iter()
            .find_map(|word| rest.starts_with(word).then_some(at + word.len()))?;
        let word = &self.text[value..self.bare_end(value)];
        (word.len() >= MIN_GENERATED_LEN && looks_random(word)).then_some(value)
    }

    /// Finds the password in `credentials app:hunter2 were rejected`.
    fn after_user(&self, name: &str, at: usize) -> Option<usize> {
        let user_end = run_end(self.text, at, is_key_byte);
        let value = user_end + 1;
        let is_pair = name.eq_ignore_ascii_case("credentials")
            && user_end > at
            && self.byte(user_end) == Some(b':')
            && self.byte(value).is_some_and(|byte| byte.is_ascii_graphic());
        (is_pair && looks_random(&self.text[value..self.bare_end(value)])).then_some(value)
    }

    fn skip_spaces(&self, at: usize) -> usize {
        run_end(self.text, at, is_space)
    }

    /// Finds the value in `{"name": "DB_PASSWORD", "value": "…"}` and in
    /// `key="Password" value="…"`.
    fn value_beside(&self, at: usize) -> Option<(Separator, usize)> {
        let filler = |byte| is_space(byte) || is_quote(byte) || matches!(byte, b',' | b'\\');
        let value = run_end(self.text, at, filler);
        let word = self.text.get(value..value + "value".len())?;
        if value == self.end || !word.eq_ignore_ascii_case("value") {
            return None;
        }
        let at = run_end(self.text, value + word.len(), |byte| {
            is_quote(byte) || byte == b'\\' || is_space(byte)
        });
        matches!(self.byte(at), Some(b':' | b'='))
            .then(|| (Separator::Equals, self.skip_spaces(at + 1)))
    }

    /// Returns a separator that follows the key directly, or that requires an
    /// unquoted key.
    fn adjacent_separator(&self, name: &str, rest: &str) -> Option<(Separator, usize)> {
        let is_tag = matches!(self.before(), Some(b'<' | b':')) && rest.starts_with('>');
        if is_tag {
            return Some((Separator::Tag, self.end + 1));
        }
        if rest.starts_with("(\"") || rest.starts_with("(\\\"") || rest.starts_with("('") {
            return Some((Separator::Wrapper, self.end));
        }
        if let Some(field) = self.first_field() {
            return Some((Separator::Equals, field));
        }
        let value = self.skip_spaces(self.end);
        if value == self.end {
            return None;
        }
        let is_option = self.text[self.start..].starts_with("--");
        let is_quoted = self
            .byte(value)
            .is_some_and(|byte| matches!(byte, b'\'' | b'"'));
        // `PASSWORD '…'` of SQL; `secret 'orders' not found` is a sentence.
        let takes_text = is_quoted && words::is_password(name);
        // `set --password or …`, `--password <password>`
        let word_end = run_end(self.text, value, is_key_byte);
        let is_value = !matches!(self.byte(value), Some(b'-' | b'<'))
            && !words::is_prose(&self.text[value..word_end]);
        (is_option && is_value || takes_text).then_some((Separator::Space, value))
    }

    /// Returns the text in `Password { inner: "…" }`.
    fn first_field(&self) -> Option<usize> {
        let name = self.text[self.end..]
            .starts_with(" { ")
            .then_some(self.end + 3)?;
        let end = run_end(self.text, name, is_key_byte);
        if !["inner", "raw", "secret", "value"].contains(&&self.text[name..end]) {
            return None;
        }
        let value = end + 2;
        let is_text = self.text[end..].starts_with(": ") && self.byte(value).is_some_and(is_quote);
        is_text.then_some(value)
    }

    fn values(&self, key: Key, separator: Separator, at: usize, found: &mut Vec<Range<usize>>) {
        // `/run/secrets/token: not found` is a path.
        let is_path = self.before() == Some(b'/')
            && matches!(separator, Separator::Colon | Separator::ColonSpace);
        if is_path {
            return;
        }
        match key {
            Key::Cookie => self.cookies(at, usize::MAX, found),
            Key::SetCookie => self.cookies(at, 1, found),
            Key::Authorization => found.extend(self.authorization(separator, at)),
            Key::Secret | Key::Vague | Key::Plural => {
                found.extend(self.value(key, separator, at));
            }
        }
    }

    fn value(&self, key: Key, separator: Separator, at: usize) -> Option<Range<usize>> {
        if separator == Separator::Tag {
            let end = run_end(self.text, at, |byte| byte != b'<');
            return self.text[end..].starts_with("</").then_some(at..end);
        }
        let at = self.inside_wrappers(at);
        if self.is_struct(at) {
            return None;
        }
        if let Some(braced) = self.braced(separator, at) {
            return Some(braced);
        }
        if let Some(quoted) = self.quoted(at) {
            let value = &self.text[quoted.clone()];
            let is_word = key == Key::Vague && !looks_random(value) && self.follows_error_word();
            return (!words::is_placeholder(value) && !is_word).then_some(quoted);
        }
        if self.byte(at) == Some(b'[') {
            let end = run_end(self.text, at + 1, |byte| byte != b']');
            let list = at + 1..end;
            return (!words::is_placeholder(&self.text[list.clone()])).then_some(list);
        }
        let mut end = self.bare_end(at);
        let value = &self.text[at..end];
        if self.is_harmless(key, separator, at, value) {
            return None;
        }
        // A passphrase can have several words.
        if self.name().to_ascii_lowercase().ends_with("passphrase") {
            end = self.last_word_end(end);
        }
        Some(at..end)
    }

    /// Returns the end of the words that follow, up to one that is a key itself.
    fn last_word_end(&self, mut end: usize) -> usize {
        loop {
            let word = run_end(self.text, end, |byte| byte == b' ');
            let word_end = run_end(self.text, word, is_key_byte);
            let is_key = matches!(self.byte(word_end), Some(b'=' | b':'));
            if word == end || word_end == word || is_key {
                return end;
            }
            end = word + self.text[word..word_end].trim_end_matches('.').len();
        }
    }

    /// Returns whether the value is a struct of `{:?}`, whose fields have their
    /// own keys: `credential: Credential { user: "app", .. }`.
    fn is_struct(&self, at: usize) -> bool {
        let is_type = self.byte(at).is_some_and(|byte| byte.is_ascii_uppercase());
        let name = run_end(self.text, at, |byte| byte.is_ascii_alphanumeric());
        let Some(fields) = self.text[name..].strip_prefix(" { ") else {
            return false;
        };
        let field = run_end(fields, 0, is_key_byte);
        is_type && field > 0 && fields[field..].starts_with(": ")
    }

    /// Finds a value of ODBC in braces: `{a;b}`, where `}}` stands for `}`.
    fn braced(&self, separator: Separator, at: usize) -> Option<Range<usize>> {
        // Bounded, so that the time is linear.
        const MAX_LEN: usize = 256;
        if separator != Separator::Equals || self.byte(at) != Some(b'{') {
            return None;
        }
        let bytes = self.text.as_bytes();
        let mut to = at + 1;
        while to < bytes.len().min(at + MAX_LEN) && bytes[to] != b'\n' {
            if bytes[to] == b'}' {
                if bytes.get(to + 1) != Some(&b'}') {
                    let end = to + 1;
                    let value = &self.text[at..end];
                    let is_value = self.is_delimiter(end)
                        && !value.contains("\":")
                        && !words::is_placeholder(value);
                    return is_value.then_some(at..end);
                }
                to += 1;
            }
            to += 1;
        }
        None
    }

    /// Returns whether an unquoted value is a word of a sentence, or a number.
    fn is_harmless(&self, key: Key, separator: Separator, at: usize, value: &str) -> bool {
        if words::is_placeholder(value) {
            return true;
        }
        let has_text = value.contains(|c: char| c.is_alphanumeric());
        let is_number = value
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        match key {
            Key::Plural if is_number => return true,
            Key::Vague if words::is_method(value) => return true,
            Key::Vague if !has_text || is_number && value.len() < 6 => return true,
            _ => {}
        }
        if !matches!(separator, Separator::Colon | Separator::ColonSpace) {
            return false;
        }
        let word_end = run_end(self.text, at, |byte| {
            byte.is_ascii_alphabetic() || matches!(byte, b'\'' | b'_' | b'-')
        });
        let word = &self.text[at..word_end];
        let punctuation_end = run_end(self.text, word_end, |byte| b".,;:!?`\"')".contains(&byte));
        let ends = self.byte(punctuation_end).is_none_or(is_space);
        if ends && words::is_prose(word) {
            return true;
        }
        // A parser shows any token: `unexpected token: }`.
        let is_shown = match key {
            Key::Vague => !looks_random(value),
            _ => words::is_word(value),
        };
        self.follows_error_word() && is_shown
    }

    /// Returns whether the word before the key begins an error message:
    /// `invalid token: …`.
    fn follows_error_word(&self) -> bool {
        words::is_error_word(self.word_before())
    }

    fn word_before(&self) -> &'a str {
        const MAX_LEN: usize = 16;
        let end = run_start(self.text, self.start, |byte| {
            is_space(byte) || is_quote(byte)
        });
        let start = run_start(self.text, end, |byte| byte.is_ascii_alphabetic());
        &self.text[start.max(end.saturating_sub(MAX_LEN))..end]
    }

    /// Returns the start of the value inside `Some(`, `Secret(`, `b"` and the
    /// like.
    fn inside_wrappers(&self, mut at: usize) -> usize {
        const MAX_DEPTH: usize = 4;
        for _ in 0..MAX_DEPTH {
            let name = run_end(self.text, at, |byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')
            });
            match self.byte(name) {
                Some(b'(') => at = name + 1,
                // `b"…"`, `u'…'`, `N'…'`
                Some(quote) if is_quote(quote) => {
                    let is_prefix = ["b", "r", "u", "br", "f", "N"].contains(&&self.text[at..name]);
                    let closed = || {
                        self.quoted(name)
                            .is_some_and(|text| text.end < self.text.len())
                    };
                    return if is_prefix && closed() { name } else { at };
                }
                _ => break,
            }
        }
        at
    }

    /// Returns the text between quotes, or up to the end of the text if they
    /// are not closed. Inner quotes have more backslashes than the outer ones,
    /// or are doubled.
    fn quoted(&self, at: usize) -> Option<Range<usize>> {
        let bytes = self.text.as_bytes();
        let quote_at = run_end(self.text, at, |byte| byte == b'\\');
        let outside = quote_at - at;
        let Some(quote) = self.byte(quote_at).filter(|byte| is_quote(*byte)) else {
            return self.percent_quoted(at);
        };
        let from = quote_at + 1;
        let mut backslashes = 0;
        let mut to = from;
        while to < bytes.len() {
            let byte = bytes[to];
            if byte == b'\\' {
                backslashes += 1;
            } else {
                if byte == quote && backslashes <= outside {
                    let is_doubled = outside == 0 && to > from && bytes.get(to + 1) == Some(&quote);
                    if !is_doubled {
                        break;
                    }
                    to += 1;
                }
                backslashes = 0;
            }
            to += 1;
        }
        let to = to.min(bytes.len());
        let is_closed = to < bytes.len();
        Some(from..if is_closed { to - backslashes } else { to })
    }

    fn percent_quoted(&self, at: usize) -> Option<Range<usize>> {
        let rest = self.text[at..].strip_prefix("%22")?;
        let length = rest.find("%22").unwrap_or(rest.len());
        Some(at + 3..at + 3 + length)
    }

    /// Returns the end of an unquoted value. A quote, bracket or separator is
    /// part of the value, unless the following characters show that the value
    /// ends there.
    fn bare_end(&self, from: usize) -> usize {
        let bytes = self.text.as_bytes();
        let is_query = matches!(self.before(), Some(b'?' | b'&'));
        // `password%3Dhunter2%26x`; in `password=a%26b` it is a part of the value.
        let separator = self.text.get(self.end..from).unwrap_or_default();
        let is_encoded = separator.contains('%');
        let mut at = from;
        while at < bytes.len() {
            let next = at + 1;
            let ends = match bytes[at] {
                byte if is_space(byte) => true,
                b';' => true,
                b'&' | b'#' if is_query => true,
                b',' | b'&' | b'|' => self.starts_pair_or_ends(next),
                b'"' | b'\'' | b'`' | b')' | b']' | b'}' | b'>' => self.is_delimiter(next),
                b'<' => bytes.get(next) == Some(&b'/'),
                b'#' => at > from && self.is_delimiter(next),
                b'%' if is_encoded => ["%26", "%22"]
                    .iter()
                    .any(|sign| self.text[at..].starts_with(sign)),
                b'\\' => self.is_escape(at),
                _ => false,
            };
            if ends {
                break;
            }
            at = next;
        }
        // Punctuation of the surrounding sentence.
        let value = self.text[from..at].trim_end_matches([',', ':', '.', '!', '?']);
        from + value.len()
    }

    fn is_escape(&self, at: usize) -> bool {
        let rest = &self.text[at + 1..];
        rest.starts_with(['"', '\'', '\\'])
            || rest.starts_with("u00")
            || rest.starts_with(['n', 'r', 't']) && self.starts_pair_or_ends(at + 2)
    }

    fn is_delimiter(&self, at: usize) -> bool {
        self.byte(at)
            .is_none_or(|byte| is_space(byte) || is_quote(byte) || b",;:.)]}>&\\|".contains(&byte))
    }

    /// Returns whether the text ends here, or continues with a space or with
    /// `key=`.
    fn starts_pair_or_ends(&self, at: usize) -> bool {
        let Some(byte) = self.byte(at) else {
            return true;
        };
        if is_space(byte) || is_quote(byte) || matches!(byte, b'}' | b']' | b')' | b'\\') {
            return true;
        }
        let end = run_end(self.text, at, is_key_byte);
        end > at && matches!(self.byte(end), Some(b'=' | b':'))
    }

    /// Returns the credentials of `authorization: <scheme> <credentials>`, or
    /// the whole value without a scheme.
    fn authorization(&self, separator: Separator, at: usize) -> Option<Range<usize>> {
        let word = run_end(self.text, at, |byte| byte.is_ascii_alphabetic());
        let word = &self.text[at..word];
        let is_scheme = word.eq_ignore_ascii_case("token");
        if separator != Separator::Equals && words::is_prose(word) && !is_scheme {
            return None;
        }
        let quoted = self.quoted(self.inside_wrappers(at));
        let list = (self.byte(at) == Some(b'['))
            .then(|| self.quoted(at + 1))
            .flatten();
        let (from, end) = match quoted.or(list) {
            Some(quoted) => (quoted.start, quoted.end),
            None => (
                at,
                run_end(self.text, at, |byte| byte != b'\n' && byte != b'\r'),
            ),
        };
        let is_quoted = from != at;
        let scheme_end = run_end(self.text, from, is_key_byte).min(end);
        let spaces = run_end(self.text, scheme_end, |byte| byte == b' ').min(end);
        if spaces == scheme_end || spaces == end {
            let end = if is_quoted { end } else { self.bare_end(from) };
            let value = &self.text[from..end];
            return (!words::is_placeholder(value)).then_some(from..end);
        }
        // The first word may be the secret itself if the scheme is unknown.
        let is_known = words::is_scheme(&self.text[from..scheme_end]);
        let secret = if is_known { spaces } else { from };
        if is_quoted {
            return Some(secret..end);
        }
        let word_end = run_end(self.text, spaces, |byte| !is_space(byte)).min(end);
        let word = &self.text[spaces..word_end];
        if words::is_prose(word) {
            return None;
        }
        // Several parameters, as in `Digest` and `AWS4-HMAC-SHA256`.
        let has_parameters = word.ends_with(',') || word.contains("=\"");
        let end = if has_parameters {
            end
        } else {
            self.bare_end(spaces)
        };
        Some(secret..end)
    }

    /// Finds the values of `name=value; name=value`.
    fn cookies(&self, at: usize, max_count: usize, found: &mut Vec<Range<usize>>) {
        let at = self.inside_wrappers(at);
        let opening = |byte| is_quote(byte) || matches!(byte, b'\\' | b'[');
        let mut at = run_end(self.text, at, opening);
        for _ in 0..max_count {
            let name = run_end(self.text, at, |byte| byte == b' ');
            let end = run_end(self.text, name, |byte| {
                byte.is_ascii_graphic() && !b"=;:,\"\\".contains(&byte)
            });
            if end == name || self.byte(end) != Some(b'=') {
                // A cookie without a name.
                let word = &self.text[name..end];
                let is_generated = word.len() >= 2 * MIN_GENERATED_LEN - 2
                    && has(word, u8::is_ascii_digit)
                    && self.is_delimiter(end);
                if is_generated {
                    found.push(name..end);
                }
                return;
            }
            let value = end + 1;
            at = run_end(self.text, value, |byte| {
                !is_space(byte) && !b";\"\\,".contains(&byte)
            });
            if !words::is_placeholder(&self.text[value..at]) {
                found.push(value..at);
            }
            if self.byte(at) != Some(b';') {
                return;
            }
            at += 1;
        }
    }

    /// Finds the word after `Bearer` and the like.
    fn scheme(&self, found: &mut Vec<Range<usize>>, is_secret: impl Fn(&str) -> bool) {
        let at = run_end(self.text, self.end, |byte| byte == b' ');
        if at == self.end {
            return;
        }
        let end = self.bare_end(at);
        let word = &self.text[at..end];
        if is_secret(word) && !word.contains("=\"") && !words::is_placeholder(word) {
            found.push(at..end);
        }
    }

    /// Finds the arguments of `AUTH app hunter2`, as servers and tracers print
    /// commands of Redis, and of `LOGIN app hunter2`, except those that name
    /// the user.
    fn command(&self, names: usize, found: &mut Vec<Range<usize>>) {
        let mut at = self.end;
        let closing = run_end(self.text, at, |byte| is_quote(byte) || byte == b'\\');
        at = closing;
        for argument in 0..2 {
            at = run_end(self.text, at, |byte| is_space(byte) || byte == b',');
            let is_name = argument < names;
            if let Some(quoted) = self.quoted(at) {
                at = run_end(self.text, quoted.end, |byte| byte == b'\\') + 1;
                if !is_name {
                    found.push(quoted);
                }
            } else {
                let end = self.bare_end(at);
                let word = &self.text[at..end];
                if !is_name && looks_random(word) && !word.starts_with('<') {
                    found.push(at..end);
                }
                at = end;
            }
            at = at.min(self.text.len());
        }
    }

    fn is_option(&self, letter: &str) -> bool {
        let word = &self.text[self.start..self.end];
        word.strip_prefix('-')
            .is_some_and(|word| word.trim_start_matches('-') == letter)
    }

    /// `-u user:password`
    fn option_user(&self, found: &mut Vec<Range<usize>>) {
        let at = self.skip_spaces(self.end);
        let at = run_end(self.text, at, is_quote);
        let end = self.bare_end(at);
        if let Some(colon) = self.text[at..end].find(':') {
            found.push(at + colon + 1..end);
        }
    }

    /// `mysql -phunter2`
    fn attached_option(&self, name: &str, found: &mut Vec<Range<usize>>) {
        let is_long = self.text[self.start..].starts_with("--");
        let is_other = name.starts_with("port") || name.starts_with("protocol");
        if self.programs.mysql && !is_long && !is_other {
            found.push(self.start + 2..self.bare_end(self.start + 2));
        }
    }

    fn next_word(&self, found: &mut Vec<Range<usize>>) {
        let at = self.skip_spaces(self.end);
        let value = self.quoted(at).unwrap_or_else(|| at..self.bare_end(at));
        found.push(value);
    }

    /// `IDENTIFIED BY '…'` in SQL.
    fn identified_by(&self, found: &mut Vec<Range<usize>>) {
        const WORD: &str = "identified";
        let end = run_start(self.text, self.start, is_space);
        let Some(word) = end
            .checked_sub(WORD.len())
            .and_then(|at| self.text.get(at..end))
        else {
            return;
        };
        if word.eq_ignore_ascii_case(WORD) {
            self.next_word(found);
        }
    }
}

/// Returns whether the word is an algorithm such as `sha256`, which can follow
/// `password` and `token`.
fn is_algorithm(word: &str) -> bool {
    [
        "sha", "md5", "hmac", "aes", "bcrypt", "argon2", "pbkdf2", "scram", "utf",
    ]
    .iter()
    .any(|name| {
        word.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    })
}
