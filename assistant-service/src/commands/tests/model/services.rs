//! Services that carry commands out, well or badly.

use super::*;

/// Leases until it is over.
pub(super) async fn serve(play: Arc<Play>, service: &'static str, mut dice: Dice) {
    let lease = format!("/v1/services/{service}/commands:lease");
    while !play.is_over() {
        let answer = play.stage(dice.below(2)).post(&lease, &json!({"wait_seconds": 0})).by(service).send().await;
        match answer.status.as_u16() {
            200 => carry_out(&play, service, &answer.json, &mut dice).await,
            204 => tokio::time::sleep(Duration::from_millis(5)).await,
            // Two at once for one command.
            409 => {}
            _ => panic!("{answer:?}, seed {}", play.seed),
        }
    }
}

async fn carry_out(play: &Play, service: &str, leased: &Value, dice: &mut Dice) {
    let id = leased["command"]["id"].as_str().unwrap();
    let fence = &leased["fence"];
    if dice.below(12) == 0 {
        // Dies before it has begun.
        count(&play.counts.died);
        return;
    }
    let beat = say(play, dice, service, id, "heartbeat", json!({"fence": fence})).await;
    if beat.status != StatusCode::OK {
        return;
    }
    if dice.below(15) == 0 {
        return dawdle(play, service, id, fence, dice).await;
    }
    let mut offset = 0;
    for _ in 0..dice.below(4) {
        match dice.below(10) {
            0 => {
                count(&play.counts.died);
                return;
            }
            1 => {
                // Falls silent for longer than its lease, and goes on as if nothing had been.
                count(&play.counts.late);
                tokio::time::sleep(Duration::from_millis(600)).await;
            }
            2..=5 => {
                let text = format!("line {offset}\n");
                let piece = json!({"fence": fence, "offset": offset, "text": text});
                let answer = say(play, dice, service, id, "output", piece.clone()).await;
                if answer.status != StatusCode::OK {
                    continue;
                }
                if dice.below(3) == 0 {
                    count(&play.counts.doubled);
                    say(play, dice, service, id, "output", piece).await;
                }
                offset += text.len();
            }
            _ => {
                let progress = json!({"fence": fence, "progress": {"percent": 50, "line": "half way"}});
                let answer = say(play, dice, service, id, "heartbeat", progress).await;
                if answer.json["stop"] == true {
                    say(play, dice, service, id, "result", json!({"fence": fence, "outcome": "canceled"})).await;
                    return;
                }
            }
        }
    }
    if dice.below(4) == 0 {
        say(play, dice, service, id, "heartbeat", json!({"fence": fence, "phase": "verifying"})).await;
    }
    let outcome = if dice.below(5) == 0 { "failed" } else { "succeeded" };
    if outcome == "failed" && dice.below(2) == 0 {
        say(play, dice, service, id, "heartbeat", json!({"fence": fence, "phase": "rolling_back"})).await;
    }
    let result = json!({"fence": fence, "outcome": outcome, "result": {"at": offset}});
    say(play, dice, service, id, "result", result.clone()).await;
    if dice.below(4) == 0 {
        count(&play.counts.doubled);
        say(play, dice, service, id, "result", result).await;
    }
}

/// Gives signs of life for longer than any runbook allows.
async fn dawdle(play: &Play, service: &str, id: &str, fence: &Value, dice: &mut Dice) {
    count(&play.counts.slow);
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let beat = say(play, dice, service, id, "heartbeat", json!({"fence": fence})).await;
        if beat.status != StatusCode::OK {
            return;
        }
    }
}

/// Says it, and again while the answer is that something else came in between.
async fn say(play: &Play, dice: &mut Dice, service: &str, id: &str, what: &str, body: Value) -> Answer {
    let target = format!("/v1/commands/{id}/{what}");
    loop {
        let answer = play.stage(dice.below(2)).post(&target, &body).by(service).send().await;
        if answer.status == StatusCode::CONFLICT && problem(&answer) == "changed-meanwhile" {
            continue;
        }
        assert!([200, 409].contains(&answer.status.as_u16()), "{answer:?}, seed {}", play.seed);
        return answer;
    }
}
