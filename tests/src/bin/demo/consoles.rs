//! Consoles of a lab play, and a new build goes bad on some of them: what their collectors send becomes one incident, which is explained.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use watchgate_tests::Installation;
use watchgate_tests::client::{Caller, expect_json};
use watchgate_tests::lab::{CONSOLES, Lab, STRUCK};
use watchgate_tests::wait::until;

use crate::checks::Checks;

/// Eight of ten seconds make sure, ten more wait for others of the same cause; the rest is room for slow machines.
const PATIENCE: Duration = Duration::from_secs(120);

const SCOPES: &str = "events:read assistant:ask";

pub(crate) async fn play(checks: &mut Checks, installation: &Installation) -> Result<()> {
    checks.chapter("A new build goes bad on some of a lab's consoles");
    let ana = installation.caller("ana", SCOPES)?;
    let Some(mut lab) = checks
        .check("six consoles are switched on, and their games are played", async || Lab::start(installation).await)
        .await
    else {
        return Ok(());
    };
    checks.check("a first contact shows a console's pin, and sends nothing", async || lab.first_contact().await).await;
    let began = Instant::now();
    lab.collect(installation)?;
    checks
        .check("a collector beside each sends what console and game tell, through the gateway", async || {
            for console in CONSOLES {
                until("samples arrive", PATIENCE, async || has_sent(&ana, console).await).await?;
            }
            Ok(())
        })
        .await;
    let incident = checks
        .check(
            "the build becomes one incident: since when, what moved first, where, and what those have in common",
            async || {
                let incident =
                    until("there is an incident of the build", PATIENCE, async || of_the_build(&ana).await).await?;
                tell(&incident);
                println!("      {:.0} s after the collectors were started", began.elapsed().as_secs_f64());
                Ok(incident)
            },
        )
        .await;
    let Some(incident) = incident else { return Ok(()) };
    let path = format!("/v1/incidents/{}", text(&incident, "/incident"));
    checks.check("it is explained, with a source", async || explained(&ana, &path).await).await;
    checks.check("it is drawn, as SVG and as PNG", async || drawn(installation, &ana, &path).await).await;
    checks
        .check("a runbook suggests itself, which nobody has sent", async || {
            let suggested = incident["suggested"].as_array().context("nothing is suggested")?;
            ensure!(suggested.iter().any(|runbook| runbook == "roll-back-build"), "suggested: {suggested:?}");
            println!("      roll-back-build");
            Ok(())
        })
        .await;
    Ok(())
}

async fn has_sent(ana: &Caller, console: &str) -> Result<Option<()>> {
    let page = ana.get("/v1/events").query(&[
        ("type", "dev.watchgate.telemetry.samples"),
        ("subject", console),
        ("limit", "1"),
    ]);
    let page = expect_json(200, page).await?;
    Ok(page.pointer("/events/0").map(|_| ()))
}

/// The incident of more than one console that says that a build is what they have in common, and others have not.
async fn of_the_build(ana: &Caller) -> Result<Option<Value>> {
    let page = expect_json(200, ana.get("/v1/incidents")).await?;
    let all = page["incidents"].as_array().context("no incidents")?;
    let of_build: Vec<&Value> = all.iter().filter(|incident| text(incident, "/shared/0/what") == "build").collect();
    ensure!(of_build.len() <= 1, "one cause became {} incidents: {of_build:?}", of_build.len());
    let is_whole = |incident: &&&Value| {
        let devices = incident["devices"].as_array().map_or(0, Vec::len);
        devices == STRUCK && !text(incident, "/moved/0/metric").is_empty()
    };
    Ok(of_build.iter().find(is_whole).map(|incident| (**incident).clone()))
}

fn tell(incident: &Value) {
    println!("      {}", text(incident, "/title"));
    let began = incident["began_at"].as_i64().unwrap_or_default();
    println!(
        "      since {} UTC; first {} on {}",
        clock(began),
        text(incident, "/moved/0/metric"),
        text(incident, "/moved/0/device")
    );
    let devices: Vec<&str> = incident["devices"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    println!("      on {} of {}: {}", devices.len(), CONSOLES.len(), devices.join(", "));
    let shared = &incident["shared"][0];
    println!(
        "      {} {}: {} of {} of them have it, {} of {} others",
        text(shared, "/what"),
        text(shared, "/value"),
        shared["struck"],
        shared["struck_in_all"],
        shared["others"],
        shared["others_in_all"]
    );
}

async fn explained(ana: &Caller, path: &str) -> Result<()> {
    let explained = expect_json(200, ana.get(&format!("{path}/explanation"))).await?;
    let answer = &explained["answer"];
    let cited = answer["citations"].as_array().context("no citations")?;
    let found = cited.iter().find(|citation| text(citation, "/file").ends_with("lab/frame-times.md"));
    let found = found.with_context(|| format!("lab/frame-times.md is not cited: {explained}"))?;
    println!("      {}", text(&explained, "/question"));
    println!("      {}", text(answer, "/answer").replace('\n', "\n      "));
    println!("      — {} / {}", text(found, "/file"), text(found, "/heading"));
    Ok(())
}

async fn drawn(installation: &Installation, ana: &Caller, path: &str) -> Result<()> {
    let folder = installation.folder().join("incident");
    fs::create_dir_all(&folder)?;
    let mut pictures = Vec::new();
    for name in ["plot.svg", "plot.png"] {
        let picture = ana.get(&format!("{path}/{name}")).send().await?.error_for_status()?.bytes().await?;
        fs::write(folder.join(name), &picture)?;
        pictures.push(picture);
    }
    let (svg, png) = (String::from_utf8_lossy(&pictures[0]), &pictures[1]);
    // A line of a struck console, one of a console that is not, and the metric by name: without samples there would be none.
    for part in ["<svg", "class=\"struck struck-0\"", "class=\"other\""] {
        ensure!(svg.contains(part), "the SVG has no {part}");
    }
    ensure!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() > 10_000, "the PNG has {} bytes", png.len());
    println!("      {}/plot.svg and plot.png", folder.display());
    Ok(())
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The time of day.
fn clock(millis: i64) -> String {
    let seconds = millis.div_euclid(1000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
