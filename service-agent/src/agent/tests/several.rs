//! Several commands at once, and the agent's end.

use super::*;

/// A gateway that never runs out of commands.
async fn busy() -> FakeGateway {
    FakeGateway::new(|what, count, _| match what {
        "lease" => {
            let mut command = a_command();
            command["id"] = json!(format!("c-{count}"));
            at_once(200, json!({"command": command, "fence": 1}))
        }
        _ => at_once(200, json!({})),
    })
    .await
}

#[tokio::test]
async fn as_many_commands_as_are_allowed_are_carried_out_at_once_and_no_more() {
    for (allowed, agent) in [(1, None), (3, Some(3)), (1, Some(0))] {
        let mut fake = busy().await;
        if let Some(commands) = agent {
            fake.agent = fake.agent.at_once(commands);
        }
        let (now, most) = (Mutex::new(0), Mutex::new(0));
        let carry_out = async |_: Command, _: Progress| {
            *now.lock().unwrap() += 1;
            let running = *now.lock().unwrap();
            let before = *most.lock().unwrap();
            *most.lock().unwrap() = running.max(before);
            sleep(Duration::from_millis(100)).await;
            *now.lock().unwrap() -= 1;
            Outcome::Succeeded(json!({}))
        };
        fake.agent.run(carry_out, fake.until("result", 6)).await;
        assert_eq!(*most.lock().unwrap(), allowed, "allowed {agent:?}");
    }
}

#[tokio::test]
async fn what_is_under_way_at_the_agents_end_is_finished_and_nothing_new_is_begun() {
    let fake = busy().await;
    let carry_out = async |_: Command, _: Progress| {
        sleep(Duration::from_millis(300)).await;
        Outcome::Succeeded(json!({}))
    };
    fake.agent.run(carry_out, fake.until("heartbeat", 1)).await;
    assert_eq!((fake.count("lease"), fake.count("result answered 200")), (1, 1));
}

#[tokio::test]
async fn what_takes_too_long_at_the_agents_end_is_dropped_and_told_as_failed() {
    let told = Arc::new(Mutex::new(Value::Null));
    let kept = Arc::clone(&told);
    let mut fake = with_one_command(move |what, _, body| {
        if what == "result" {
            *kept.lock().unwrap() = body.clone();
        }
        at_once(200, json!({}))
    })
    .await;
    fake.agent = fake.agent.end_within(Duration::from_millis(300));
    let begun = Instant::now();
    let carry_out = async |_: Command, progress: Progress| {
        progress.output("half of it");
        std::future::pending().await
    };
    fake.agent.run(carry_out, fake.until("heartbeat", 1)).await;
    assert_eq!(told.lock().unwrap()["message"], "stopped: the service ended");
    assert_eq!(fake.count("output answered 200"), 1);
    assert!(begun.elapsed() >= Duration::from_millis(300) && begun.elapsed() < Duration::from_secs(5));
}
