//! A model that puts whatever it has ever been shown, in any conversation, into its answers: nothing of one side's private words
//! reaches the other side, the log, the events, the measures or a prompt of the other side.

use std::io::Write;

use tracing::instrument::WithSubscriber;

use super::*;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// In one way or the other.
fn telling(write: fn(&str) -> String) -> Scripted {
    Scripted::new(move |prompts| {
        let own = |prompt: &Prompt| match prompt.messages.last() {
            Some(Message::User(text)) => text.clone(),
            other => panic!("{other:?}"),
        };
        let all = prompts.iter().map(|prompt| write(&own(prompt))).collect::<Vec<_>>();
        Ok(if shown(prompts.last().unwrap()).contains("JSON object") {
            let drafts = all.join("\n");
            json!({"common": all, "open": all, "next_steps": all, "first_draft": drafts, "second_draft": drafts})
                .to_string()
        } else {
            all.join("\n")
        })
    })
}

/// What the model is asked when it knows both: after two answers that are withheld it is asked nothing.
#[derive(Clone, Copy)]
enum AskedLast {
    OfAna,
    OfBoth,
}

/// What goes on between both, with a word of each for the telling model to hide what it knows behind.
async fn play_with(model: &Scripted, asked_last: AskedLast) -> Play {
    let play = Play::begun(model.stage()).await;
    play.take(ANA, "account", &json!({"text": OF_ANA})).await;
    play.take(BEN, "account", &json!({"text": OF_BEN})).await;
    match asked_last {
        AskedLast::OfAna => drop(play.take(ANA, "account", &json!({"text": format!("{OF_ANA} Truly.")})).await),
        AskedLast::OfBoth => {}
    }
    play.take(ANA, "restatement", &json!({"text": "I wait for reviews.", "share": true})).await;
    play.take(BEN, "restatement", &json!({"text": "I get reviews at night.", "share": true})).await;
    tracing::info!("the play is over");
    play
}

#[tokio::test]
async fn nothing_of_one_side_reaches_the_other_the_log_the_events_or_a_prompt() {
    let ways: [fn(&str) -> String; 5] = [
        str::to_owned,
        |text| text.to_uppercase(),
        |text| text.split(' ').rev().collect::<Vec<_>>().join(" "),
        |text| text.replace(' ', ".\n\n"),
        |text| text.chars().map(|character| format!("{character}-")).collect(),
    ];
    for (write, asked_last) in
        ways.into_iter().flat_map(|write| [(write, AskedLast::OfAna), (write, AskedLast::OfBoth)])
    {
        let model = telling(write);
        let log = Log::default();
        let writer = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone());
        let play = play_with(&model, asked_last).with_subscriber(subscriber.finish()).await;
        let lower = |told: Value| Value::from(told.to_string().to_lowercase());
        let squeezed = |told: &Value| Value::from(told.to_string().replace('-', ""));
        for (reader, secret) in [(BEN, OF_ANA), (ANA, OF_BEN)] {
            let view = lower(play.view(reader).await);
            let secret = secret.to_lowercase();
            assert_eq!((tells(&view, &secret), tells(&squeezed(&view), &secret)), (Vec::new(), Vec::new()), "{view}");
            let listed = lower(Value::from(play.list(reader).await));
            assert_eq!(tells(&listed, &secret), [""; 0]);
        }
        let both = format!("{OF_ANA} {OF_BEN} I wait for reviews.").to_lowercase();
        let events = lower(play.stage.get("/v1/events?limit=100").send().await.json);
        assert_eq!(tells(&events, &both), [""; 0]);
        let log = Value::from(log.text().to_lowercase());
        assert!(log.to_string().contains("the play is over"), "the log is not this one's: {log}");
        assert_eq!(tells(&log, &both), [""; 0]);
        let metrics = play.stage.get("/metrics").open().await;
        let metrics = axum::body::to_bytes(metrics.into_body(), usize::MAX).await.unwrap();
        let metrics = String::from_utf8(metrics.to_vec()).unwrap();
        assert!(metrics.contains("/v1/mediations"), "{metrics}");
        assert_eq!(tells(&Value::from(metrics.to_lowercase()), &both), [""; 0]);
        for prompt in model.prompts() {
            let other = if prompt.account.ends_with(ANA) { OF_BEN } else { OF_ANA };
            assert_eq!(tells(&Value::from(shown(&prompt)), other), [""; 0]);
        }
        let own = play.view(ANA).await["yours"]["account"].clone();
        assert!(own.as_str().unwrap().starts_with(OF_ANA), "the side itself reads what it has said");
        assert_eq!(model.prompts().len(), 3, "it was asked when it knew both");
    }
}

#[tokio::test]
async fn one_that_knew_of_nothing_else_is_told_as_it_is() {
    // The same model, asked by one side alone: that nothing was told above is not because it says nothing.
    let play = Play::begun(telling(str::to_owned).stage()).await;
    let told = play.take(ANA, "account", &json!({"text": OF_ANA})).await;
    assert_eq!(told["yours"]["restatement"], OF_ANA);
    assert_eq!(told["yours"]["made_by"]["kind"], "model");
}
