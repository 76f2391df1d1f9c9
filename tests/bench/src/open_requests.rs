//! What an open request costs: Traefik's memory with 1,000 requests waiting at a slow back end.

use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use measuring::statistics::rounded;
use measuring::usage::{self, Memory};
use serde_json::{Value, json};

use crate::back_end::BackEnd;
use crate::gateway::{Gateway, Surroundings};
use crate::paced;
use crate::requests::Requests;
use crate::route::Route;

/// How many requests are open at once.
const OPEN: usize = 1_000;

/// After the last request has arrived, for whatever Traefik still does.
const SETTLE: Duration = Duration::from_millis(1_500);

/// Memory of one Traefik, before and while the requests wait.
struct Held {
    before: Memory,
    open: Memory,
}

/// Each route in a Traefik of its own. The figure that counts is resident memory with all of them open, less that of a bare
/// Traefik with as many, for each request.
pub(crate) fn measure(surroundings: &Surroundings<'_>, back_end: &BackEnd, requests: &Requests) -> Result<Value> {
    let bare = hold(surroundings, back_end, requests, Route::Bare)?;
    let mut figures = json!({"open": OPEN, "bare_rss_kib_while_open": bare.open.rss_kib});
    for route in [Route::EmptyWasm, Route::Gate] {
        let held = hold(surroundings, back_end, requests, route)?;
        let each = |kib: f64| rounded(kib / OPEN as f64, 1);
        let grown = |held: &Held| held.open.rss_kib - held.before.rss_kib;
        figures[route.name()] = json!({
            "rss_kib": each(held.open.rss_kib - bare.open.rss_kib),
            "pss_kib": each(held.open.pss_kib - bare.open.pss_kib),
            "rss_kib_grown": each(grown(&held) - grown(&bare)),
        });
        println!("open requests, {:<12} {}", route.name(), figures[route.name()]);
    }
    Ok(figures)
}

fn hold(surroundings: &Surroundings<'_>, back_end: &BackEnd, requests: &Requests, route: Route) -> Result<Held> {
    let gateway = Gateway::start(surroundings, &[route])?;
    let mut connections = open_warm(gateway.port(route)?, requests, OPEN)?;
    thread::sleep(SETTLE);
    let before = usage::memory(gateway.process.id())?;
    back_end.hold();
    for (index, connection) in connections.iter_mut().enumerate() {
        paced::send(connection, requests.get(index).context("too few requests")?)?;
    }
    for _ in 0..OPEN {
        back_end.next_arrival()?;
    }
    thread::sleep(SETTLE);
    let open = usage::memory(gateway.process.id())?;
    back_end.release();
    for connection in &mut connections {
        paced::receive(connection)?;
    }
    Ok(Held { before, open })
}

/// Connections that have had an answer, each after the other.
pub(crate) fn open_warm(port: u16, requests: &Requests, count: usize) -> Result<Vec<TcpStream>> {
    let mut connections = Vec::with_capacity(count);
    for index in 0..count {
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("Traefik does not listen")?;
        connection.set_nodelay(true)?;
        connection.set_read_timeout(Some(Duration::from_secs(30)))?;
        paced::exchange(&mut connection, requests.get(index).context("too few requests")?)?;
        connections.push(connection);
    }
    Ok(connections)
}
