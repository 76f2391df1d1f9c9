//! Load at a fixed rate, whatever the answers do. A request's time counts from when it should have been sent, so that a
//! stall delays all that fall into it, as it would for callers who know nothing of each other.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use measuring::random::Random;
use measuring::statistics::Sample;

use crate::answer;
use crate::load::{CONNECTIONS, Target};

/// Sends `rate` requests a second for `seconds`; answers each one's time in milliseconds.
///
/// A thread for each connection: a sleeping thread wakes within some 60 µs, an event loop only to the millisecond.
pub(crate) fn at_rate(target: Target<'_>, rate: f64, seconds: f64) -> Result<Sample> {
    let begin = Instant::now() + Duration::from_millis(20);
    let between = CONNECTIONS as f64 / rate;
    let on_each = (seconds / between) as usize;
    let times = thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|index| {
                let first = begin + Duration::from_secs_f64(index as f64 / rate);
                scope.spawn(move || one_connection(target, index, first, between, on_each))
            })
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join().map_err(|_| anyhow!("a connection panicked"))?);
        joined.collect::<Result<Vec<_>>>()
    })?;
    Ok(Sample::of(times.into_iter().flatten()))
}

fn one_connection(target: Target<'_>, index: usize, first: Instant, between: f64, count: usize) -> Result<Vec<f64>> {
    let mut random = Random::seeded(target.seed.wrapping_add(index as u64));
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, target.port)).context("Traefik does not listen")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut times = Vec::with_capacity(count);
    for number in 0..count {
        let due = first + Duration::from_secs_f64(between * number as f64);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        exchange(&mut stream, target.requests.any(&mut random))?;
        times.push(due.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(times)
}

/// One request and its answer; waits for it.
pub(crate) fn exchange(stream: &mut TcpStream, request: &[u8]) -> Result<()> {
    send(stream, request)?;
    receive(stream)
}

/// One request.
pub(crate) fn send(stream: &mut TcpStream, request: &[u8]) -> Result<()> {
    stream.write_all(request).context("a request could not be sent")
}

/// The answer to it; waits for it.
pub(crate) fn receive(stream: &mut TcpStream) -> Result<()> {
    let mut buffer = [0; 4 * 1024];
    let mut length = 0;
    while !answer::is_whole(&buffer[..length])? {
        match stream.read(&mut buffer[length..]).context("an answer broke off")? {
            0 => bail!("Traefik closed a connection instead of answering"),
            read => length += read,
        }
    }
    Ok(())
}
