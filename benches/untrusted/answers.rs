//! Answers of a server that is hostile or broken, read by the generator in one piece and in several.

use loadgen::{ReadEnd, read_answer, read_whole_answer};

use super::Entry;

/// Places at the start of an input where the answer behind them is cut into pieces.
const CUTS: usize = 4;

const SEEDS: &[&str] = &[
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n{\"subject\":\"u1\"}\n",
    "HTTP/1.1 204 No Content\r\nset-cookie: __Host-session=abc; Path=/; Secure; HttpOnly; SameSite=Lax\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 86\r\n\r\n\
     {\"access_token\":\"a.b.c\",\"token_type\":\"Bearer\",\"expires_in\":60,\"refresh_token\":\"opaque\"}\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.0 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\r\nuntil the connection closes",
];

pub(super) fn entry() -> Result<Entry, Box<dyn std::error::Error>> {
    let seeds = SEEDS.iter().map(|answer| [&[7, 20, 40, 60][..], answer.as_bytes()].concat()).collect();
    Ok(Entry { name: "answers", seeds, run: Box::new(read) })
}

fn read(input: &[u8]) -> Result<(), String> {
    let Some((cuts, bytes)) = input.split_at_checked(CUTS) else { return Ok(()) };
    let cuts: Vec<usize> = cuts.iter().map(|cut| usize::from(*cut)).collect();
    let (whole, pieces) = (read_answer(bytes, &[]), read_answer(bytes, &cuts));
    if whole.consumed > bytes.len() {
        return Err(format!("{} of {} bytes were read", whole.consumed, bytes.len()));
    }
    // A piece may end before a fault is seen; what is complete is complete in any split.
    let complete = [&whole, &pieces].map(|answer| answer.end == ReadEnd::Complete);
    if complete[0] != complete[1] || (complete[0] && whole != pieces) {
        return Err(format!("in one piece {whole:?}, in several {pieces:?}"));
    }
    match read_whole_answer(bytes) {
        Some(quick) if quick != whole => Err(format!("read at once {quick:?}, decoded {whole:?}")),
        _ => Ok(()),
    }
}
