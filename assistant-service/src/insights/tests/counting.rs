//! What makes an insight, and what it says.

use super::*;
use crate::clock::Clock;
use crate::insights::following::{MOST_WINDOWS, OTHERS};

#[tokio::test]
async fn three_reports_of_a_stuck_worker_are_one_insight_with_evidence_a_source_and_a_runbook() {
    let stage = Stage::new();
    let mut follower = follower(&stage.state, &example("stuck-worker")).await;
    send(&stage, [stuck(1, "mailer"), stuck(2, "thumbnailer"), stuck(3, "mailer")]).await;
    catch_up(&mut follower).await;
    assert_eq!(said(&stage).await, Vec::<Value>::new(), "two of one worker are not enough");
    send(&stage, [stuck(4, "mailer"), event(5, json!({"worker": "thumbnailer", "state": "idle"}))]).await;
    catch_up(&mut follower).await;

    let said = said(&stage).await;
    assert_eq!(said.len(), 1, "{said:?}");
    let data = &said[0]["data"];
    assert_eq!(said[0]["type"], "dev.watchgate.insight.created");
    assert_eq!((&said[0]["subject"], &said[0]["authtype"]), (&data["insight"], &json!("system")));
    assert_eq!(data["watch"], "stuck-worker");
    assert_eq!(data["key"], json!({"data:/worker": "mailer"}));
    assert_eq!((&data["count"], &data["state"]), (&json!(3), &json!("open")));
    let ids: Vec<_> = data["evidence"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, ["event-1", "event-3", "event-4"]);
    assert_eq!(data["judgement"], "likely", "{data}");
    let citations = data["citations"].as_array().unwrap();
    assert!(citations.iter().any(|citation| citation["file"] == "checkout.md"), "{data}");
    assert_eq!(data["proposal"]["runbook"], "restart-worker", "{data}");
    assert_eq!(data["proposal"]["parameters"], json!({"worker": "mailer"}));
    assert_eq!(data["made_by"], json!({"kind": "documents"}));
}

#[tokio::test]
async fn the_other_example_finds_its_runbook_too() {
    let stage = Stage::new();
    let mut follower = follower(&stage.state, &example("full-disk")).await;
    let disk = |id: usize, used: f64| {
        let mut event = event(id, json!({"used_percent": used}));
        (event["type"], event["subject"]) = (json!("com.example.telemetry.disk"), json!("checkout"));
        event
    };
    send(&stage, [disk(1, 85.0), disk(2, 85.1), disk(3, 99.0)]).await;
    catch_up(&mut follower).await;
    let created = of_type(&said(&stage).await, "created");
    assert_eq!(created.len(), 1);
    assert_eq!((&created[0]["count"], &created[0]["judgement"]), (&json!(2), &json!("likely")), "{created:?}");
    assert_eq!(created[0]["proposal"]["runbook"], "rotate-logs", "{created:?}");
}

#[tokio::test]
async fn an_alert_that_fires_23_696_times_is_one_insight_that_counts() {
    const TIMES: usize = 23_696;
    let stage = Stage::new();
    let mut follower = follower(&stage.state, &watch("atLeast: 3")).await;
    for first in (0..TIMES).step_by(1000) {
        send(&stage, (first..TIMES.min(first + 1000)).map(|id| stuck(id, "mailer"))).await;
    }
    look(&mut follower).await;
    follower.sweep(true).await.unwrap();
    follower.ask_and_tell().await.unwrap();
    stage.clock.advance(minutes(1));
    follower.sweep(true).await.unwrap();
    stage.clock.advance(minutes(30));
    follower.sweep(true).await.unwrap();

    let said = said(&stage).await;
    let (created, ended) = (of_type(&said, "created"), of_type(&said, "ended"));
    println!("{TIMES} events: {} insight events", said.len());
    assert_eq!((created.len(), ended.len(), said.len()), (1, 1, 2));
    assert_eq!((&created[0]["count"], &ended[0]["count"]), (&json!(TIMES), &json!(TIMES)));
    let evidence: Vec<_> = created[0]["evidence"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    let named: Vec<_> = (0..10).chain(TIMES - 10..TIMES).map(|id| json!(format!("event-{id}"))).collect();
    assert_eq!(evidence, named);
}

#[tokio::test]
async fn events_make_an_insight_only_when_they_happened_close_together() {
    let now = Stage::new().clock.now();
    for (ago_seconds, is_insight) in [
        ([600, 300, 0], false),
        ([120, 60, 0], true),
        // Late ones: what counts is when it happened, not in which order it came.
        ([0, 120, 60], true),
        ([100_000, 99_990, 99_980], true),
        ([301, 150, 0], false),
    ] {
        let stage = Stage::new();
        let mut follower = follower(&stage.state, &watch("atLeast: 3\nwindow: 5m")).await;
        let events = ago_seconds.iter().enumerate();
        let events = events.map(|(id, ago)| at(stuck(id, "mailer"), now - time::Duration::seconds(*ago)));
        send(&stage, events).await;
        catch_up(&mut follower).await;
        assert_eq!(said(&stage).await.len(), usize::from(is_insight), "{ago_seconds:?}");
    }
}

#[tokio::test]
async fn one_event_with_a_wrong_time_does_not_hide_the_others() {
    let stage = Stage::new();
    let mut follower = follower(&stage.state, &watch("atLeast: 3\nwindow: 5m")).await;
    let long_ago = stage.clock.now() - time::Duration::days(3);
    let in_the_future = stage.clock.now() + time::Duration::days(3);
    send(&stage, [at(stuck(0, "mailer"), in_the_future)]).await;
    send(&stage, (1..4).map(|id| at(stuck(id, "mailer"), long_ago))).await;
    catch_up(&mut follower).await;
    assert_eq!(of_type(&said(&stage).await, "created").len(), 1);
}

#[tokio::test]
async fn insights_wake_no_watch() {
    let stage = Stage::new();
    let text = "name: any\nfilter: {text: mailer}\nquestion: How do I restart the mailer?";
    let mut follower = follower(&stage.state, &Arc::new(watch::read(text).unwrap())).await;
    send(&stage, [stuck(1, "mailer")]).await;
    catch_up(&mut follower).await;
    assert_eq!(said(&stage).await.len(), 1);
    let mut forged = stuck(2, "mailer");
    forged["type"] = json!("dev.watchgate.insight.created");
    send(&stage, [forged]).await;
    catch_up(&mut follower).await;
    stage.clock.advance(minutes(1));
    follower.sweep(true).await.unwrap();
    assert_eq!(of_type(&said(&stage).await, "updated"), Vec::<Value>::new());
}

#[tokio::test]
async fn an_insight_belongs_to_what_all_its_events_belong_to() {
    for (correlations, expected) in [
        ([Some("order-1"), Some("order-1")], json!("order-1")),
        ([Some("order-1"), Some("order-2")], Value::Null),
        ([Some("order-1"), None], Value::Null),
        ([None, None], Value::Null),
    ] {
        let stage = Stage::new();
        let mut follower = follower(&stage.state, &watch("atLeast: 2")).await;
        for (id, correlation) in correlations.into_iter().enumerate() {
            let mut event = stuck(id, "mailer");
            if let Some(correlation) = correlation {
                event["correlationid"] = json!(correlation);
            }
            send(&stage, [event]).await;
        }
        catch_up(&mut follower).await;
        assert_eq!(said(&stage).await[0]["correlationid"], expected, "{correlations:?}");
    }
}

#[tokio::test]
async fn whoever_invents_keys_fills_no_store_and_hides_no_event() {
    const KEYS: usize = MOST_WINDOWS + 300;
    let stage = Stage::new();
    let mut follower = follower(&stage.state, &watch("groupBy: ['data:/worker']\nbudget: {insightsPerHour: 0}")).await;
    send(&stage, (0..KEYS).map(|id| stuck(id, &format!("worker-{id}")))).await;
    catch_up(&mut follower).await;
    let created = of_type(&said(&stage).await, "created");
    assert_eq!(created.len(), MOST_WINDOWS + 1);
    assert_eq!(created[MOST_WINDOWS]["key"], json!({OTHERS: null}));
    assert_eq!(follower.book.windows[OTHERS].tally().unwrap().count, 300);
}

#[tokio::test]
async fn what_has_come_to_nothing_makes_room() {
    let stage = Stage::new();
    let changes = "groupBy: ['data:/worker']\natLeast: 2\nbudget: {insightsPerHour: 0}";
    let mut follower = follower(&stage.state, &watch(changes)).await;
    send(&stage, (0..MOST_WINDOWS).map(|id| stuck(id, &format!("worker-{id}")))).await;
    look(&mut follower).await;
    stage.clock.advance(Duration::from_secs(1));
    send(&stage, [stuck(5000, "one-more"), stuck(5001, "one-more")]).await;
    look(&mut follower).await;
    let created = of_type(&said(&stage).await, "created");
    assert_eq!(created.len(), 1);
    assert_eq!(created[0]["key"], json!({"data:/worker": "one-more"}));
    assert_eq!(follower.book.windows.len(), MOST_WINDOWS);
    let again = super::follower(&stage.state, &watch(changes)).await;
    assert_eq!(again.book.windows, follower.book.windows, "what is kept is what is known");
}
