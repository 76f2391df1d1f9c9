//! Those who ask, approve and call off.

use super::*;

const APPROVERS: [&str; 3] = ["ben", "cleo", "dora"];

/// Asks for so many commands, some of them twice at once under one key.
pub(super) async fn ask(play: Arc<Play>, person: usize, commands: usize, mut dice: Dice) {
    let name = format!("person-{person}");
    for number in 0..commands {
        let (runbook, _) = RUNBOOKS[usize::try_from(dice.below(RUNBOOKS.len() as u64)).unwrap()];
        let service = SERVICES[usize::try_from(dice.below(SERVICES.len() as u64)).unwrap()];
        let body =
            json!({"runbook": runbook, "parameters": {"service": service, "number": number}, "reason": "a test"});
        let key = format!("{name}-{number}");
        let one = send(&play, dice.below(2), &body, &name, &key);
        let id = if dice.below(5) == 0 {
            count(&play.counts.doubled);
            let (one, other) = tokio::join!(one, send(&play, dice.below(2), &body, &name, &key));
            assert_eq!(one, other, "one key made two commands, seed {}", play.seed);
            one
        } else {
            one.await
        };
        play.asked.lock().unwrap().insert(id.clone(), body);
        if dice.below(12) == 0 {
            call_off(&play, &mut dice, &id, &name).await;
        }
    }
}

/// Asks until there is room for it; gives the command's identifier.
async fn send(play: &Play, which: u64, body: &Value, name: &str, key: &str) -> String {
    loop {
        let stage = play.stage(which);
        let answer = stage.post("/v1/commands", body).by(name).header("idempotency-key", key).send().await;
        match answer.status.as_u16() {
            200 | 201 => return answer.json["id"].as_str().unwrap().to_owned(),
            409 | 429 => tokio::time::sleep(Duration::from_millis(20)).await,
            _ => panic!("{answer:?}, seed {}", play.seed),
        }
    }
}

async fn call_off(play: &Play, dice: &mut Dice, id: &str, name: &str) {
    tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
    let stage = play.stage(dice.below(2));
    let answer = stage.post(&format!("/v1/commands/{id}/cancel"), &json!({})).by(name).send().await;
    assert!([200, 202, 409].contains(&answer.status.as_u16()), "{answer:?}, seed {}", play.seed);
    count(&play.counts.called_off);
}

/// Decides about whatever waits for it: mostly for it, sometimes all of them at once, sometimes by another digest.
pub(super) async fn decide(play: Arc<Play>, mut dice: Dice) {
    while !play.is_over() {
        let page = play.stage(dice.below(2)).get("/v1/commands?state=pending&limit=50").send().await;
        let pending = page.json["commands"].as_array().unwrap().clone();
        tokio::time::sleep(Duration::from_millis(10)).await;
        for command in pending {
            if command["parameters"]["number"].as_u64().unwrap() % 13 == 7 {
                // Nobody ever decides about it.
                continue;
            }
            let target = format!("/v1/commands/{}/approval", command["id"].as_str().unwrap());
            let digest = if dice.below(8) == 0 { json!("0".repeat(64)) } else { command["digest"].clone() };
            let word = if dice.below(10) == 0 { "reject" } else { "approve" };
            let body = json!({"decision": word, "digest": digest});
            let (one, other) = (play.stage(dice.below(2)), play.stage(dice.below(2)));
            let by = |number: u64| APPROVERS[usize::try_from(number % 3).unwrap()];
            let first = dice.below(3);
            if dice.below(3) == 0 {
                count(&play.counts.raced);
                let answers = tokio::join!(
                    one.post(&target, &body).by(by(first)).send(),
                    other.post(&target, &body).by(by(first + dice.below(2))).send(),
                );
                let _: [(); 2] = [answers.0, answers.1].map(|answer| refused_in_words(&answer, play.seed));
            } else {
                refused_in_words(&one.post(&target, &body).by(by(first)).send().await, play.seed);
            }
        }
    }
}

fn refused_in_words(answer: &Answer, seed: u64) {
    assert!([200, 403, 409].contains(&answer.status.as_u16()), "{answer:?}, seed {seed}");
}
