//! What time does to insights.

use super::*;

#[tokio::test]
async fn an_insight_is_told_anew_once_a_minute_and_only_when_it_counts_more() {
    let stage = Stage::new();
    let mut follower = follower(&stage.state, &watch("")).await;
    send(&stage, [stuck(0, "mailer")]).await;
    catch_up(&mut follower).await;
    let mut told = Vec::new();
    for id in 1..=12 {
        stage.clock.advance(Duration::from_secs(20));
        send(&stage, [stuck(id, "mailer")]).await;
        look(&mut follower).await;
        follower.sweep(true).await.unwrap();
        told.push(of_type(&said(&stage).await, "updated").len());
    }
    assert_eq!(told, [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4]);
    let updated = of_type(&said(&stage).await, "updated");
    assert_eq!(updated.iter().map(|data| data["count"].clone()).collect::<Vec<_>>(), [4, 7, 10, 13]);
    for _ in 0..10 {
        stage.clock.advance(minutes(1));
        follower.sweep(true).await.unwrap();
    }
    assert_eq!(of_type(&said(&stage).await, "updated").len(), 4, "nothing new was told");
}

#[tokio::test]
async fn after_a_quiet_time_it_ends_and_the_next_one_is_another() {
    let stage = Stage::new();
    let mut follower = follower(&stage.state, &watch("cooldown: 10m")).await;
    send(&stage, [stuck(0, "mailer")]).await;
    catch_up(&mut follower).await;
    for id in 1..4 {
        stage.clock.advance(minutes(9));
        send(&stage, [stuck(id, "mailer")]).await;
        catch_up(&mut follower).await;
        follower.sweep(true).await.unwrap();
    }
    assert_eq!(of_type(&said(&stage).await, "ended").len(), 0, "each came before it was quiet for ten minutes");
    stage.clock.advance(minutes(10));
    follower.sweep(false).await.unwrap();
    assert_eq!(of_type(&said(&stage).await, "ended").len(), 0, "not all that has come was counted");
    follower.sweep(true).await.unwrap();
    send(&stage, [stuck(9, "mailer")]).await;
    catch_up(&mut follower).await;
    let said = said(&stage).await;
    let (created, ended) = (of_type(&said, "created"), of_type(&said, "ended"));
    assert_eq!((created.len(), ended.len()), (2, 1));
    assert_eq!((&ended[0]["insight"], &ended[0]["count"]), (&created[0]["insight"], &json!(4)));
    assert_eq!(ended[0]["state"], "ended");
    assert_ne!(created[0]["insight"], created[1]["insight"]);
}

#[tokio::test]
async fn what_was_not_enough_is_forgotten() {
    let stage = Stage::new();
    let mut follower = follower(&stage.state, &watch("atLeast: 2\nwindow: 5m")).await;
    send(&stage, [stuck(0, "mailer")]).await;
    look(&mut follower).await;
    stage.clock.advance(minutes(9));
    follower.sweep(true).await.unwrap();
    assert_eq!(follower.book.windows.len(), 1, "another one may come late");
    stage.clock.advance(minutes(1));
    follower.sweep(true).await.unwrap();
    assert!(follower.book.windows.is_empty());
    let again = super::follower(&stage.state, &watch("atLeast: 2\nwindow: 5m")).await;
    assert!(again.book.windows.is_empty());
    assert!(said(&stage).await.is_empty());
}
