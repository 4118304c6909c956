//! Texts with names in braces, so that a published case can speak of credentials that only exist when it is sent.
//!
//! `{id}` stands for a value; `{id|drop 1|append A}` changes it first. The operations are listed at [`apply`].

use aws_lc_rs::digest;

use crate::token;

/// Replaces every `{name|operation|…}` whose name is known. A name that is not known stays as it is.
#[must_use]
pub fn fill(text: &str, value_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let inner = rest[open + 1..].find('}').map(|close| &rest[open + 1..open + 1 + close]);
        match inner.and_then(|inner| Some((inner, filled(inner, value_of)?))) {
            Some((inner, value)) => {
                out.push_str(&value);
                rest = &rest[open + inner.len() + 2..];
            }
            None => {
                out.push('{');
                rest = &rest[open + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The names that a text uses.
#[must_use]
pub fn names(text: &str) -> Vec<String> {
    let found = std::cell::RefCell::new(Vec::new());
    let _ = fill(text, &|name| {
        found.borrow_mut().push(name.to_owned());
        None
    });
    found.into_inner()
}

fn filled(inner: &str, value_of: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut parts = inner.split('|');
    let value = value_of(parts.next()?)?;
    parts.try_fold(value, |value, operation| apply(&value, operation))
}

/// One operation on a value:
///
/// - `drop N`: without its last N characters · `skip N`: without its first N
/// - `append TEXT`, `prepend TEXT`
/// - `flip N`: character N of the base64url alphabet replaced by its neighbour
/// - `swapcase`, `upper`, `lower`, `reverse`
/// - `spare`: the unused bits of its last base64url character set
/// - `sha256`: base64url of the digest of its text · `sha256hex` · `hex`, `base64`: of its text
/// - `percent`: every byte percent-encoded · `parts N`: its first N parts between dots
fn apply(value: &str, operation: &str) -> Option<String> {
    let (name, argument) = operation.split_once(' ').unwrap_or((operation, ""));
    let number = || argument.parse::<usize>().ok();
    Some(match name {
        "drop" => value.chars().take(value.chars().count().saturating_sub(number()?)).collect(),
        "skip" => value.chars().skip(number()?).collect(),
        "append" => format!("{value}{argument}"),
        "prepend" => format!("{argument}{value}"),
        "flip" => {
            let at = number()?;
            value.chars().enumerate().map(|(index, c)| if index == at { neighbour(c) } else { c }).collect()
        }
        "swapcase" => value
            .chars()
            .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect(),
        "upper" => value.to_uppercase(),
        "lower" => value.to_lowercase(),
        "reverse" => value.chars().rev().collect(),
        "spare" => spare_bits(value)?,
        "sha256" => token::encode(digest::digest(&digest::SHA256, value.as_bytes())),
        "sha256hex" => hex(digest::digest(&digest::SHA256, value.as_bytes()).as_ref()),
        "hex" => hex(value.as_bytes()),
        "base64" => token::encode(value),
        "percent" => value.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        "parts" => value.split('.').take(number()?).collect::<Vec<_>>().join("."),
        _ => return None,
    })
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn neighbour(c: char) -> char {
    match ALPHABET.iter().position(|known| char::from(*known) == c) {
        Some(at) => char::from(ALPHABET[at ^ 1]),
        None => 'A',
    }
}

/// The same bits in another spelling (RFC 4648 §3.5): `None` where every bit of the last character counts.
#[must_use]
pub fn spare_bits(text: &str) -> Option<String> {
    let unused = match text.len() % 4 {
        2 => 0b1111,
        3 => 0b11,
        _ => return None,
    };
    let last = text.bytes().last()?;
    let at = ALPHABET.iter().position(|known| *known == last)?;
    let other = ALPHABET[(at | unused) ^ usize::from(at & unused == unused)];
    Some(format!("{}{}", &text[..text.len() - 1], char::from(other)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in_and_changed_on_the_way() {
        let value = |name: &str| (name == "id").then(|| "Abc-9".to_owned());
        let of = |text: &str| fill(text, &value);
        assert_eq!(of("x={id};y={id|drop 2|append !}"), "x=Abc-9;y=Abc!");
        assert_eq!(of("{id|skip 1} {id|prepend z} {id|reverse}"), "bc-9 zAbc-9 9-cbA");
        assert_eq!(of("{id|flip 0} {id|swapcase} {id|upper}{id|lower}"), "Bbc-9 aBC-9 ABC-9abc-9");
        assert_eq!(of("{id|percent}"), "%41%62%63%2D%39");
        assert_eq!(
            of(r#"{"json":{"a":1}} {unknown} {id|nonsense} {"#),
            r#"{"json":{"a":1}} {unknown} {id|nonsense} {"#
        );
        assert_eq!(names("{id} {other|drop 1}"), ["id", "other"]);
    }

    #[test]
    fn spare_bits_give_another_spelling_of_the_same_bytes() {
        for bytes in [&b"a"[..], b"ab", b"0123456789abcdef0123456789abcdef"] {
            let text = token::encode(bytes);
            let other = spare_bits(&text).unwrap();
            assert_ne!(text, other);
            assert_eq!(token::decode(&other), None);
        }
        assert_eq!(spare_bits(&token::encode(b"abc")), None);
    }
}
