//! Mediations over the whole service without a socket.

mod agreements;
mod bounds;
mod events;
mod leaving;
mod model;
mod private_steps;
mod sharing;

use serde_json::{Value, json};

use crate::testing::{Answer, ISSUER, Stage};

const ANA: &str = "ana";
const BEN: &str = "ben";

/// What only one of them says, and only in private.
const OF_ANA: &str = "Ben is arrogant, and I have applied for a vacancy at Zephyrion.";
const OF_BEN: &str = "Ana ignores me. My therapist says that I should quit before Michaelmas.";

/// Mediations of Ana and Ben on one stage.
struct Play {
    stage: Stage,
    path: String,
}

impl Play {
    async fn begun(stage: Stage) -> Self {
        let begun = begin(&stage, ANA, BEN, "Who reviews whose code").await;
        assert_eq!(begun.status, 201, "{begun:?}");
        let path = begun.headers["location"].to_str().unwrap().to_owned();
        Self { stage, path }
    }

    /// Both have told, and shared what they have written in the place of the proposal.
    async fn shared(stage: Stage) -> Self {
        let play = Self::begun(stage).await;
        play.take(ANA, "account", &json!({"text": OF_ANA})).await;
        play.take(BEN, "account", &json!({"text": OF_BEN})).await;
        play.take(ANA, "restatement", &json!({"text": "I wait for reviews.", "share": true})).await;
        play.take(BEN, "restatement", &json!({"text": "I get reviews at night.", "share": true})).await;
        play
    }

    /// Both have agreed on something.
    async fn agreed(stage: Stage) -> Self {
        let play = Self::shared(stage).await;
        let proposed = play.take(ANA, "agreement", &json!({"text": "Reviews within a day, not after six."})).await;
        play.take(BEN, "agreement", &json!({"accept": proposed["agreement"]["id"]})).await;
        play
    }

    async fn post(&self, who: &str, what: &str, body: &Value) -> Answer {
        self.stage.post(&format!("{}/{what}", self.path), body).by(who).send().await
    }

    /// The view of whoever does something that is taken.
    async fn take(&self, who: &str, what: &str, body: &Value) -> Value {
        let answer = self.post(who, what, body).await;
        assert_eq!(answer.status, 200, "{who} {what}: {answer:?}");
        answer.json
    }

    async fn refused(&self, who: &str, what: &str, body: &Value) -> u16 {
        self.post(who, what, body).await.status.as_u16()
    }

    /// Accepts what is proposed to somebody, as they have read it.
    async fn accept(&self, who: &str, is_shared: bool) -> Value {
        let id = self.view(who).await["yours"]["restatement_id"].clone();
        self.take(who, "restatement", &json!({"accept": id, "share": is_shared})).await
    }

    async fn leave(&self, who: &str) -> u16 {
        self.stage.request("POST", &format!("{}/leave", self.path)).by(who).send().await.status.as_u16()
    }

    async fn view(&self, who: &str) -> Value {
        let answer = self.stage.get(&self.path).by(who).send().await;
        assert_eq!(answer.status, 200, "{who}: {answer:?}");
        answer.json
    }

    async fn list(&self, who: &str) -> Vec<Value> {
        let answer = self.stage.get("/v1/mediations").by(who).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json["mediations"].as_array().unwrap().clone()
    }

    async fn events(&self) -> Vec<Value> {
        let answer = self.stage.get("/v1/events?type=dev.watchgate.mediation.*&limit=100").send().await;
        let events = answer.json["events"].as_array().unwrap().iter();
        events.map(|event| event["event"].clone()).collect()
    }
}

async fn begin(stage: &Stage, who: &str, with: &str, topic: &str) -> Answer {
    let body = json!({"topic": topic, "with": {"issuer": ISSUER, "subject": with}});
    stage.post("/v1/mediations", &body).by(who).send().await
}

/// Words of a text that nobody else uses by chance.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| word.len() > 6)
}

fn tells(told: &Value, private: &str) -> Vec<String> {
    let told = told.to_string();
    words_of(private).filter(|word| told.contains(word)).map(str::to_owned).collect()
}

#[tokio::test]
async fn each_sees_their_own_side_and_nothing_of_the_other_before_both_have_shared() {
    let play = Play::begun(Stage::new()).await;
    let invited = play.view(BEN).await;
    assert_eq!(invited["topic"], "Who reviews whose code");
    assert_eq!(invited["with"], json!({"issuer": ISSUER, "subject": ANA}));
    assert_eq!((&invited["begun_by_you"], &invited["state"]), (&json!(false), &json!("open")));
    assert_eq!(invited["form"].as_array().unwrap().len(), 5);

    let told = play.take(ANA, "account", &json!({"text": OF_ANA})).await;
    assert_eq!(told["yours"]["account"], OF_ANA);
    play.take(ANA, "restatement", &json!({"text": "I wait for reviews.", "share": true})).await;
    let others = play.view(BEN).await;
    assert_eq!(others["theirs"], json!({"has_left": false, "has_shared": true}));
    assert_eq!(tells(&others, OF_ANA), [""; 0]);
    assert!(!others.to_string().contains("I wait"), "{others}");

    play.take(BEN, "account", &json!({"text": OF_BEN})).await;
    let both = play.accept(BEN, true).await;
    assert_eq!((&both["state"], &both["theirs"]["shared"]), (&json!("shared"), &json!("I wait for reviews.")));
    let seen = play.view(ANA).await;
    assert_eq!(seen["theirs"]["shared"], OF_BEN, "he has shared it as it was");
    assert_eq!(tells(&play.view(BEN).await, OF_ANA), [""; 0]);
}

#[tokio::test]
async fn what_is_not_shared_any_more_is_not_seen_any_more() {
    let play = Play::shared(Stage::new()).await;
    assert_eq!(play.view(BEN).await["theirs"]["shared"], "I wait for reviews.");
    let back = play.take(ANA, "restatement", &json!({"text": "I wait for reviews.", "share": false})).await;
    assert_eq!((&back["state"], back.get("together")), (&json!("open"), None));
    let seen = play.view(BEN).await;
    assert_eq!(seen["theirs"], json!({"has_left": false, "has_shared": false}));
    assert!(seen.get("together").is_none() && !seen.to_string().contains("I wait"), "{seen}");
}

#[tokio::test]
async fn nobody_else_finds_a_mediation() {
    let play = Play::shared(Stage::new()).await;
    for (who, status) in [(ANA, 200), (BEN, 200), ("cara", 404)] {
        assert_eq!(play.stage.get(&play.path).by(who).send().await.status, status, "{who}");
    }
    // The same subject of another issuer is somebody else.
    let foreign = play.stage.get(&play.path).by(ANA).claiming(|claims| {
        claims.rctx.iss = Some("https://other.watchgate.test".to_owned());
    });
    assert_eq!(foreign.send().await.status, 404);
    for (what, body) in [
        ("account", json!({"text": "I"})),
        ("restatement", json!({"text": "I", "share": true})),
        ("agreement", json!({"text": "I"})),
        ("outcome", json!({"held": true})),
    ] {
        assert_eq!(play.refused("cara", what, &body).await, 404, "{what}");
    }
    assert_eq!(play.leave("cara").await, 404);
    assert_eq!(play.list("cara").await, [Value::Null; 0]);
    assert_eq!((play.list(ANA).await.len(), play.list(BEN).await.len()), (1, 1));
}

#[tokio::test]
async fn without_a_model_a_form_asks_and_says_that_it_is_one() {
    let play = Play::begun(Stage::new()).await;
    let answers = json!({"what_happened": "Reviews came at night.", "what_you_need": "Sleep. ", "what_it_cost": " "});
    let told = play.take(ANA, "account", &json!({"answers": answers})).await;
    assert_eq!(told["yours"]["restatement"], "What happened: Reviews came at night.\n\nWhat I need: Sleep.");
    assert_eq!(told["yours"]["made_by"], json!({"kind": "form"}));
    assert!(told["note"].as_str().unwrap().starts_with("No model helps here"), "{told}");
    assert!(told.get("form").is_none(), "{told}");

    let play = Play::shared(play.stage).await;
    let seen = play.view(ANA).await;
    assert_eq!(seen["together"]["made_by"], json!({"kind": "form"}));
    assert_eq!(
        (seen["together"]["common"].clone(), seen["together"]["next_steps"].as_array().unwrap().len()),
        (json!([]), 3)
    );
    assert!(seen["yours"]["draft"].as_str().unwrap().contains("I wait for reviews."), "{seen}");
}
