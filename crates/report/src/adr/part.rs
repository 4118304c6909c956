//! The parts of a decision record that the tool wrote, and the marks around them.
//!
//! ```text
//! <!-- authbench:evidence part=options plan=sha256:… data=sha256:… recording=… prices=… prices-sha256=… begin -->
//! …
//! <!-- authbench:evidence part=options end -->
//! ```

use std::fmt::Write as _;

const OPEN: &str = "<!-- authbench:evidence ";

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}\n  help: {hint}")]
pub struct AdrError {
    /// Line, from 1; the last one where something is missing.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

/// What the mark at the beginning of a part says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Which part: `drivers` or `options`.
    pub name: String,
    /// SHA-256 (hex) of the plan.
    pub plan: String,
    /// SHA-256 (hex) of the recording.
    pub data: String,
    /// Where the recording lies, relative to the record.
    pub recording: String,
    /// The price sheet: a file or a built-in name.
    pub prices: String,
    /// SHA-256 (hex) of what the price sheet says.
    pub prices_sha256: String,
}

/// One part, as it stands in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its mark.
    pub mark: Mark,
    /// Line of the mark, from 1.
    pub line: usize,
    /// The lines between the marks.
    pub lines: Vec<String>,
}

/// Names of the parts of a record.
pub(super) const PARTS: [&str; 2] = ["drivers", "options"];

impl Mark {
    pub(super) fn begin(&self) -> String {
        format!(
            "{OPEN}part={} plan=sha256:{} data=sha256:{} recording={} prices={} prices-sha256={} begin -->",
            self.name,
            self.plan,
            self.data,
            encoded(&self.recording),
            encoded(&self.prices),
            self.prices_sha256
        )
    }

    pub(super) fn end(&self) -> String {
        format!("{OPEN}part={} end -->", self.name)
    }

    fn read(words: &[&str]) -> Result<Self, String> {
        let of = |key: &str| {
            let found = words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
            found.ok_or_else(|| format!("the mark has no `{key}=`"))
        };
        let hash = |key: &str, text: &str| {
            let hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            if hex { Ok(text.to_owned()) } else { Err(format!("`{key}=` is no SHA-256")) }
        };
        let sha256 = |key: &str| {
            let text = of(key)?.strip_prefix("sha256:");
            hash(key, text.ok_or_else(|| format!("`{key}=` does not begin with sha256:"))?)
        };
        let text = |key: &str| decoded(of(key)?).ok_or_else(|| format!("`{key}=` cannot be read"));
        let name = of("part")?.to_owned();
        if !PARTS.contains(&name.as_str()) {
            return Err(format!("there is no part `{name}`: {}", PARTS.join(", ")));
        }
        Ok(Self {
            name,
            plan: sha256("plan")?,
            data: sha256("data")?,
            recording: text("recording")?,
            prices: text("prices")?,
            prices_sha256: hash("prices-sha256", of("prices-sha256")?)?,
        })
    }
}

/// Every part of a record.
///
/// # Errors
///
/// [`AdrError`] when there is none, one is not closed, or a mark cannot be read.
pub fn parse(text: &str) -> Result<Vec<Part>, AdrError> {
    let fail =
        |line: usize, message: String, hint: &str| Err(AdrError { line, message, hint: hint.to_owned() });
    let mut parts: Vec<Part> = Vec::new();
    let mut open: Option<Part> = None;
    let mut last = 0;
    for (at, line) in text.lines().enumerate() {
        last = at + 1;
        let mark = line.trim().strip_prefix(OPEN).and_then(|rest| rest.strip_suffix("-->"));
        let words: Vec<&str> = mark.map(|mark| mark.split_whitespace().collect()).unwrap_or_default();
        match (words.last().copied(), &mut open) {
            (Some("begin"), None) => match Mark::read(&words) {
                Ok(mark) => open = Some(Part { mark, line: last, lines: Vec::new() }),
                Err(message) => return fail(last, message, "write the record anew: authbench adr new"),
            },
            (Some("begin"), Some(_)) => {
                return fail(last, "a part begins inside another".into(), "put its end mark back");
            }
            (Some("end"), Some(part)) => {
                if !words.contains(&format!("part={}", part.mark.name).as_str()) {
                    let message = format!("part `{}` ends with the mark of another", part.mark.name);
                    return fail(last, message, "put its end mark back");
                }
                parts.extend(open.take());
            }
            (Some("end"), None) => {
                return fail(last, "a part ends that did not begin".into(), "put its begin mark back");
            }
            (Some(other), _) => {
                let message = format!("the mark ends with `{other}`, not with begin or end");
                return fail(last, message, "write the record anew: authbench adr new");
            }
            (None, Some(part)) => part.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    if let Some(part) = open {
        return fail(part.line, format!("part `{}` has no end", part.mark.name), "put its end mark back");
    }
    if parts.is_empty() {
        let message = "the file holds no evidence of authbench".to_owned();
        return fail(last.max(1), message, "authbench adr new RECORDING --out FILE writes such a file");
    }
    Ok(parts)
}

/// Bytes that cannot end a comment or separate words stay, the others are percent-encoded.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"._/-+@~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            u8::try_from(digit(rest.next()?)? * 16 + digit(rest.next()?)?).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mark(recording: &str) -> Mark {
        Mark {
            name: "options".into(),
            plan: "a".repeat(64),
            data: "b".repeat(64),
            recording: recording.into(),
            prices: "cloud-2026-06".into(),
            prices_sha256: "c".repeat(64),
        }
    }

    fn refused(text: &str) -> AdrError {
        parse(text).unwrap_err()
    }

    #[test]
    fn what_is_broken_is_named_with_its_line() {
        let whole = mark("x");
        let (begin, end) = (whole.begin(), whole.end());
        assert_eq!(refused("").message, "the file holds no evidence of authbench");
        assert_eq!(refused(&format!("# T\n{begin}\nx\n")).line, 2);
        assert!(refused(&format!("{begin}\n{begin}\n")).message.contains("inside another"));
        assert!(refused(&format!("{end}\n")).message.contains("did not begin"));
        assert!(refused(&begin.replace("bbbb", "b")).message.contains("`data=` is no SHA-256"));
        assert!(refused(&begin.replace("data=", "dat=")).message.contains("no `data=`"));
        assert!(refused(&begin.replace("part=options", "part=secrets")).message.contains("secrets"));
        assert!(
            refused(&format!("{begin}\n{}\n", end.replace("options", "drivers"))).message.contains("another")
        );
        assert!(refused(&begin.replace(" begin ", " ")).message.contains("begin or end"));
    }

    proptest! {
        #[test]
        fn marks_survive_any_path(path in "\\PC{1,40}", lines in prop::collection::vec("[a-z0-9 .]{0,20}", 0..5)) {
            let mark = mark(&path);
            let text = format!("before\n{}\n{}{}\nafter\n", mark.begin(), lines.iter().map(|l| format!("{l}\n")).collect::<String>(), mark.end());
            let parts = parse(&text).unwrap();
            prop_assert_eq!(parts.len(), 1);
            prop_assert_eq!(&parts[0].mark, &mark);
            prop_assert_eq!(&parts[0].lines, &lines);
            prop_assert_eq!(parts[0].line, 2);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,200}", cut in 0_usize..200) {
            let _ = parse(&text);
            let begin: String = mark("x").begin().chars().take(cut).collect();
            let _ = parse(&format!("{begin}{text} begin -->"));
        }
    }
}
