//! Credential bytes of very many subjects in a few large chunks: 4 bytes of address each, no allocation per credential.

use std::collections::BTreeMap;

/// Bytes per unit of address and size.
const UNIT: usize = 8;
/// Units per chunk (1 MiB).
const CHUNK_UNITS: u32 = 1 << 17;
/// Lengths of header line and refresh token, two bytes each, stand before them.
const PREFIX: usize = 4;
/// Longest header line or refresh token, bytes.
pub(super) const LONGEST: usize = 16 * 1024;

/// Where a credential lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Block {
    /// First unit.
    pub(super) at: u32,
    /// Size in units; 0 = no block.
    pub(super) units: u16,
}

/// Chunks of credential bytes, with free blocks by size.
#[derive(Debug, Default)]
pub(super) struct Arena {
    chunks: Vec<Box<[u8]>>,
    /// Units used of the last chunk.
    used: u32,
    free: BTreeMap<u16, Vec<u32>>,
}

impl Arena {
    /// Stores a credential in `block` where it fits, in another block otherwise.
    pub(super) fn store(&mut self, block: &mut Block, header: &[u8], refresh: &[u8]) {
        let units = (PREFIX + header.len() + refresh.len()).div_ceil(UNIT) as u16;
        if units > block.units {
            self.release(*block);
            *block = self.allocate(units);
        }
        let bytes = self.bytes_mut(*block);
        bytes[..2].copy_from_slice(&(header.len() as u16).to_le_bytes());
        bytes[2..PREFIX].copy_from_slice(&(refresh.len() as u16).to_le_bytes());
        bytes[PREFIX..PREFIX + header.len()].copy_from_slice(header);
        bytes[PREFIX + header.len()..][..refresh.len()].copy_from_slice(refresh);
    }

    /// The header line of a block; empty without one.
    #[inline]
    pub(super) fn header(&self, block: Block) -> &[u8] {
        self.parts(block).0
    }

    /// The refresh token of a block; empty without one.
    pub(super) fn refresh(&self, block: Block) -> &[u8] {
        self.parts(block).1
    }

    /// Gives a block back.
    pub(super) fn release(&mut self, block: Block) {
        if block.units > 0 {
            self.free.entry(block.units).or_default().push(block.at);
        }
    }

    fn parts(&self, block: Block) -> (&[u8], &[u8]) {
        if block.units == 0 {
            return (&[], &[]);
        }
        let (chunk, start) = Self::place(block);
        let bytes = &self.chunks[chunk][start..start + usize::from(block.units) * UNIT];
        let header = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        let refresh = usize::from(u16::from_le_bytes([bytes[2], bytes[3]]));
        let (header, rest) = bytes[PREFIX..].split_at(header);
        (header, &rest[..refresh])
    }

    fn bytes_mut(&mut self, block: Block) -> &mut [u8] {
        let (chunk, start) = Self::place(block);
        &mut self.chunks[chunk][start..start + usize::from(block.units) * UNIT]
    }

    fn place(block: Block) -> (usize, usize) {
        ((block.at / CHUNK_UNITS) as usize, (block.at % CHUNK_UNITS) as usize * UNIT)
    }

    fn allocate(&mut self, units: u16) -> Block {
        // The smallest free block that fits, if it wastes no more than an eighth.
        let fitting = self.free.range_mut(units..=units + units / 8).find(|(_, free)| !free.is_empty());
        if let Some((&units, free)) = fitting
            && let Some(at) = free.pop()
        {
            return Block { at, units };
        }
        if self.chunks.is_empty() || self.used + u32::from(units) > CHUNK_UNITS {
            self.chunks.push(vec![0; CHUNK_UNITS as usize * UNIT].into_boxed_slice());
            self.used = 0;
        }
        let at = (self.chunks.len() as u32 - 1) * CHUNK_UNITS + self.used;
        self.used += u32::from(units);
        Block { at, units }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_keep_their_bytes_and_are_used_again() {
        let mut arena = Arena::default();
        let mut blocks = vec![Block::default(); 1000];
        for (index, block) in blocks.iter_mut().enumerate() {
            arena.store(block, format!("Cookie: s={index:0>700}").as_bytes(), format!("r{index}").as_bytes());
        }
        for (index, block) in blocks.iter().enumerate() {
            assert_eq!(arena.header(*block), format!("Cookie: s={index:0>700}").as_bytes());
            assert_eq!(arena.refresh(*block), format!("r{index}").as_bytes());
        }
        let chunks = arena.chunks.len();
        for round in 0..5 {
            for block in &mut blocks {
                arena.release(std::mem::take(block));
                arena.store(block, &vec![b'x'; 700 + round], b"");
            }
        }
        assert!(arena.chunks.len() <= chunks + 1, "{} chunks", arena.chunks.len());
    }
}
