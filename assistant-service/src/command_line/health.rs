//! `watchgate health`: asks a service on this host whether it is ready, for containers that hold no other program.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};

pub(super) const AFTER_HELP: &str = "\
Ends with 0 when the answer is 200, and with 1 and the reason when it is not or does not come in 3 s.

Examples:
  watchgate serve … --health-listen 127.0.0.1:8086 &      watchgate health
  watchgate exchange --config exchange.yml &              watchgate health --url http://127.0.0.1:8087/readyz";

/// Whoever runs health checks waits for each.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whom to ask.
#[derive(Debug, Args)]
pub struct HealthArguments {
    /// Where to ask: /readyz says whether the service can work, /healthz only that it is there.
    #[arg(long, env = "WATCHGATE_HEALTH_URL", value_name = "URL", default_value = "http://127.0.0.1:8086/readyz",
        value_parser = plain)]
    url: Url,
}

/// Over https the service would ask for a certificate, and that is what the listener for health is there for.
fn plain(text: &str) -> anyhow::Result<Url> {
    let url: Url = text.parse()?;
    if url.scheme() != "http" {
        bail!("it must be an http address, that of --health-listen");
    }
    Ok(url)
}

/// Asks once; an error says why the service is not ready.
pub fn run(arguments: &HealthArguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let said = runtime.block_on(ask(&arguments.url, PATIENCE))?;
    writeln!(std::io::stdout(), "{said}")?;
    Ok(())
}

async fn ask(url: &Url, patience: Duration) -> anyhow::Result<String> {
    // Only the first choice in a process counts, and all of us choose the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Nobody is asked over TLS, and a container may hold no authorities.
    let client = Client::builder().tls_certs_only([]).no_proxy().redirect(Policy::none()).timeout(patience).build()?;
    let answer = client.get(url.clone()).send().await.with_context(|| format!("{url} does not answer"))?;
    let status = answer.status();
    if status != StatusCode::OK {
        bail!("{url} answers {status}");
    }
    Ok(format!("{url} answers {status}"))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn whoever_is_ready_says_so_and_all_others_are_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new()
            .route("/yes", get(async || StatusCode::OK))
            .route("/no", get(async || StatusCode::SERVICE_UNAVAILABLE))
            .route("/elsewhere", get(async || (StatusCode::FOUND, [("location", "/yes")])))
            .route("/silent", get(async || std::future::pending::<StatusCode>().await));
        let answering = tokio::spawn(async move { axum::serve(listener, routes).await });
        let asked = async |path: &str| {
            let url = plain(&format!("{at}{path}")).unwrap();
            ask(&url, Duration::from_millis(500)).await.map_err(|error| error.to_string())
        };
        assert_eq!(asked("/yes").await, Ok(format!("{at}/yes answers 200 OK")));
        assert_eq!(asked("/no").await, Err(format!("{at}/no answers 503 Service Unavailable")));
        assert_eq!(asked("/elsewhere").await, Err(format!("{at}/elsewhere answers 302 Found")));
        assert_eq!(asked("/silent").await, Err(format!("{at}/silent does not answer")));
        answering.abort();
        let _ = answering.await;
        assert_eq!(asked("/yes").await, Err(format!("{at}/yes does not answer")));
        assert!(plain("https://127.0.0.1:8085/readyz").is_err());
    }
}
