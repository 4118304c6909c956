//! Scenarios, backends, plans, drills, claims and price sheets.

#![no_main]

use benches::untrusted::Entry;

thread_local! {
    static ENTRY: Entry = Entry::named("toml").unwrap_or_else(|error| panic!("{error}"));
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    ENTRY.with(|entry| entry.run(input)).unwrap_or_else(|what| panic!("{what}"));
});
