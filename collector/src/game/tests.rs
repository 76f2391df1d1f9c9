use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, channel};
use tokio::time::timeout;

use super::*;
use crate::testing::voice;

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(20);

fn inbox() -> (Inbox, Receiver<Input>) {
    let (inbox, read, _) = inbox_and_said();
    (inbox, read)
}

fn inbox_and_said() -> (Inbox, Receiver<Input>, UnboundedReceiver<String>) {
    let ((inputs, read), (voice, said)) = (channel(1000), voice());
    let (tally, trouble) = (Arc::default(), Arc::default());
    (Inbox { inputs, tally, voice, trouble }, read, said)
}

fn line(time: u32) -> String {
    format!("{{\"time\": {time}, \"metrics\": {{\"FrameTime\": 16}}}}\n")
}

fn append(path: &Path, text: &str) {
    File::options().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// The next line that came in: its time and place.
async fn next(read: &mut Receiver<Input>) -> (i64, Option<Place>, Context) {
    match timeout(PATIENCE, read.recv()).await.unwrap().unwrap() {
        Input::Game { reading, context, place } => (reading.time, place, context),
        other => panic!("{other:?}"),
    }
}

async fn times(read: &mut Receiver<Input>, count: usize) -> Vec<i64> {
    let mut times = Vec::new();
    for _ in 0..count {
        times.push(next(read).await.0);
    }
    times
}

/// Follows a file until the test ends.
struct Following {
    read: Receiver<Input>,
    said: UnboundedReceiver<String>,
    task: tokio::task::JoinHandle<()>,
}

impl Following {
    fn of(path: &Path, is_from_start: bool, place: Option<Place>) -> Self {
        let (inbox, read, said) = inbox_and_said();
        let path = path.to_owned();
        let task = tokio::spawn(async move { follow(&path, is_from_start, place, &inbox).await });
        Self { read, said, task }
    }

    async fn end(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
        assert!(self.read.try_recv().is_err(), "nothing came twice");
    }
}

#[tokio::test]
async fn a_file_is_followed_from_its_start_or_from_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("game.jsonl");
    append(&path, &line(1));
    let mut all = Following::of(&path, true, None);
    assert_eq!(times(&mut all.read, 1).await, [1]);
    let mut added = Following::of(&path, false, None);
    timeout(PATIENCE, async {
        let mut number = 2;
        loop {
            append(&path, &line(number));
            if let Ok(Some(Input::Game { reading, .. })) = timeout(Duration::from_millis(200), added.read.recv()).await
            {
                assert!(reading.time > 1, "what was there already is not read");
                return;
            }
            number += 1;
        }
    })
    .await
    .unwrap();
    assert_eq!(times(&mut all.read, 1).await, [2]);
}

#[tokio::test]
async fn a_file_that_comes_later_is_read_from_its_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("game.jsonl");
    let mut following = Following::of(&path, false, None);
    let said = timeout(PATIENCE, following.said.recv()).await.unwrap().unwrap();
    assert!(said.contains("is waited for"), "{said}");
    // Renamed into place, so that it never is there without its line.
    append(&folder.path().join("new"), &line(1));
    fs::rename(folder.path().join("new"), &path).unwrap();
    assert_eq!(times(&mut following.read, 1).await, [1]);
    following.end().await;
}

#[tokio::test]
async fn nothing_is_lost_when_the_file_is_exchanged_or_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("game.jsonl");
    append(&path, &line(1));
    let mut following = Following::of(&path, true, None);
    assert_eq!(times(&mut following.read, 1).await, [1]);

    let mut old = File::options().append(true).open(&path).unwrap();
    fs::rename(&path, folder.path().join("game.jsonl.1")).unwrap();
    old.write_all(line(2).as_bytes()).unwrap();
    // The last line of the old one has no end.
    old.write_all(line(3).trim_end().as_bytes()).unwrap();
    append(&folder.path().join("new"), &line(4));
    fs::rename(folder.path().join("new"), &path).unwrap();
    assert_eq!(times(&mut following.read, 3).await, [2, 3, 4]);

    append(&path, &line(5));
    assert_eq!(times(&mut following.read, 1).await, [5]);
    File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    append(&path, &line(6));
    assert_eq!(times(&mut following.read, 1).await, [6]);
    following.end().await;
}

#[tokio::test]
async fn whoever_starts_again_goes_on_with_the_next_line_and_knows_what_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("game.jsonl");
    append(&path, "{\"build\": \"1.4\", \"scene\": \"harbour\"}\n");
    append(&path, &line(1));
    let mut first = Following::of(&path, true, None);
    let _ = next(&mut first.read).await;
    let (time, place, _) = next(&mut first.read).await;
    assert_eq!(time, 1);
    first.end().await;

    append(&path, &line(2));
    let mut second = Following::of(&path, false, place.clone());
    let (time, _, context) = next(&mut second.read).await;
    assert_eq!((time, &*context.build, &*context.scene), (2, "1.4", "harbour"));
    second.end().await;

    // Another file of that name is newer than all that is known of the old one.
    fs::remove_file(&path).unwrap();
    append(&folder.path().join("new"), &line(3));
    fs::rename(folder.path().join("new"), &path).unwrap();
    let mut third = Following::of(&path, false, place);
    assert_eq!(times(&mut third.read, 1).await, [3]);
    third.end().await;
}

#[tokio::test]
async fn a_stream_is_read_to_its_end_and_bad_lines_are_counted() {
    let (inbox, mut read) = inbox();
    let text = format!("{}nonsense\n\n{}\n{}", line(1), "x".repeat(70_000), line(2).trim_end());
    read_all(text.as_bytes(), &inbox).await.unwrap();
    assert_eq!(times(&mut read, 2).await, [1, 2]);
    let progress = inbox.tally.progress();
    assert_eq!((progress.bad_lines, progress.samples), (2, 2));
}

#[tokio::test]
async fn a_game_that_connects_again_is_heard_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("game.socket");
    for _ in 0..2 {
        // The second finds what the first has left.
        let listener = Listener::unix(&path).await.unwrap();
        let (inbox, mut read) = inbox();
        let task = tokio::spawn(listener.run(inbox));
        for time in 1..4 {
            let mut game = UnixStream::connect(&path).await.unwrap();
            game.write_all(line(time).as_bytes()).await.unwrap();
            drop(game);
            assert_eq!(times(&mut read, 1).await, [i64::from(time)]);
        }
        task.abort();
        let _ = task.await;
    }
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.place();
    let (inbox, mut read) = inbox();
    tokio::spawn(listener.run(inbox));
    TcpStream::connect(address).await.unwrap().write_all(line(7).as_bytes()).await.unwrap();
    assert_eq!(times(&mut read, 1).await, [7]);
}

#[tokio::test]
async fn nobody_from_elsewhere_speaks_for_the_game() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9000"] {
        assert!(matches!(Listener::tcp(address.parse().unwrap()).await, Err(GameError::Open(_))), "{address}");
    }
}
