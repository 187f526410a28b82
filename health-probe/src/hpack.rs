//! The header fields of an HTTP/2 response (RFC 7541), for a client without a dynamic
//! table.

/// The bits of the code of each symbol. The code is canonical: symbols of one
/// length follow each other, so the lengths are the whole table of appendix B.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, //
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, //
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, //
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, //
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, //
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, //
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, //
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, //
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, //
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, //
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, //
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, //
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, //
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, //
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, //
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, //
    30,
];
/// The maximum length of a code.
const LONGEST_CODE: u8 = 30;
/// The entries of the static table for `:status`.
const STATUS: [&str; 7] = ["200", "204", "206", "304", "400", "404", "500"];
const FIRST_STATUS: usize = 8;
const STATIC_ENTRIES: usize = 61;

/// The name and the value of a field. The name is empty for entries of the static
/// table that are not needed.
pub(crate) type Field = (String, String);

/// Appends a literal field without indexing and without Huffman codes.
pub(crate) fn encode(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0);
    for text in [name, value] {
        encode_length(block, text.len());
        block.extend_from_slice(text.as_bytes());
    }
}

fn encode_length(block: &mut Vec<u8>, length: usize) {
    const PREFIX: usize = 0x7f;
    block.push(low_bits(length.min(PREFIX)));
    if let Some(rest) = length.checked_sub(PREFIX) {
        push_groups(block, rest);
    }
}

/// Appends an integer in groups of seven bits, the lowest first, as HPACK and
/// protobuf do.
pub(crate) fn push_groups(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(0x80 | low_bits(value));
        value >>= 7;
    }
    out.push(low_bits(value));
}

/// The lowest seven bits.
fn low_bits(value: usize) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or(0x7f)
}

/// Returns the fields of a header block, or `None` if it is malformed or refers to
/// the dynamic table, which the client has disabled.
pub(crate) fn decode(block: &[u8]) -> Option<Vec<Field>> {
    let mut input = block.iter().copied();
    let mut fields = Vec::new();
    while let Some(first) = input.next() {
        match first {
            0x80.. => fields.push(indexed(integer(first, 7, &mut input)?)?),
            0x40..=0x7f => fields.push(literal(integer(first, 6, &mut input)?, &mut input)?),
            // A size update of the dynamic table.
            0x20..=0x3f => drop(integer(first, 5, &mut input)?),
            0x00..=0x1f => fields.push(literal(integer(first, 4, &mut input)?, &mut input)?),
        }
    }
    Some(fields)
}

fn indexed(index: usize) -> Option<Field> {
    let status = index
        .checked_sub(FIRST_STATUS)
        .and_then(|at| STATUS.get(at));
    match status {
        Some(status) => Some((":status".into(), (*status).into())),
        None => name(index).map(|name| (name, String::new())),
    }
}

fn literal(index: usize, input: &mut impl Iterator<Item = u8>) -> Option<Field> {
    let name = match index {
        0 => string(input)?,
        index => name(index)?,
    };
    Some((name, string(input)?))
}

fn name(index: usize) -> Option<String> {
    let is_status = (FIRST_STATUS..FIRST_STATUS + STATUS.len()).contains(&index);
    let is_static = (1..=STATIC_ENTRIES).contains(&index);
    is_static.then(|| {
        if is_status {
            ":status".into()
        } else {
            String::new()
        }
    })
}

/// Decodes an integer whose first bits are in a byte that was already read.
fn integer(first: u8, bits: u32, input: &mut impl Iterator<Item = u8>) -> Option<usize> {
    let most = (1 << bits) - 1;
    let mut value = usize::from(first) & most;
    if value < most {
        return Some(value);
    }
    for shift in [0, 7, 14] {
        let byte = input.next()?;
        value += usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn string(input: &mut impl Iterator<Item = u8>) -> Option<String> {
    let first = input.next()?;
    let length = integer(first, 7, input)?;
    let bytes: Vec<u8> = input.take(length).collect();
    if bytes.len() < length {
        return None;
    }
    let is_huffman = first & 0x80 != 0;
    let bytes = if is_huffman { huffman(&bytes)? } else { bytes };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Decodes the Huffman code.
fn huffman(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let (mut code, mut length) = (0_u32, 0_u8);
    for byte in bytes {
        for bit in (0..8).rev() {
            code = code << 1 | u32::from(byte >> bit & 1);
            length += 1;
            if let Some(symbol) = symbol(code, length) {
                // The last symbol ends a string and is never sent.
                decoded.push(u8::try_from(symbol).ok()?);
                (code, length) = (0, 0);
            } else if length == LONGEST_CODE {
                return None;
            }
        }
    }
    // The rest is padding: less than a byte, all ones.
    let is_padding = length < 8 && code == (1 << length) - 1;
    is_padding.then_some(decoded)
}

/// Returns the symbol of this code, if there is one.
fn symbol(code: u32, length: u8) -> Option<usize> {
    let of_length = |wanted: u8| -> usize {
        let is_wanted = LENGTHS.iter().map(|&it| usize::from(it == wanted));
        is_wanted.sum()
    };
    // The first code of each length follows the last of the length before.
    let first = (1..length).fold(0, |first, shorter| (first + of_length(shorter)) << 1);
    let at = usize::try_from(code).ok()?.checked_sub(first)?;
    let symbols = LENGTHS.iter().enumerate().filter(|&(_, &it)| it == length);
    symbols.map(|(symbol, _)| symbol).nth(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
        let pairs = digits.chunks(2);
        pairs
            .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("a byte"))
            .collect()
    }

    /// The examples of RFC 7541, C.4 and C.6.
    #[test]
    fn huffman_codes_match_the_standard() {
        for (hex, text) in [
            ("f1e3 c2e5 f23a 6ba0 ab90 f4ff", "www.example.com"),
            ("a8eb 1064 9cbf", "no-cache"),
            ("25a8 49e9 5ba9 7d7f", "custom-key"),
            ("25a8 49e9 5bb8 e8b4 bf", "custom-value"),
            ("6402", "302"),
            (
                "d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff",
                "Mon, 21 Oct 2013 20:13:21 GMT",
            ),
            (
                "94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
                "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            ),
        ] {
            let decoded = huffman(&bytes(hex)).expect(text);
            assert_eq!(String::from_utf8_lossy(&decoded), text);
        }
    }

    #[test]
    fn invalid_huffman_padding_is_refused() {
        for hex in ["ff", "6402 ff", "00", "ffff ffff"] {
            assert_eq!(huffman(&bytes(hex)), None, "{hex}");
        }
    }

    #[test]
    fn encoded_fields_are_decoded() {
        for length in [0, 1, 126, 127, 128, 255, 300, 5_000] {
            let value = "x".repeat(length);
            let mut block = Vec::new();
            encode(&mut block, "te", &value);
            assert_eq!(decode(&block), Some(vec![("te".to_owned(), value)]));
        }
    }

    #[test]
    fn static_and_literal_fields_are_decoded() {
        let block = bytes("20 88 0f 10 02 6162 40 0b 677270632d737461747573 01 30");
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = [
            field(":status", "200"),
            field("", "ab"),
            field("grpc-status", "0"),
        ];
        assert_eq!(decode(&block).as_deref(), Some(&expected[..]));
        assert_eq!(
            decode(&bytes("48 03 343039")),
            Some(vec![field(":status", "409")])
        );
    }

    #[test]
    fn truncated_and_dynamic_fields_are_refused() {
        for hex in [
            "be",
            "7f",
            "00 05 61",
            "00",
            "ff ff ff ff ff",
            "80",
            "7e 01 30",
        ] {
            assert_eq!(decode(&bytes(hex)), None, "{hex}");
        }
    }
}
