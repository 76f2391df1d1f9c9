//! Nothing is lost and nothing is told twice, whoever ends when.

use super::*;
use crate::backbone::retention::{Class, Limits, Retention};

/// What must be the same however often somebody ended: all but where an event stands and when it was told.
fn content(said: &[Value]) -> Vec<Value> {
    let content = said.iter().map(|event| {
        let mut data = event["data"].clone();
        data.as_object_mut().unwrap().remove("evidence");
        json!({"id": event["id"], "type": event["type"], "subject": event["subject"], "data": data})
    });
    content.collect()
}

#[tokio::test]
async fn what_goes_wrong_with_one_cause_is_one_incident_that_is_opened_and_resolved_once() {
    let stage = played().await;
    let said = said(&stage).await;
    let opened = of_type(&said, "opened");
    assert_eq!((opened.len(), of_type(&said, "resolved").len()), (1, 1), "{said:#?}");
    let id = opened[0]["data"]["incident"].as_str().unwrap();
    for (number, event) in said.iter().enumerate() {
        assert_eq!(event["id"], format!("{id}.{}", number + 1));
        assert_eq!((&event["subject"], &event["correlationid"]), (&json!(id), &json!(id)));
    }
    let last = said.last().unwrap();
    assert_eq!(last["data"]["devices"], json!(["console-1", "console-3"]));
    assert_eq!(last["data"]["moved"][0]["metric"], "FrameTime");
    let listed = stage.get("/v1/incidents?state=resolved&device=console-3").send().await;
    assert_eq!(listed.json["incidents"][0]["incident"], id);
    for nothing in ["state=open", "device=console-2"] {
        let listed = stage.get(&format!("/v1/incidents?{nothing}")).send().await;
        assert_eq!(listed.json["incidents"], json!([]), "{nothing}");
    }
    let one = stage.get(&format!("/v1/incidents/{id}")).send().await;
    assert_eq!(one.json["state"], "resolved");
    let evidence = one.json["evidence"].as_array().unwrap();
    let position = evidence[0].as_u64().unwrap();
    let page = stage.get(&format!("/v1/events?after={}&limit=1", position - 1)).send().await;
    assert_eq!(page.json["events"][0]["event"]["type"], EVENT_TYPE, "{}", page.json);
    assert_eq!(stage.get("/v1/incidents/nobody").send().await.status, 404);
}

#[tokio::test]
async fn whoever_ends_at_any_moment_the_same_is_said_as_if_nobody_had() {
    let expected = content(&said(&played().await).await);
    assert!(expected.len() >= 2);
    for seed in 1..=4_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut stage = Stage::new();
        let start = millis(stage.clock.now());
        send_second(&stage, start, 0).await;
        let (mut following, mut ends) = (follower(&stage).await, 0);
        for number in 1..PLAYED {
            send_second(&stage, start, number).await;
            // It may have judged this and told of it, or not; the next one does not know.
            let moments = dice.below(40);
            if moments == 0 {
                look(&mut following).await;
            }
            if moments == 1 || moments == 2 {
                following.begin_checkpoint().await.unwrap();
                for _ in 0..dice.below(4) {
                    following.write_some().await.unwrap();
                }
            }
            if moments <= 3 {
                drop(following);
                ends += 1;
                if dice.below(3) == 0 {
                    stage = stage.restarted();
                }
                following = follower(&stage).await;
            }
            if dice.below(60) == 0 {
                following.begin_checkpoint().await.unwrap();
                while following.write_some().await.unwrap() {}
            }
            look_and_tick(&mut following).await;
        }
        let said = content(&said(&stage).await);
        assert_eq!(said, expected, "seed {seed}, {ends} ends");
        println!("seed {seed}: {} events told, {ends} ends", said.len());
        assert!(ends > 10);
    }
}

#[tokio::test]
async fn where_what_was_known_is_not_readable_all_is_learnt_anew_and_what_was_open_is_over() {
    let stage = Stage::new();
    let start = millis(stage.clock.now());
    send_second(&stage, start, 0).await;
    let mut following = follower(&stage).await;
    for number in 1..IS_WELL_AGAIN {
        send_second(&stage, start, number).await;
        look_and_tick(&mut following).await;
    }
    assert_eq!(of_type(&said(&stage).await, "opened").len(), 1);
    following.begin_checkpoint().await.unwrap();
    while following.write_some().await.unwrap() {}
    drop(following);
    // Another program has written it in another form.
    for bucket in ["incidents.book", "incidents.series"] {
        for entry in stage.state.backbone.list(bucket, None, 100).await.unwrap() {
            let value = Some([&entry.value[..12], b"another form"].concat());
            let (key, expected_revision) = (entry.key, Some(entry.revision));
            let put = Put { bucket, key, value, expected_revision, expires_at: None };
            stage.state.backbone.commit(backbone::Batch { events: Vec::new(), puts: vec![put] }).await.unwrap();
        }
    }
    let mut following = follower(&stage).await;
    let all = said(&stage).await;
    assert_eq!((of_type(&all, "opened").len(), of_type(&all, "resolved").len()), (1, 1));
    for number in IS_WELL_AGAIN..IS_WELL_AGAIN + 20 {
        send_second(&stage, start, number).await;
        look_and_tick(&mut following).await;
    }
    assert_eq!(said(&stage).await.len(), all.len());
    assert_eq!(following.census().await.series, 8);
}

/// The bytes of a book whose form has another number, and which are else the same.
fn of_another_form(mut entry: Vec<u8>) -> Vec<u8> {
    // Before it: the head of the piece, the silences as `[]` with their length, and its own length of a varying number of bytes.
    let length = entry[15..].iter().position(|byte| byte & 0x80 == 0).unwrap();
    entry[15 + length + 2] ^= 0x7f;
    entry
}

#[tokio::test]
async fn where_the_book_has_another_form_of_the_same_length_what_is_kept_of_series_is_not_read_either() {
    let stage = Stage::new();
    let start = millis(stage.clock.now());
    send_second(&stage, start, 0).await;
    let mut following = follower(&stage).await;
    for number in 1..GOES_BAD {
        send_second(&stage, start, number).await;
        look_and_tick(&mut following).await;
    }
    following.begin_checkpoint().await.unwrap();
    while following.write_some().await.unwrap() {}
    drop(following);
    for entry in stage.state.backbone.list("incidents.book", None, 100).await.unwrap() {
        let (key, expected_revision) = (entry.key, Some(entry.revision));
        let value = Some(of_another_form(entry.value));
        let put = Put { bucket: "incidents.book", key, value, expected_revision, expires_at: None };
        stage.state.backbone.commit(backbone::Batch { events: Vec::new(), puts: vec![put] }).await.unwrap();
    }
    drop(follower(&stage).await);
    // Whoever goes on from the book of whoever has begun anew reads none of it either.
    let mut following = follower(&stage).await;
    assert_eq!(following.census().await.devices, 0);
    for number in GOES_BAD..GOES_BAD + 30 {
        send_second(&stage, start, number).await;
        look_and_tick(&mut following).await;
        assert_eq!(following.census().await.alarms, 0, "nobody knows what was usual, at {number}");
    }
}

#[tokio::test]
async fn samples_that_the_log_has_let_go_are_done_without() {
    let stage = Stage::new();
    let start = millis(stage.clock.now());
    send_second(&stage, start, 0).await;
    let mut following = follower(&stage).await;
    for number in 1..20 {
        send_second(&stage, start, number).await;
        look_and_tick(&mut following).await;
    }
    // As if they had been judged and were gone.
    following.place.place.heard += 7;
    following.write(Vec::new(), Vec::new()).await.unwrap();
    drop(following);
    let mut following = follower(&stage).await;
    send_second(&stage, start, 20).await;
    look_and_tick(&mut following).await;
    assert!(said(&stage).await.is_empty());
}

#[tokio::test]
async fn an_incident_whose_samples_the_log_has_let_go_before_there_was_a_checkpoint_of_it_is_over() {
    let limits = Limits { max_age: Some(std::time::Duration::from_secs(3600)), max_bytes: None };
    let class = Class { name: "samples".to_owned(), types: vec![EVENT_TYPE.to_owned()], limits };
    let retention = Retention { classes: vec![class], ..Retention::default() };
    let stage = Stage::in_folder(tempfile::tempdir().unwrap(), retention);
    let start = millis(stage.clock.now());
    send_second(&stage, start, 0).await;
    let mut following = follower(&stage).await;
    for number in 1..IS_WELL_AGAIN {
        send_second(&stage, start, number).await;
        look_and_tick(&mut following).await;
        if number == GOES_BAD - 1 {
            following.begin_checkpoint().await.unwrap();
            while following.write_some().await.unwrap() {}
        }
        if !said(&stage).await.is_empty() {
            break;
        }
    }
    let cursor = following.place.place.cursor;
    assert_eq!((of_type(&said(&stage).await, "opened").len(), following.census().await.incidents), (1, 1));
    drop(following);
    stage.clock.advance(std::time::Duration::from_secs(2 * 3600));
    // The newest samples are kept whatever their age: of these nothing has been judged.
    send(&stage, [event(&second("console-5", millis(stage.clock.now()), 0, false))]).await;
    let gone = async {
        while crate::incidents::first_samples(&*stage.state.backbone).await.unwrap().is_none_or(|first| first <= cursor)
        {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), gone).await.unwrap();
    for _ in 0..2 {
        let following = follower(&stage).await;
        assert_eq!(following.census().await.incidents, 0);
        assert_eq!(of_type(&said(&stage).await, "resolved").len(), 1);
        assert_eq!(stage.get("/v1/incidents?state=open").send().await.json["incidents"], json!([]));
    }
}

#[tokio::test]
async fn where_no_device_has_ever_sent_anything_nothing_is_written_and_the_first_samples_are_judged() {
    let stage = Stage::new();
    let diagnosing = tokio::spawn(crate::incidents::diagnose_for_ever(stage.state.clone()));
    let mut other = event(&second("console-1", 0, 0, false));
    other["type"] = json!("com.example.other");
    send(&stage, [other]).await;
    assert_eq!(stage.state.backbone.get("incidents.lease", "watching".to_owned()).await.unwrap(), None);
    send_second(&stage, millis(stage.clock.now()), 0).await;
    let mut newest = stage.state.backbone.newest_revision();
    let written = async {
        while stage.state.backbone.get("incidents.place", "log".to_owned()).await.unwrap().is_none() {
            newest.changed().await.unwrap();
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), written).await.unwrap();
    stage.state.ending.send_replace(true);
    tokio::time::timeout(std::time::Duration::from_secs(60), diagnosing).await.unwrap().unwrap();
}
