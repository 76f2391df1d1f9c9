//! The same gate over QUIC.

use anyhow::{Result, ensure};
use serde_json::json;
use watchgate_tests::Installation;

use crate::checks::Checks;

pub(crate) async fn play(checks: &mut Checks, installation: &Installation) -> Result<()> {
    checks.chapter("Over HTTP/3");
    if installation.site().http3.is_none() {
        checks.leave_out(2, "HTTP/3", "it was not told where QUIC is answered (--http3)");
        return Ok(());
    }
    let token = installation.mint("console-7", "events:write")?;
    let reading = json!({"temperature_celsius": 58});
    let mut client = installation.http3().await?;

    checks
        .check("an event with a valid token is accepted: 202", async || {
            let answer = client.post("/v1/events", Some(&token), &reading).await?;
            ensure!(answer.status.as_u16() == 202, "answered {}", answer.status);
            Ok(())
        })
        .await;
    checks
        .check("the same without a token is refused: 401", async || {
            let answer = client.post("/v1/events", None, &reading).await?;
            ensure!(answer.status.as_u16() == 401, "answered {}", answer.status);
            Ok(())
        })
        .await;
    Ok(())
}
