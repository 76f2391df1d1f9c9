//! The client, a process in a namespace of its own: takes jobs from its input, a line each, and says how long they took.

use std::io::{BufRead as _, Write as _, stdin, stdout};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::connection::Connection;
use crate::job::{Gateway, HTTP1_CONNECTIONS, Job, OBJECT_BYTES, OBJECTS, Protocol, Taken, Work};
use crate::link;

/// At 200 ms and 3 % loss a page may take half a minute over a connection that was unlucky.
const PATIENCE: Duration = Duration::from_secs(120);
/// So long a stream has run before the address changes.
const SETTLED: Duration = Duration::from_millis(1_500);

/// Until its input ends.
pub(crate) fn run() -> Result<()> {
    link::ip(&["link", "set", "lo", "up"])?;
    let mut lines = stdin().lock().lines();
    // Whoever made this process makes the link now.
    writeln!(stdout(), "ready")?;
    let gateway: Gateway = serde_json::from_str(&lines.next().context("no gateway was named")??)?;
    let runtime = Runtime::new()?;
    for line in lines {
        let job: Job = serde_json::from_str(&line?)?;
        let taken = runtime.block_on(carry_out(&job, &gateway))?;
        writeln!(stdout(), "{}", serde_json::to_string(&taken)?)?;
    }
    Ok(())
}

async fn carry_out(job: &Job, gateway: &Gateway) -> Result<Taken> {
    let mut taken = Taken::default();
    for _ in 0..job.times {
        let done = match job.work {
            Work::FirstByte => timeout(PATIENCE, first_byte(job.protocol, gateway)).await,
            Work::Page => timeout(PATIENCE, page(job.protocol, gateway)).await,
            Work::Move => timeout(PATIENCE, moved(job.protocol, gateway)).await,
        };
        match done.context("it took longer than two minutes").and_then(|done| done) {
            Ok((connected, done)) => {
                taken.connected.push(connected);
                taken.done.push(done);
            }
            Err(error) => taken.failures.push(format!("{error:#}")),
        }
    }
    Ok(taken)
}

type Milliseconds = f64;

async fn first_byte(protocol: Protocol, gateway: &Gateway) -> Result<(Milliseconds, Milliseconds)> {
    let began = Instant::now();
    let mut connection = Connection::open(protocol, gateway, home()?).await?;
    let connected = since(began);
    let mut body = connection.get(gateway, "/object/1").await?;
    body.piece().await?.context("the answer is empty")?;
    Ok((connected, since(began)))
}

async fn page(protocol: Protocol, gateway: &Gateway) -> Result<(Milliseconds, Milliseconds)> {
    let began = Instant::now();
    if protocol == Protocol::Http1 {
        let lanes = (0..HTTP1_CONNECTIONS).map(async |_| {
            let mut connection = Connection::open(protocol, gateway, home()?).await?;
            let connected = since(began);
            for _ in 0..OBJECTS / HTTP1_CONNECTIONS {
                fetch(&mut connection, gateway).await?;
            }
            anyhow::Ok(connected)
        });
        let connected = try_join_all(lanes).await?.into_iter().fold(f64::INFINITY, f64::min);
        return Ok((connected, since(began)));
    }
    let connection = Connection::open(protocol, gateway, home()?).await?;
    let connected = since(began);
    try_join_all((0..OBJECTS).map(async |_| fetch(&mut connection.again()?, gateway).await)).await?;
    Ok((connected, since(began)))
}

async fn fetch(connection: &mut Connection, gateway: &Gateway) -> Result<()> {
    let length = connection.get(gateway, &format!("/object/{OBJECT_BYTES}")).await?.length().await?;
    ensure!(length == OBJECT_BYTES, "{length} bytes came of {OBJECT_BYTES}");
    Ok(())
}

/// The address goes away under a stream, as when somebody leaves a wireless network. QUIC goes on from the new one; over TCP the client, who is told
/// at once, connects again.
async fn moved(protocol: Protocol, gateway: &Gateway) -> Result<(Milliseconds, Milliseconds)> {
    let [first, second] = link::CLIENT.map(|address| address.parse::<IpAddr>());
    let (first, second) = (first?, second?);
    let began = Instant::now();
    let mut connection = Connection::open(protocol, gateway, first).await?;
    let connected = since(began);
    let mut stream = connection.get(gateway, "/drip").await?;
    let settled = Instant::now();
    while settled.elapsed() < SETTLED {
        stream.piece().await?.context("the stream ended")?;
    }
    let own = format!("{first}/32");
    link::ip(&["addr", "del", &own, "dev", link::CLIENT_DEVICE])?;
    let changed = Instant::now();
    let goes_on = if connection.go_on_from(second)? {
        // What had come before is in our hands still; a piece comes every 10 ms.
        while let Ok(piece) = timeout(Duration::from_millis(1), stream.piece()).await {
            piece?;
        }
        stream.piece().await
    } else {
        drop((stream, connection));
        let mut connection = Connection::open(protocol, gateway, second).await?;
        let mut stream = connection.get(gateway, "/drip").await?;
        stream.piece().await
    };
    let gap = since(changed);
    link::ip(&["addr", "add", &own, "dev", link::CLIENT_DEVICE])?;
    goes_on?.context("the stream ended")?;
    Ok((connected, gap))
}

fn home() -> Result<IpAddr> {
    Ok(link::CLIENT[0].parse()?)
}

fn since(began: Instant) -> Milliseconds {
    began.elapsed().as_secs_f64() * 1_000.0
}
