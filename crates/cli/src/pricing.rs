//! The price sheet a command works with.

use report::prices::PriceSheet;
use scenario::builtin::Shelf;

use crate::error::Failure;

/// The shipped sheet that is used unless another is named.
pub(crate) const SHIPPED: &str = "cloud-2026-06";

/// Which prices.
#[derive(Debug, clap::Args)]
pub(crate) struct Pricing {
    /// Price sheet: a file, or a built-in name
    #[arg(long = "prices", value_name = "FILE", default_value = SHIPPED)]
    pub(crate) name: String,
}

/// Reads a price sheet.
pub(crate) fn sheet(name: &str) -> Result<PriceSheet, Failure> {
    let found = Shelf::Prices.resolve(name)?;
    Ok(PriceSheet::parse(&found.path, &found.text)?)
}
