//! A file appears, and a second service is reachable behind the gate; nothing is restarted.

use std::time::Duration;

use anyhow::{Result, ensure};
use watchgate_tests::Installation;
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::client::{expect_json, status};
use watchgate_tests::wait::until;

use crate::checks::Checks;

pub(crate) async fn play(checks: &mut Checks, installation: &Installation) -> Result<()> {
    checks.chapter("A file appears in the watched directory");
    if installation.site().routes.is_none() {
        checks.leave_out(3, "a second service", "it was not told how a route is added (--add-route)");
        return Ok(());
    }
    let reader = installation.caller("ana", "reports:read")?;
    let reports = EchoBackEnd::start_at(installation.site().listen, "reports")?;

    checks
        .check("before it, nobody reaches the second service: 403", async || {
            let answered = status(reader.get("/reports/weekly")).await?;
            ensure!(answered == 403, "answered {answered}");
            Ok(())
        })
        .await;
    checks
        .check("with it, the second service answers, without a restart", async || {
            installation.open_reports(&reports.url()).await?;
            until("the new route answers", Duration::from_secs(15), async || {
                Ok((status(reader.get("/reports/weekly")).await? == 200).then_some(()))
            })
            .await?;
            let answer = expect_json(200, reader.get("/reports/weekly")).await?;
            ensure!(answer["back_end"] == "reports", "answered {answer}");
            Ok(())
        })
        .await;
    checks
        .check("it stands behind the gate as well: without a token 401", async || {
            let answered = status(installation.stranger()?.get("/reports/weekly")).await?;
            ensure!(answered == 401, "answered {answered}");
            Ok(())
        })
        .await;
    Ok(())
}
