//! `watchgate detect`: scores rows of time and value as they come.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;

use anyhow::{Context, anyhow, bail, ensure};
use clap::Args;
use csv::{ByteRecord, ReaderBuilder, Writer};
use diagnosis::Millis;
use diagnosis::csv::{parse_timestamp, parse_value};
use diagnosis::detector::Detector;

pub(super) const AFTER_HELP: &str = "\
The input is CSV with a header. The columns timestamp and value are found by their names; others pass through. The same rows come out
with a column anomaly_score at the end: from 0, as always, to 1; from 0.9 on a look is worth its while. Each row is
answered before more input is waited for, by what was before it alone. An empty line is no row.

timestamp   2027-01-15 08:00:00, with a fraction or without; the same with T, and Z or an offset; seconds or milliseconds since
            1970. Without an offset it is UTC. One that goes back is taken as the latest so far.
value       a number; where it is empty, NaN or infinite the score is 0, and nothing is learned of it

A row has at most 1 MiB. Exits with 0, with 2 at the first row that cannot be read: those before it are written, stderr names its line.

Examples:
  watchgate detect < cpu.csv > scored.csv
  tail -n +1 -f frame-times.csv | watchgate detect";

/// The name of the column that is added.
const SCORE: &[u8] = b"anomaly_score";

/// Of one row, a quotation that does not end among them: no input takes more memory than this.
const MOST_ROW_BYTES: usize = 1024 * 1024;

/// Of a cell that is told in an error.
const MOST_TOLD_CHARACTERS: usize = 80;

/// The arguments of `watchgate detect`: there are none.
#[derive(Debug, Args)]
pub struct DetectArguments {}

/// Scores standard input until its end.
pub fn run(DetectArguments {}: &DetectArguments) -> anyhow::Result<bool> {
    let output = Rc::new(RefCell::new(Writer::from_writer(io::stdout())));
    let scored = score(io::stdin().lock(), &output);
    let flushed = output.borrow_mut().flush();
    match scored.and(flushed.map_err(anyhow::Error::from)) {
        // Whoever reads has seen enough.
        Err(error) if is_closed(&error) => Ok(true),
        ended => ended.map(|()| true),
    }
}

fn score<Input: Read, Output: Write>(input: Input, output: &Rc<RefCell<Writer<Output>>>) -> anyhow::Result<()> {
    let of_row = Rc::new(Cell::new(0));
    let input = Answering { input, output: Rc::clone(output), of_row: Rc::clone(&of_row) };
    let mut rows = ReaderBuilder::new().from_reader(input);
    let mut header = rows.byte_headers().map_err(|error| in_line(1, error))?.clone();
    let columns = Columns::find(&header)?;
    header.push_field(SCORE);
    output.borrow_mut().write_byte_record(&header)?;
    let (mut detector, mut newest) = (Detector::default(), Millis::MIN);
    let mut row = ByteRecord::new();
    loop {
        of_row.set(0);
        let line = rows.position().line();
        if !rows.read_byte_record(&mut row).map_err(|error| in_line(line, error))? {
            return Ok(());
        }
        let (at, value) = columns.read(&row)?;
        newest = newest.max(at);
        let score = detector.judge(newest, value).score;
        row.push_field(format!("{score:.6}").as_bytes());
        output.borrow_mut().write_byte_record(&row)?;
    }
}

/// Writes what was answered so far before it waits for more: rows in masses go out in masses, single ones at once.
struct Answering<Input, Output: Write> {
    input: Input,
    output: Rc<RefCell<Writer<Output>>>,
    /// Read since the last row that was whole.
    of_row: Rc<Cell<usize>>,
}

impl<Input: Read, Output: Write> Read for Answering<Input, Output> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.output.borrow_mut().flush()?;
        if self.of_row.get() > MOST_ROW_BYTES {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let read = self.input.read(buffer)?;
        self.of_row.set(self.of_row.get().saturating_add(read));
        Ok(read)
    }
}

/// Where the columns are.
#[derive(Clone, Copy, Debug)]
struct Columns {
    timestamp: usize,
    value: usize,
}

impl Columns {
    fn find(header: &ByteRecord) -> anyhow::Result<Self> {
        let is = |cell: &[u8], name: &[u8]| cell.trim_ascii().eq_ignore_ascii_case(name);
        let find = |name: &str| {
            let mut places = (0..).zip(header).filter(|(_, cell)| is(cell, name.as_bytes())).map(|(place, _)| place);
            let place = places.next().with_context(|| format!("line 1: there is no column {name} in the header"))?;
            ensure!(places.next().is_none(), "line 1: there are two columns {name} in the header");
            Ok(place)
        };
        ensure!(!header.iter().any(|cell| is(cell, SCORE)), "line 1: there is a column anomaly_score already");
        Ok(Self { timestamp: find("timestamp")?, value: find("value")? })
    }

    fn read(self, row: &ByteRecord) -> anyhow::Result<(Millis, f64)> {
        let line = row.position().map_or(0, csv::Position::line);
        let cell = |place| row.get(place).and_then(|cell| std::str::from_utf8(cell).ok());
        let (timestamp, value) = (cell(self.timestamp), cell(self.value));
        let Some(at) = timestamp.and_then(parse_timestamp) else {
            bail!("line {line}: {:?} is no timestamp", told(timestamp))
        };
        let Some(value) = value.and_then(parse_value) else { bail!("line {line}: {:?} is no number", told(value)) };
        Ok((at, value))
    }
}

/// A cell as an error names it.
fn told(cell: Option<&str>) -> &str {
    let cell = cell.unwrap_or("what is no text");
    cell.char_indices().nth(MOST_TOLD_CHARACTERS).and_then(|(end, _)| cell.get(..end)).unwrap_or(cell)
}

/// The line first, as in our own errors.
fn in_line(line: u64, error: csv::Error) -> anyhow::Error {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(line, csv::Position::line);
            anyhow!("line {line}: the row has {len} columns, the header {expected_len}")
        }
        csv::ErrorKind::Io(error) if error.kind() == ErrorKind::FileTooLarge => {
            anyhow!("line {line}: the row has more than 1 MiB; is there a quotation mark that nothing closes?")
        }
        _ => anyhow::Error::from(error),
    }
}

/// Whether nobody reads any more.
fn is_closed(error: &anyhow::Error) -> bool {
    let is_closed = |error: &io::Error| error.kind() == ErrorKind::BrokenPipe;
    let of_csv = |error: &csv::Error| matches!(error.kind(), csv::ErrorKind::Io(error) if is_closed(error));
    error.downcast_ref().is_some_and(is_closed) || error.downcast_ref().is_some_and(of_csv)
}
