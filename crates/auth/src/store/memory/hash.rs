//! The hash function of the memory store: XXH3 with a secret seed, eight bytes of state.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A seed drawn once per store, so that names cannot be chosen to collide.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seed(u64);

impl Seed {
    pub(crate) fn random() -> Self {
        // The standard library's way to 64 random bits without an error to handle.
        Self(RandomState::new().build_hasher().finish())
    }
}

impl BuildHasher for Seed {
    type Hasher = Chained;

    fn build_hasher(&self) -> Chained {
        Chained(self.0)
    }
}

/// Each write is hashed under what came before it.
#[derive(Debug)]
pub(crate) struct Chained(u64);

impl Hasher for Chained {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    fn write_usize(&mut self, number: usize) {
        // The length before a slice: mixed in cheaply, the bytes that follow are hashed under it.
        self.0 = self.0.rotate_left(7) ^ number as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
