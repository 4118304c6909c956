//! HTTP/1.1 responses, read in place: heads by `httparse`, bodies by their framing (RFC 9112 §6.3).

pub(crate) mod decoder;
pub(crate) mod head;
pub(crate) mod outside;
#[cfg(test)]
mod tests;

pub(crate) use decoder::{Decoder, Fault, Progress};
pub(crate) use head::{Framing, Head, HeadMemo, Limits};
