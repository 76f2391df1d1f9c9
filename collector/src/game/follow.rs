//! A file that grows. It may be exchanged for another one or be cut to nothing, as rotation does; then the new one is read from its
//! beginning, after the old one to its end.

use std::io::{self, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::time::sleep;

use super::line::LineReader;
use super::lines::Lines;
use super::{Inbox, context_of};
use crate::reading::{Context, Place};

/// A file on a share of the console's tells nobody that it has grown.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Where in a file to begin.
#[derive(Clone, Debug)]
enum Begin {
    /// With what is added from now on.
    End,
    Start,
    /// Where the file was read to, if it is this one; else at its start.
    At(Place),
}

/// Why a file is followed no further.
#[derive(Debug, PartialEq, Eq)]
enum Followed {
    /// Its name is another file's.
    Exchanged,
    /// It is shorter than it was.
    Cut,
    /// Nobody takes lines any more.
    Unread,
}

/// An open file and how far it is read.
struct OpenFile {
    file: File,
    identity: (u64, u64),
    /// Where the bytes began that `lines` was fed with.
    begin: u64,
    /// Behind the last byte that was read.
    end: u64,
    lines: Lines,
    reader: LineReader,
}

/// Takes in the lines of `path`, from `place` on where that is of this file. Ends only when nobody reads any more.
pub(crate) async fn follow(path: &Path, is_from_start: bool, place: Option<Place>, inbox: &Inbox) {
    let mut context = context_of(place.as_ref());
    let mut begin = match place {
        Some(place) => Begin::At(place),
        None if is_from_start => Begin::Start,
        None => Begin::End,
    };
    loop {
        let failed = match OpenFile::open(path, &context).await {
            Ok(mut file) => {
                let followed = file.follow(path, &begin, inbox).await;
                begin = match &followed {
                    Ok(Followed::Cut) => Begin::Start,
                    _ => Begin::At(file.place()),
                };
                context = file.reader.context;
                match followed {
                    Ok(Followed::Unread) => return,
                    Ok(Followed::Exchanged | Followed::Cut) => continue,
                    Err(error) => error,
                }
            }
            Err(error) => {
                // A file that appears later is new from its first line on.
                if error.kind() == io::ErrorKind::NotFound && matches!(begin, Begin::End) {
                    begin = Begin::Start;
                }
                error
            }
        };
        if let Some(said) = inbox.trouble.said(|| format!("{} is waited for: {failed}", path.display())) {
            inbox.voice.say(&said);
        }
        sleep(LOOK_EVERY).await;
    }
}

impl OpenFile {
    async fn open(path: &Path, context: &Context) -> io::Result<Self> {
        let file = File::open(path).await?;
        let metadata = file.metadata().await?;
        let reader = LineReader { context: context.clone() };
        let identity = (metadata.dev(), metadata.ino());
        Ok(Self { file, identity, begin: 0, end: 0, lines: Lines::default(), reader })
    }

    async fn follow(&mut self, path: &Path, begin: &Begin, inbox: &Inbox) -> io::Result<Followed> {
        let offset = self.offset(begin).await?;
        self.file.seek(SeekFrom::Start(offset)).await?;
        (self.begin, self.end) = (offset, offset);
        let mut bytes = vec![0; 64 * 1024];
        let mut is_exchanged = false;
        loop {
            let read = self.file.read(&mut bytes).await?;
            self.end = self.end.saturating_add(u64::try_from(read).unwrap_or_default());
            self.lines.feed(bytes.get(..read).unwrap_or_default());
            if !self.take_lines(inbox).await {
                return Ok(Followed::Unread);
            }
            if read > 0 {
                continue;
            }
            if is_exchanged {
                // Its last line may have no end.
                self.lines.feed(b"\n");
                let is_read = self.take_lines(inbox).await;
                return Ok(if is_read { Followed::Exchanged } else { Followed::Unread });
            }
            if self.file.metadata().await?.len() < self.end {
                return Ok(Followed::Cut);
            }
            // What was written between the last read and the exchange is read once more before the new one.
            is_exchanged = self.is_exchanged(path).await?;
            if !is_exchanged {
                sleep(LOOK_EVERY).await;
            }
        }
    }

    async fn offset(&mut self, begin: &Begin) -> io::Result<u64> {
        let length = self.file.metadata().await?.len();
        match begin {
            Begin::End => Ok(length),
            Begin::At(place) if place.file == self.identity && place.offset <= length => {
                Ok(if self.is_behind_a_line(place.offset).await? { place.offset } else { 0 })
            }
            // Another file of this name is newer than all that is known of the old one.
            Begin::Start | Begin::At(_) => Ok(0),
        }
    }

    /// A number of a file may be given to another file.
    async fn is_behind_a_line(&mut self, offset: u64) -> io::Result<bool> {
        let Some(before) = offset.checked_sub(1) else { return Ok(true) };
        self.file.seek(SeekFrom::Start(before)).await?;
        Ok(self.file.read_u8().await? == b'\n')
    }

    async fn is_exchanged(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path).await {
            Ok(metadata) => Ok((metadata.dev(), metadata.ino()) != self.identity),
            // Taken away; who has it open may still write.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn take_lines(&mut self, inbox: &Inbox) -> bool {
        while let Some(line) = self.lines.next() {
            let place = self.place();
            if !inbox.take(&mut self.reader, line, Some(place)).await {
                return false;
            }
        }
        true
    }

    /// Behind the last line that was read.
    fn place(&self) -> Place {
        let offset = self.begin.saturating_add(self.lines.passed());
        Place { file: self.identity, offset, context: self.reader.context.clone() }
    }
}
