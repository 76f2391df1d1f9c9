use super::*;

/// As nats-server 2.15.1 answers with `sync_interval: always`: the interval is that of the default all the same.
const ALWAYS: &str = r#"{"server":{"name":"nats-1","host":"127.0.0.1","id":"NAFAENBCW6HJBSP4SE3MR73ILXUNH6K6WLWOXKY2GWPKE4G244QJRFMH","ver":"2.15.1","feature_flags":{"js_ack_fc_v2":false,"js_api_reply_v2":false,"js_raft_delete_range":true,"js_snapshot_sources":false},"jetstream":true,"flags":7,"seq":12,"time":"2026-11-26T11:23:47.362423216Z"},"data":{"memory":0,"storage":0,"reserved_memory":0,"reserved_storage":0,"accounts":1,"ha_assets":0,"api":{"level":5,"total":0,"errors":0},"server_id":"NAFAENBCW6HJBSP4SE3MR73ILXUNH6K6WLWOXKY2GWPKE4G244QJRFMH","now":"2026-11-26T11:23:47.362410517Z","config":{"max_memory":67108864,"max_storage":68719476736,"store_dir":"/var/lib/nats/jetstream","sync_interval":120000000000,"sync_always":true,"compress_ok":true,"strict":true},"limits":{"default_max_consumers":1000},"streams":0,"consumers":0,"messages":0,"bytes":0,"total":1}}"#;

/// As it answers with `sync_interval: "2m"`, and with nothing said about it.
const DEFAULT: &str = r#"{"server":{"name":"nats-2","host":"127.0.0.1","id":"NBSPUHWP4P7HNW2WHYZF5SPFHW7ZIYHXXTYY6XEJTCSLHYTZDVWQBMO3","ver":"2.15.1","feature_flags":{"js_ack_fc_v2":false,"js_api_reply_v2":false,"js_raft_delete_range":true,"js_snapshot_sources":false},"jetstream":true,"flags":7,"seq":12,"time":"2026-11-26T11:23:52.308230161Z"},"data":{"memory":0,"storage":0,"reserved_memory":0,"reserved_storage":0,"accounts":1,"ha_assets":0,"api":{"level":5,"total":0,"errors":0},"server_id":"NBSPUHWP4P7HNW2WHYZF5SPFHW7ZIYHXXTYY6XEJTCSLHYTZDVWQBMO3","now":"2026-11-26T11:23:52.308218183Z","config":{"max_memory":67108864,"max_storage":68719476736,"store_dir":"/var/lib/nats/jetstream","sync_interval":120000000000,"compress_ok":true,"strict":true},"limits":{"default_max_consumers":1000},"streams":0,"consumers":0,"messages":0,"bytes":0,"total":1}}"#;

fn of(answers: &[&str], replicas: usize) -> Promise {
    let answers: Vec<_> = answers.iter().map(|answer| answer.as_bytes().to_vec()).collect();
    Promise::of(&answers, replicas)
}

#[test]
fn a_server_that_syncs_always_promises_everything() {
    let promise = of(&[ALWAYS], 1);
    assert_eq!(promise, Promise::SurvivesPowerLoss { servers: 1 });
    assert_eq!(promise.to_string(), "an acknowledged event survives power loss: NATS syncs always (servers asked: 1)");
}

#[test]
fn a_server_that_syncs_by_the_clock_promises_all_but_its_interval() {
    let promise = of(&[DEFAULT], 1);
    let interval = Duration::from_secs(120);
    assert_eq!(promise, Promise::SyncsLate { interval, replicas: 1, servers: vec!["nats-2".to_owned()] });
    assert_eq!(
        promise.to_string(),
        "up to 120 s of acknowledged events are lost when the NATS server loses power: set `sync_interval: always` on nats-2"
    );
}

#[test]
fn one_late_server_of_several_is_enough_and_replicas_change_the_sentence() {
    let promise = of(&[ALWAYS, DEFAULT], 3).to_string();
    assert!(promise.contains("most of its NATS servers lose power at once, or one does while another is"), "{promise}");
    assert!(promise.ends_with("on nats-2"), "{promise}");
}

#[test]
fn a_server_that_answers_twice_counts_once_and_fewer_than_hold_each_record_are_not_enough() {
    let promise = of(&[ALWAYS, ALWAYS], 3);
    assert_eq!(promise, Promise::CannotTell(Untold::TooFew { answered: 1, replicas: 3 }));
}

#[test]
fn a_server_without_jetstream_holds_nothing_and_an_answer_without_settings_tells_nothing() {
    let without = r#"{"server":{"name":"edge","id":"NEDGE"},"data":{"disabled":true}}"#;
    assert_eq!(of(&[ALWAYS, without], 1), Promise::SurvivesPowerLoss { servers: 1 });
    let silent = r#"{"server":{"name":"nats-3","id":"N3"},"data":{}}"#;
    assert_eq!(of(&[ALWAYS, silent], 1), Promise::CannotTell(Untold::NotSaid("nats-3".to_owned())));
    let failed = r#"{"server":{"name":"nats-3","id":"N3"},"error":{"code":400,"description":"bad request"}}"#;
    assert_eq!(of(&[ALWAYS, failed], 1), Promise::CannotTell(Untold::NotSaid("nats-3".to_owned())));
    assert_eq!(of(&["no JSON"], 1), Promise::CannotTell(Untold::NotSaid("a server".to_owned())));
}

#[tokio::test]
async fn without_an_auditor_nobody_is_asked() {
    assert_eq!(Promise::ask(None, 1).await, Promise::CannotTell(Untold::NoAuditor));
}
