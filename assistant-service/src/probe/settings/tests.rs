use super::*;

const GOOD: &str = "
stateFile: /var/lib/probe/state.json
gateway: {url: 'https://gw.example.com'}
token: {file: /etc/probe/token}
";

fn mistakes(text: &str) -> Vec<(Option<u64>, String)> {
    let found = Settings::read(text).unwrap_err();
    found.into_iter().map(|found| (found.line, found.mistake.place)).collect()
}

#[test]
fn a_short_file_is_read_with_what_it_leaves_out() {
    let settings = Settings::read(GOOD).unwrap();
    assert_eq!((settings.listen.to_string().as_str(), settings.interval.as_secs()), ("127.0.0.1:9465", 60));
    assert_eq!((settings.gate.path.as_str(), settings.event.within.as_secs()), ("/v1/events?limit=1", 5));
    assert!(settings.ask.is_none() && settings.command.is_none() && settings.session.is_none());
    // No check takes all of its time for one answer.
    let patience = settings.base.deadline().duration_since(Instant::now());
    assert!(settings.reach.timeout < settings.base.timeout && patience < settings.base.timeout);
}

#[test]
fn what_may_use_up_something_of_others_has_a_pace_of_its_own() {
    let text = format!(
        "{GOOD}intervalSeconds: 5\nsession: {{}}\nrevocation: {{token: {{file: /t}}}}\nask: {{question: why, everySeconds: 600}}\n"
    );
    let settings = Settings::read(&text).unwrap();
    assert_eq!(settings.event.pace.every.as_secs(), 5);
    assert_eq!(settings.gate.pace.every.as_secs(), 10);
    assert_eq!(settings.session.unwrap().pace.every.as_secs(), 300);
    assert_eq!(settings.revocation.unwrap().pace.every.as_secs(), 300);
    assert_eq!(settings.ask.unwrap().pace.every.as_secs(), 600);
}

#[test]
fn the_shipped_file_has_no_mistake_whichever_of_its_lines_are_used() {
    let shipped = include_str!("../../../../traefik-config/probe.yml");
    let settings = Settings::read(shipped).unwrap();
    assert!(settings.ask.is_some() && settings.session.is_some() && settings.receivers.len() == 2);
    // What is commented out is `# `, a key and a colon; prose is not.
    let used: String = shipped
        .lines()
        .map(|line| {
            let bare = line.trim_start();
            let is_key = |rest: &&str| {
                rest.split_once(": ").is_some_and(|(key, _)| key.chars().all(|letter| letter.is_ascii_alphabetic()))
            };
            let commented = bare.strip_prefix("# ").filter(is_key);
            let indent = &line[..line.len() - bare.len()];
            commented.map_or_else(|| format!("{line}\n"), |rest| format!("{indent}{rest}\n"))
        })
        .collect();
    assert_ne!(used, shipped);
    let settings = Settings::read(&used).unwrap();
    assert!(settings.revocation.is_some() && settings.labels.contains_key("site") && settings.external_url.is_some());
}

#[test]
fn every_mistake_is_found_with_its_line() {
    let text = "
listen: 0.0.0.0:9465
stateFile: /s
intervalSeconds: 0
gateway: {url: gw.example.com}
token: {issuer: 'https://idp', auth: {method: password, clientId: a}}
gate: {path: v1/events}
ask: {}
command: {runbook: ping, parameters: [1], canary: {service: canary}}
receivers:
  - {name: gateway, form: alertmanager, url: 'https://alerts'}
  - {name: ops, form: slack, url: 'https://alerts'}
labels: {a-b: x}
unknown: 1
";
    let found = mistakes(text);
    for expected in [
        (2, "listen"),
        (4, "intervalSeconds"),
        (5, "gateway.url"),
        (6, "token.auth.method"),
        (7, "gate.path"),
        (9, "command.parameters"),
        (11, "receivers[0].name"),
        (12, "receivers[1].form"),
        (14, "unknown"),
    ] {
        assert!(found.contains(&(Some(expected.0), expected.1.to_owned())), "{expected:?} is not in {found:?}");
    }
    for missing in ["ask.question", "command.canary.token", "labels.a-b"] {
        assert!(found.iter().any(|(_, place)| place == missing), "{missing} is not in {found:?}");
    }
}

#[test]
fn the_only_token_of_a_probe_is_not_to_be_revoked() {
    let found = mistakes(&format!("{GOOD}revocation: {{token: {{file: /t}}}}\n"));
    assert_eq!(found, [(Some(5), "revocation".to_owned())]);
}
