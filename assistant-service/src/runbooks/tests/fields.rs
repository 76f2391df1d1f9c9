//! What each field may say, and what is said of one that says something else.

use serde_json::json;

use super::*;

/// The good runbook with one part of it written otherwise.
fn with(old: &str, new: &str) -> String {
    let text = GOOD.replace(old, new);
    assert_ne!(text, GOOD, "{old}");
    text
}

fn read(text: &str) -> Runbook {
    file::parse("one.yaml", text).unwrap()
}

/// Each text has a mistake at this place whose sentence holds these words.
fn each_is_a_mistake(cases: &[(String, &str, &str)]) {
    for (text, place, words) in cases {
        let found = mistakes(text);
        let is_it = |one: &String| one.contains(&format!(": {place}: ")) && one.contains(words);
        assert!(found.iter().any(is_it), "{place} {words}: {found:#?}");
    }
}

const APPROVAL: &str = "{needed: true, not_requester: true}";

fn approval(members: &str) -> String {
    with(APPROVAL, members)
}

#[test]
fn an_approval_is_read_whole() {
    let text = approval(
        "{needed: true, not_requester: false, users: [{issuer: 'https://a.test', subject: ana}], roles: [sre], issuers: ['https://a.test'], quorum: 3, lifetime_seconds: 120}",
    );
    let expected = Approval {
        needed: true,
        not_requester: false,
        users: vec![Approver { issuer: "https://a.test".to_owned(), subject: "ana".to_owned() }],
        roles: vec!["sre".to_owned()],
        issuers: vec!["https://a.test".to_owned()],
        quorum: 3,
        lifetime_seconds: 120,
    };
    assert_eq!(read(&text).approval, expected);
    assert!(!read(&approval("{needed: false}")).approval.not_requester);
}

#[test]
fn an_approval_that_cannot_be_given_or_says_nothing_is_a_mistake() {
    let user = "users: [{issuer: 'https://a.test', subject: ana}]";
    each_is_a_mistake(&[
        (approval("yes"), "approval", "a map was expected"),
        (approval("{not_requester: true}"), "approval.needed", "required"),
        (approval("{needed: yes please, not_requester: true}"), "approval.needed", "true or false"),
        (approval("{needed: true}"), "approval.not_requester", "required"),
        (approval("{needed: false, quorum: 1}"), "approval.quorum", "says nothing"),
        (approval("{needed: false, roles: [sre]}"), "approval.roles", "says nothing"),
        (approval("{needed: false, issuers: [a]}"), "approval.issuers", "says nothing"),
        (
            approval(&format!("{{needed: true, not_requester: true, issuers: [a], {user}}}")),
            "approval.issuers",
            "beside users alone",
        ),
        (approval("{needed: false, lifetime_seconds: 90}"), "approval.lifetime_seconds", "says nothing"),
        (approval(&format!("{{needed: false, {user}}}")), "approval.users", "says nothing"),
        (approval("{needed: true, not_requester: true, quorum: 0}"), "approval.quorum", "from 1 to 20"),
        (
            approval(&format!("{{needed: true, not_requester: true, quorum: 2, {user}}}")),
            "approval.quorum",
            "only 1 may",
        ),
        (approval("{needed: true, not_requester: true, users: []}"), "approval.users", "empty"),
        (approval("{needed: true, not_requester: true, users: [ana]}"), "approval.users[0]", "a map was expected"),
        (approval("{needed: true, not_requester: true, roles: [a, a]}"), "approval.roles[1]", "above already"),
        (approval("{needed: true, not_requester: true, roles: sre}"), "approval.roles", "a list was expected"),
        (approval("{needed: true, not_requester: true, lifetime_seconds: 59}"), "approval.lifetime_seconds", "from 60"),
        (
            approval("{needed: true, not_requester: true, lifetime_seconds: 604801}"),
            "approval.lifetime_seconds",
            "604800",
        ),
    ]);
}

#[test]
fn a_name_alone_is_no_user() {
    let found = mistakes(&approval("{needed: true, not_requester: true, users: [{subject: ana}]}"));
    assert_eq!(found, ["one.yaml:7: approval.users[0].issuer: this is required"]);
}

fn retry(members: &str) -> String {
    format!("{GOOD}idempotent: true\nretry: {members}\n")
}

#[test]
fn a_retry_is_read_in_knatives_words() {
    let read = read(&retry("{retry: 3, backoffPolicy: linear, backoffDelay: PT1M30S}")).retry;
    assert_eq!(read, Retry { retry: 3, backoff_policy: BackoffPolicy::Linear, backoff_delay: 90.0 });
    assert_eq!(super::file::parse("one.yaml", GOOD).unwrap().retry, Retry::NEVER);
}

#[test]
fn a_retry_that_cannot_be_meant_is_a_mistake() {
    let twice = "{retry: 2, backoffPolicy: exponential, backoffDelay: PT2S}";
    each_is_a_mistake(&[
        (format!("{GOOD}retry: {twice}\n"), "retry", "idempotent: true"),
        (format!("{GOOD}idempotent: false\nretry: {twice}\n"), "retry", "idempotent: true"),
        (retry("{backoffPolicy: linear, backoffDelay: PT2S}"), "retry.retry", "required"),
        (retry("{retry: 0, backoffPolicy: linear, backoffDelay: PT2S}"), "retry.retry", "from 1 to 20"),
        (retry("{retry: 21, backoffPolicy: linear, backoffDelay: PT2S}"), "retry.retry", "from 1 to 20"),
        (retry("{retry: 1, backoffPolicy: square, backoffDelay: PT2S}"), "retry.backoffPolicy", "linear, exponential"),
        (retry("{retry: 1, backoffPolicy: linear, backoffDelay: 2s}"), "retry.backoffDelay", "PT2S"),
        (retry("{retry: 1, backoffPolicy: linear, backoffDelay: PT0S}"), "retry.backoffDelay", "from PT0.1S"),
        (retry("{retry: 1, backoffPolicy: linear, backoffDelay: PT61M}"), "retry.backoffDelay", "to PT1H"),
        (retry("{retry: 1, backoffPolicy: linear, backoffDelay: PT2S, jitter: 1}"), "retry.jitter", "no such key"),
    ]);
}

#[test]
fn a_bound_of_concurrency_is_a_number_of_some_size() {
    let text = format!("{GOOD}concurrency: {{per_runbook: 1000, per_target: 1}}\n");
    assert_eq!(read(&text).concurrency, Concurrency { per_runbook: Some(1000), per_target: Some(1) });
    let with = |members: &str| format!("{GOOD}concurrency: {members}\n");
    each_is_a_mistake(&[
        (with("{per_runbook: 0}"), "concurrency.per_runbook", "from 1 to 1000"),
        (with("{per_target: 1001}"), "concurrency.per_target", "from 1 to 1000"),
        (with("{}"), "concurrency", "per_runbook or per_target"),
        (with("{per_service: 1}"), "concurrency.per_service", "no such key"),
    ]);
}

const WORKER: &str = "worker: {type: string, enum: [thumbnailer, mailer]}";
const TARGET: &str = "{service: sample-service}";

#[test]
fn a_selector_is_a_required_parameter_that_lists_services() {
    let selecting = with(TARGET, "{service_from: worker}");
    let runbook = read(&selecting);
    assert_eq!(runbook.target.resolve(&json!({"worker": "mailer"})).unwrap().service, "mailer");
    each_is_a_mistake(&[
        (with(TARGET, "{service_from: host}"), "target.service_from", "no parameter \"host\""),
        (with(TARGET, "{service_from: reason}"), "target.service_from", "stand in `required`"),
        (selecting.replace(WORKER, "worker: {type: string}"), "target.service_from", "list with `enum`"),
        (
            selecting.replace("[thumbnailer, mailer]", "[mailer, Bad Name]"),
            "target.service_from",
            "no name of a service",
        ),
        (selecting.replace("[thumbnailer, mailer]", "[mailer, runner]"), "target.service_from", "service: runner"),
        (with(TARGET, "{service: Bad Name}"), "target.service", "no name"),
        (with(TARGET, "{service: a, service_from: worker}"), "target", "either `service`"),
        (with(TARGET, "{}"), "target", "either `service`"),
    ]);
}

fn parameter(schema: &str) -> String {
    with("reason: {type: string}", &format!("reason: {schema}"))
}

#[test]
fn a_secret_is_a_text_of_which_the_catalogue_says_nothing() {
    let runbook = read(&parameter("{type: string, secret: true, minLength: 8}"));
    assert_eq!(runbook.secrets().collect::<Vec<_>>(), ["reason"]);
    assert_eq!(read(&parameter("{type: string, secret: false}")).secrets().count(), 0);
    let place = "parameters.properties.reason";
    each_is_a_mistake(&[
        (parameter("{type: integer, secret: true}"), place, "type: string"),
        (parameter("{secret: true}"), place, "type: string"),
        (parameter("{type: string, secret: maybe}"), place, "true or false"),
        (parameter("{type: string, secret: true, default: x}"), place, "everybody reads"),
        (parameter("{type: string, secret: true, enum: [a, b]}"), place, "everybody reads"),
        (parameter("{type: string, secret: true, examples: [a]}"), place, "everybody reads"),
    ]);
}

#[test]
fn a_secret_or_a_default_where_nobody_would_heed_it_is_a_mistake() {
    for (schema, place) in [
        (
            "{type: object, properties: {key: {type: string, secret: true}}}",
            "parameters.properties.reason.properties.key.secret",
        ),
        ("{type: array, items: {type: string, secret: true}}", "parameters.properties.reason.items.secret"),
        ("{type: object, properties: {key: {default: 1}}}", "parameters.properties.reason.properties.key.default"),
        ("{anyOf: [{type: string, default: x}, {type: 'null'}]}", "parameters.properties.reason.anyOf.default"),
    ] {
        each_is_a_mistake(&[(parameter(schema), place, "not here")]);
    }
    let defs = format!("{GOOD}  $defs: {{key: {{type: string, secret: true}}}}\n");
    each_is_a_mistake(&[(defs, "parameters.$defs.key.secret", "not here")]);
    // A parameter may be called so, and data may hold the word.
    let named =
        parameter("{type: object, properties: {secret: {type: string}, default: {type: string}}, const: {secret: 1}}");
    assert_eq!(mistakes(&named), Vec::<String>::new());
}

#[test]
fn defaults_are_put_in_where_nothing_was_said_and_fit_their_schema() {
    let runbook = read(&parameter("{type: string, default: stuck}"));
    assert_eq!(runbook.with_defaults(json!({"worker": "mailer"})), json!({"worker": "mailer", "reason": "stuck"}));
    assert_eq!(runbook.with_defaults(json!({"reason": "x"})), json!({"reason": "x"}));
    assert_eq!(runbook.with_defaults(json!([1])), json!([1]));
    let place = "parameters.properties.reason.default";
    each_is_a_mistake(&[
        (parameter("{type: string, default: 7}"), place, "does not fit"),
        (parameter("{type: string, enum: [a, b], default: c}"), place, "does not fit"),
        (
            parameter("{$ref: '#/$defs/short', default: long}") + "  $defs: {short: {type: string, maxLength: 2}}\n",
            place,
            "does not fit",
        ),
    ]);
    // What the schema asks of the parameters together is asked of a call, not of one default.
    let together = parameter("{type: string, default: x}") + "  minProperties: 2\n";
    assert_eq!(mistakes(&together), Vec::<String>::new());
}

#[test]
fn events_at_which_a_runbook_is_worth_a_look() {
    let with = |members: &str| format!("{GOOD}suggest_when: {members}\n");
    let suggesting = read(&with("{type: com.example.alert.*, subject: mailer}")).suggest_when.unwrap();
    assert!(suggesting.fits("com.example.alert.stuck", "https://a.test", Some("mailer"), &json!({})));
    assert!(!suggesting.fits("com.example.alert", "https://a.test", Some("mailer"), &json!({})));
    assert!(!suggesting.fits("com.example.alerts.stuck", "https://a.test", Some("mailer"), &json!({})));
    assert!(!suggesting.fits("com.example.alert.stuck", "https://a.test", None, &json!({})));
    let from = read(&with("{type: com.example.alert, source: 'https://a.test'}")).suggest_when.unwrap();
    assert!(from.fits("com.example.alert", "https://a.test", None, &json!({})));
    assert!(!from.fits("com.example.alert", "https://b.test", None, &json!({})));
    let about =
        with("{type: com.example.alert, where: [{at: /shared/0/what, equals: build}, {at: /count, greaterThan: 2}]}");
    let fits = |data| read(&about).suggest_when.unwrap().fits("com.example.alert", "https://a.test", None, &data);
    assert!(fits(json!({"shared": [{"what": "build"}], "count": 3})));
    assert!(
        !fits(json!({"shared": [{"what": "build"}], "count": 2}))
            && !fits(json!({"shared": [{"what": "device"}], "count": 3}))
    );
    let shown = serde_json::to_value(read(&about).suggest_when).unwrap();
    assert_eq!(
        shown["where"],
        json!([{"at": "/shared/0/what", "equals": "build"}, {"at": "/count", "greaterThan": 2.0}])
    );
    each_is_a_mistake(&[
        (with("{type: a.b, where: [{at: /x}]}"), "suggest_when.where[0]", "required"),
        (with("{source: 'https://a.test'}"), "suggest_when.type", "required"),
        (with("{type: 'com.*.alert'}"), "suggest_when.type", "com.example.*"),
        (with("{type: dev.watchgate.insight.created}"), "suggest_when.type", "insights"),
        (with("{type: a.b, subject: 7}"), "suggest_when.subject", "a text"),
    ]);
}
