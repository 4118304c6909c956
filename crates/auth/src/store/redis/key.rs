//! The text of a key in a shared store.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::credential::opaque::sha256;
use crate::store::{Key, Kind};

/// A name up to this length stands in its key as it is.
const LONGEST_NAME: usize = 64;

/// `{prefix}:{kind}:{{id}}`.
pub(super) fn text(prefix: &str, key: Key<'_>) -> String {
    let kind = key.kind.name();
    let mut text = String::with_capacity(prefix.len() + kind.len() + 48);
    text.push_str(prefix);
    text.push(':');
    text.push_str(kind);
    text.push_str(":{");
    match key.kind {
        Kind::Live | Kind::Deny | Kind::Family => URL_SAFE_NO_PAD.encode_string(key.id, &mut text),
        Kind::Epoch | Kind::User | Kind::Index | Kind::Status => push_name(&mut text, key.id),
    }
    text.push('}');
    text
}

/// A name that fits is kept readable; any other is replaced by its digest, marked by a character no name begins with.
fn push_name(text: &mut String, name: &[u8]) {
    match std::str::from_utf8(name) {
        Ok(plain) if plain.len() <= LONGEST_NAME && !plain.starts_with('#') => text.push_str(plain),
        _ => {
            text.push('#');
            URL_SAFE_NO_PAD.encode_string(sha256(name), text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::text;
    use crate::store::{Key, Kind};

    #[test]
    fn the_id_is_the_hash_tag() {
        assert_eq!(text("run", Key { kind: Kind::Deny, id: &[0xff, 0] }), "run:deny:{_wA}");
        assert_eq!(text("run", Key { kind: Kind::User, id: b"u00000001" }), "run:user:{u00000001}");
    }

    #[test]
    fn long_and_odd_names_are_digested() {
        let long = text("run", Key { kind: Kind::User, id: &[b'a'; 65] });
        let odd = text("run", Key { kind: Kind::User, id: b"#x" });
        assert_eq!(long.len(), "run:user:{#}".len() + 43);
        assert_eq!(odd.len(), long.len());
        assert_ne!(long, odd);
    }
}
