//! What stands in front of the gateways: a load balancer for TCP, in place of the one, or of the DNS with health checks, that a site has.
//! It asks each gateway's ping every 200 ms and sends new connections only to those that answer 200; it knows nothing of TLS or HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::{Client, StatusCode};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::client;

const EACH: Duration = Duration::from_millis(200);
const PING_WITHIN: Duration = Duration::from_secs(1);
const CONNECTS_WITHIN: Duration = Duration::from_secs(1);

/// One that runs until it is dropped.
#[derive(Debug)]
pub struct Balancer {
    gateways: Arc<Vec<Gateway>>,
    _tasks: JoinSet<()>,
}

/// Somebody behind it.
#[derive(Debug)]
struct Gateway {
    address: SocketAddr,
    ping: String,
    takes_more: AtomicBool,
    connections: AtomicUsize,
}

impl Balancer {
    /// Listens at `listen`, for gateways with the addresses where they listen and the URLs of their pings.
    pub async fn start(listen: SocketAddr, gateways: &[(SocketAddr, String)]) -> Result<Balancer> {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("{listen} is not free"))?;
        let gateways: Vec<_> = gateways
            .iter()
            .map(|(address, ping)| Gateway {
                address: *address,
                ping: ping.clone(),
                takes_more: AtomicBool::new(false),
                connections: AtomicUsize::new(0),
            })
            .collect();
        let gateways = Arc::new(gateways);
        let mut tasks = JoinSet::new();
        for number in 0..gateways.len() {
            tasks.spawn(ask(Arc::clone(&gateways), number, client::plain()?));
        }
        tasks.spawn(serve(listener, Arc::clone(&gateways)));
        Ok(Balancer { gateways, _tasks: tasks })
    }

    /// Which gateways get new connections now.
    pub fn takes_more(&self) -> Vec<bool> {
        self.gateways.iter().map(|gateway| gateway.takes_more.load(Ordering::Relaxed)).collect()
    }

    /// How many connections each gateway has had.
    pub fn connections(&self) -> Vec<usize> {
        self.gateways.iter().map(|gateway| gateway.connections.load(Ordering::Relaxed)).collect()
    }
}

async fn ask(gateways: Arc<Vec<Gateway>>, number: usize, client: Client) {
    let Some(gateway) = gateways.get(number) else { return };
    loop {
        let answer = client.get(&gateway.ping).timeout(PING_WITHIN).send().await;
        let is_well = answer.is_ok_and(|answer| answer.status() == StatusCode::OK);
        gateway.takes_more.store(is_well, Ordering::Relaxed);
        sleep(EACH).await;
    }
}

async fn serve(listener: TcpListener, gateways: Arc<Vec<Gateway>>) {
    let (mut turn, mut connections) = (0_usize, JoinSet::new());
    while let Ok((connection, _)) = listener.accept().await {
        turn = turn.wrapping_add(1);
        connections.spawn(lead(connection, Arc::clone(&gateways), turn));
        while connections.try_join_next().is_some() {}
    }
}

/// To the next in turn that takes more, or to another when that one does not even connect: until then nothing has been sent.
async fn lead(mut connection: TcpStream, gateways: Arc<Vec<Gateway>>, turn: usize) {
    let first = turn.checked_rem(gateways.len()).unwrap_or_default();
    let in_turn = gateways.iter().cycle().skip(first).take(gateways.len());
    for gateway in in_turn.filter(|gateway| gateway.takes_more.load(Ordering::Relaxed)) {
        if let Ok(Ok(mut onward)) = timeout(CONNECTS_WITHIN, TcpStream::connect(gateway.address)).await {
            gateway.connections.fetch_add(1, Ordering::Relaxed);
            let _ = (connection.set_nodelay(true), onward.set_nodelay(true));
            // Whoever breaks a connection off, the other side sees it as it is dropped here.
            let _ = copy_bidirectional(&mut connection, &mut onward).await;
            return;
        }
    }
}
