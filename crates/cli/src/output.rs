//! Results on stdout: a reader that has gone away is not an error, and everything else is.

use std::io::{self, BufWriter, Write};

use report::exporter::terminal::wrap;
use terminal_size::{Width, terminal_size_of};

use crate::error::Failure;

/// Columns where stdout is no terminal.
const COLUMNS: usize = 80;

/// Columns of stdout.
pub(crate) fn width() -> usize {
    terminal_size_of(io::stdout()).map_or(COLUMNS, |(Width(columns), _)| columns.into())
}

/// Where results go. After a broken pipe (`authbench … | head`) the rest is discarded, and the exit code still tells the
/// truth about the command. Colours are left out when stdout is no terminal or `NO_COLOR` is set.
pub(crate) struct Output {
    sink: BufWriter<Box<dyn Write>>,
    reader_gone: bool,
}

impl Output {
    /// Standard output.
    pub(crate) fn to_stdout() -> Self {
        Self { sink: BufWriter::new(Box::new(anstream::stdout())), reader_gone: false }
    }

    /// Writes text as it is.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.write(text.as_bytes())
    }

    /// Writes one line.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), Failure> {
        self.text(line)?;
        self.text("\n")
    }

    /// Writes a paragraph that begins with `mark`, broken at the width of the terminal (80 columns without one) and
    /// indented by as much as the mark is long.
    pub(crate) fn paragraph(&mut self, mark: &str, text: &str) -> Result<(), Failure> {
        let width = width().clamp(40, 120);
        let indent = mark.chars().count();
        for (i, line) in wrap(text, width.saturating_sub(indent)).iter().enumerate() {
            let start = if i == 0 { mark.to_owned() } else { " ".repeat(indent) };
            self.line(&format!("{start}{line}"))?;
        }
        Ok(())
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.reader_gone {
            return Ok(());
        }
        let written = self.sink.write_all(bytes);
        self.forgive(written)
    }

    /// Lets something that writes by itself write here. It is stopped where the reader has gone away.
    pub(crate) fn stream(
        &mut self,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        if self.reader_gone {
            return Ok(());
        }
        let filled = fill(&mut self.sink);
        self.forgive(filled)
    }

    /// Writes a value as one line of JSON and hands it on at once, for a program that waits for it.
    pub(crate) fn json_line<T: serde::Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string(value)
            .map_err(|source| Failure::tool("the result could not be written as JSON").because(&source))?;
        self.line(&text)?;
        self.flush()
    }

    /// Writes a value as indented JSON, for programs.
    pub(crate) fn json<T: serde::Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|source| Failure::tool("the result could not be written as JSON").because(&source))?;
        self.line(&text)
    }

    /// Hands on what is buffered.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        if self.reader_gone {
            return Ok(());
        }
        let flushed = self.sink.flush();
        self.forgive(flushed)
    }

    /// Flushes at the end.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.flush()
    }

    fn forgive(&mut self, result: io::Result<()>) -> Result<(), Failure> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.reader_gone = true;
                Ok(())
            }
            Err(error) => Err(Failure::tool("stdout could not be written").because(&error)),
            Ok(()) => Ok(()),
        }
    }
}
