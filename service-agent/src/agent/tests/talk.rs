//! What agent and service say to each other while a command is carried out.

use super::*;

/// What was sent to `what`, in order.
#[derive(Clone, Default)]
struct Bodies(Arc<Mutex<Vec<(String, Value)>>>);

impl Bodies {
    fn keep(&self, what: &str, body: &Value) {
        self.0.lock().unwrap().push((what.to_owned(), body.clone()));
    }

    fn of(&self, what: &str) -> Vec<Value> {
        self.0.lock().unwrap().iter().filter(|(to, _)| to == what).map(|(_, body)| body.clone()).collect()
    }
}

async fn hearing(
    command: Value,
    answer: impl Fn(&str, usize) -> Value + Clone + Send + Sync + 'static,
) -> (FakeGateway, Bodies) {
    let bodies = Bodies::default();
    let heard = bodies.clone();
    let fake = with_command(command, move |what, count, body| {
        heard.keep(what, body);
        at_once(200, answer(what, count))
    });
    (fake.await, bodies)
}

#[tokio::test]
async fn a_command_says_all_that_the_service_says_of_it_and_an_older_one_says_less() {
    let new = json!({"id": "c-1", "runbook": "r", "runbook_digest": "d", "parameters": {}, "timeout_seconds": 60,
        "dry_run": false, "attempt": 2, "more": "than is known"});
    for (command, expected) in [(new, ("d", 2)), (a_command(), ("", 1))] {
        let (fake, bodies) = hearing(command, |_, _| json!({})).await;
        let carry_out = async |command: Command, _: Progress| {
            Outcome::Succeeded(json!([command.runbook_digest, command.attempt, command.dry_run, command.fence]))
        };
        fake.agent.run(carry_out, fake.until("lease", 2)).await;
        let result = json!([expected.0, expected.1, false, 1]);
        assert_eq!(bodies.of("result"), [json!({"fence": 1, "outcome": "succeeded", "result": result})]);
    }
}

#[tokio::test]
async fn all_output_arrives_before_the_result() {
    let (fake, bodies) = hearing(a_command(), |_, _| json!({})).await;
    let carry_out = async |_: Command, progress: Progress| {
        progress.output("first\n");
        fake.until("output", 1).await;
        progress.output("second\n");
        Outcome::Failed("no".to_owned())
    };
    fake.agent.run(carry_out, fake.until("lease", 2)).await;
    let pieces =
        [json!({"fence": 1, "offset": 0, "text": "first\n"}), json!({"fence": 1, "offset": 6, "text": "second\n"})];
    assert_eq!(bodies.of("output"), pieces);
    let log = fake.log.lock().unwrap();
    let told = log.iter().position(|entry| entry == "result").unwrap();
    assert!(log.iter().rposition(|entry| entry == "output answered 200").unwrap() < told, "{log:?}");
}

#[tokio::test]
async fn whoever_is_asked_to_stop_hears_of_it_with_a_heartbeat_and_ends_as_canceled() {
    let (fake, bodies) = hearing(a_command(), |what, count| json!({"stop": what == "heartbeat" && count > 1})).await;
    let carry_out = async |_: Command, progress: Progress| {
        progress.report(10, "beginning");
        progress.stop_asked().await;
        Outcome::Canceled("half of it is done".to_owned())
    };
    fake.agent.run(carry_out, fake.until("lease", 2)).await;
    let result = json!({"fence": 1, "outcome": "canceled", "result": null, "message": "half of it is done"});
    assert_eq!(bodies.of("result"), [result]);
}

#[tokio::test]
async fn phases_go_out_in_order_and_none_is_taken_back() {
    let (fake, bodies) = hearing(a_command(), |_, _| json!({})).await;
    let carry_out = async |_: Command, progress: Progress| {
        progress.verifying();
        fake.until("heartbeat", 2).await;
        progress.rolling_back();
        progress.verifying();
        fake.until("heartbeat", 3).await;
        Outcome::Failed("it did not hold".to_owned())
    };
    fake.agent.run(carry_out, fake.until("lease", 2)).await;
    let phases: Vec<_> = bodies.of("heartbeat").iter().map(|body| body["phase"].clone()).collect();
    assert_eq!(phases, [json!(null), json!("verifying"), json!("rolling_back")]);
}

#[tokio::test]
async fn the_allowed_time_begins_anew_with_each_phase() {
    let mut command = a_command();
    command["timeout_seconds"] = json!(1);
    let (fake, bodies) = hearing(command, |_, _| json!({})).await;
    let carry_out = async |_: Command, progress: Progress| {
        sleep(Duration::from_millis(600)).await;
        progress.verifying();
        sleep(Duration::from_millis(700)).await;
        progress.rolling_back();
        std::future::pending().await
    };
    let begun = Instant::now();
    fake.agent.run(carry_out, fake.until("lease", 2)).await;
    assert!(bodies.of("result")[0]["message"].as_str().unwrap().contains("longer than its runbook allows"));
    assert!(begun.elapsed() > Duration::from_millis(2200), "ended after {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_dry_run_is_only_for_agents_that_have_one() {
    for has_dry_run in [false, true] {
        let mut command = a_command();
        command["dry_run"] = json!(true);
        let (mut fake, bodies) = hearing(command, |_, _| json!({})).await;
        if has_dry_run {
            fake.agent = fake.agent.with_dry_run();
        }
        let called = Mutex::new(false);
        let carry_out = async |command: Command, _: Progress| {
            *called.lock().unwrap() = command.dry_run;
            Outcome::Succeeded(json!("would do it"))
        };
        fake.agent.run(carry_out, fake.until("lease", 2)).await;
        assert_eq!(*called.lock().unwrap(), has_dry_run);
        let told = &bodies.of("result")[0];
        let expected = if has_dry_run { json!(null) } else { json!("this service has no dry run") };
        assert_eq!(told["message"], expected);
    }
}
