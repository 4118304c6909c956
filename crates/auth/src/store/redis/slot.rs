//! Which slot of a cluster a command's key lies in.

use redis::{Arg, Cmd};

/// Slots of a cluster.
pub(super) const SLOTS: usize = 16_384;

/// Polynomial 0x1021 over each byte: a key is hashed in one step per byte.
const TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

/// The slot of a command's key. All of ours have one key: a script's stands after its name and the number of keys, any
/// other's first.
pub(super) fn of(command: &Cmd) -> u16 {
    let at = |index| match command.args_iter().nth(index) {
        Some(Arg::Simple(text)) => text,
        _ => &[],
    };
    slot(if at(0).starts_with(b"EVAL") { at(3) } else { at(1) })
}

/// CRC-16/XMODEM of the key's hash tag, modulo the number of slots (Redis Cluster specification, "Key distribution model"):
/// the tag is what stands between the first `{` and the next `}` where that is not empty, else the whole key.
fn slot(key: &[u8]) -> u16 {
    let place = |bytes: &[u8], wanted| bytes.iter().position(|&byte| byte == wanted);
    let tag = place(key, b'{').and_then(|open| {
        let rest = &key[open + 1..];
        place(rest, b'}').filter(|&length| length > 0).map(|length| &rest[..length])
    });
    crc16(tag.unwrap_or(key)) % SLOTS as u16
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| (crc << 8) ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::{crc16, of, slot};

    #[test]
    fn slots_are_those_of_the_specification() {
        // Its check value, and its own examples: keys with one tag lie together.
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot(b"123456789"), 12_739);
        assert_eq!(slot(b"foo"), 12_182);
        assert_eq!(slot(b"{user1000}.following"), slot(b"{user1000}.followers"));
        assert_eq!(slot(b"foo{}{bar}"), crc16(b"foo{}{bar}") % 16_384);
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
        assert_eq!(slot(b"foo{bar}{zap}"), slot(b"bar"));
        assert_eq!(slot(b""), 0);
        assert_eq!(slot(b"a{b"), crc16(b"a{b") % 16_384);
    }

    #[test]
    fn a_command_lies_where_its_key_does() {
        assert_eq!(of(redis::cmd("GET").arg("foo")), 12_182);
        assert_eq!(of(redis::cmd("EVALSHA").arg("0123").arg(1).arg("foo").arg("bar")), 12_182);
        assert_eq!(of(redis::cmd("EVAL").arg("return 1").arg(1).arg("x:{foo}")), 12_182);
        assert_eq!(of(&redis::cmd("PING")), 0);
    }
}
