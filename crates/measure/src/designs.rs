//! The designs that a plan names, and those that cannot be started here.

use scenario::BackendFile;
use scenario::backend::Need;
use scenario::builtin::Shelf;

use crate::error::Error;
use crate::event::Skipped;

/// Why a design cannot be started, and what to do about it.
pub(crate) type Unfit = (&'static str, String);

/// Reads the files of these names. Those that `unfit` has a reason against, told what they need, are left out.
pub(crate) fn designs(
    names: &[String],
    unfit: impl Fn(&[Need]) -> Option<Unfit>,
) -> Result<(Vec<BackendFile>, Vec<Skipped>), Error> {
    let (mut files, mut skipped) = (Vec::new(), Vec::new());
    for name in names {
        let found = Shelf::Backends.resolve(name)?;
        let file = BackendFile::parse(&found.path, &found.text)?;
        match unfit(&file.header.needs) {
            Some((reason, hint)) => {
                skipped.push(Skipped { row: file.header.name, reason: reason.to_owned(), hint });
            }
            None => files.push(file),
        }
    }
    Ok((files, skipped))
}

/// That nothing is left of a plan, as what stands against the first of its designs says.
pub(crate) fn nothing_left(skipped: &[Skipped]) -> Error {
    let hint = skipped.first().map_or_else(String::new, |skipped| skipped.hint.clone());
    Error::NothingToMeasure { hint }
}
