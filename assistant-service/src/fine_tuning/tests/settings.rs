use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::fine_tuning::Job;
use crate::fine_tuning::endpoint::{Endpoint, NoEndpoint};
use crate::fine_tuning::settings_file::{CannotAdopt, adopt, made_by};

const MADE: &str = "ft:small:org::abc";

fn adopted(text: &str, name: &str) -> Result<String, CannotAdopt> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("assistant.yml");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let outcome = adopt(&file, name, MADE);
    let after = fs::read_to_string(&file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    if outcome.is_err() {
        assert_eq!(after, text, "nothing is changed");
    }
    outcome.map(|()| after)
}

#[test]
fn one_value_is_changed_and_every_other_letter_stays() {
    let before = "# ours\nmodels:\n  - name: big   # the good one\n    model: gpt-big\n  - model: 'gpt-small' # cheap\n    \
        name: small\n    baseUrl: https://a.example/v1\n\nbudgets: {tokensPerDay: 5}\n";
    let after = before.replace("model: 'gpt-small' # cheap", "model: \"ft:small:org::abc\" # cheap");
    assert_eq!(adopted(before, "small").unwrap(), after);
    let after = before.replace("model: gpt-big", "model: \"ft:small:org::abc\"");
    assert_eq!(adopted(before, "big").unwrap(), after);
    // No line's end at the end, one of the other kind, a quoted one with a comment's sign in it.
    for (before, after) in [
        ("models:\n- name: a\n  model: b", "models:\n- name: a\n  model: \"ft:small:org::abc\""),
        ("models:\r\n- name: a\r\n  model: b\r\n", "models:\r\n- name: a\r\n  model: \"ft:small:org::abc\"\r\n"),
        ("models:\n- name: a\n  model:   \"b # c\"\n", "models:\n- name: a\n  model:   \"ft:small:org::abc\"\n"),
    ] {
        assert_eq!(adopted(before, "a").unwrap(), after);
    }
}

#[test]
fn what_is_not_plain_is_left_to_a_person() {
    for text in [
        "models: [{name: a, model: b}, {name: c, model: d}]\n",
        "models:\n- name: a\n  model: >-\n    b\n",
        "models:\n- {name: a, baseUrl: 'https://x/model:', model: b}\n",
    ] {
        let outcome = adopted(text, "a");
        assert!(matches!(outcome, Err(CannotAdopt::NotPlain { .. })), "{text}: {outcome:?}");
    }
    for text in ["models: []\n", "models:\n- name: b\n  model: c\n", "models:\n- name: a\n", "{}"] {
        assert!(matches!(adopted(text, "a"), Err(CannotAdopt::NotThere { .. })), "{text}");
    }
    assert!(matches!(adopted("models: [", "a"), Err(CannotAdopt::NotYaml(_))));
}

#[test]
fn only_a_job_that_succeeded_has_made_a_model() {
    let job = |status: &str, made: &str| -> Job {
        serde_json::from_value(json!({"id": "ftjob-1", "status": status, "fine_tuned_model": made})).unwrap()
    };
    assert_eq!(made_by(&job("succeeded", MADE)).unwrap(), MADE);
    for status in ["running", "failed", "cancelled", "something new"] {
        assert!(matches!(made_by(&job(status, MADE)), Err(CannotAdopt::NotSucceeded(_))), "{status}");
    }
    for name in ["", "a\" b", "a\nb", "a b", &"a".repeat(257)] {
        assert!(matches!(made_by(&job("succeeded", name)), Err(CannotAdopt::NoModel)), "{name}");
    }
}

#[test]
fn an_endpoint_is_read_by_its_name_and_its_key_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (file, key) = (folder.path().join("assistant.yml"), folder.path().join("key"));
    let text = format!(
        "models:\n- name: a\n  baseUrl: https://a.example/v1\n  model: m\n  timeoutSeconds: 5\n  apiKeyFile: {}\n\
         - name: b\n  baseUrl: http://127.0.0.1:1/v1\n  allowedNetworks: [127.0.0.0/8]\nbudgets: {{}}\n",
        key.display()
    );
    fs::write(&file, text).unwrap();
    let a = Endpoint::load(&file, "a").unwrap();
    assert_eq!((a.base_url.as_str(), a.model.as_deref()), ("https://a.example/v1", Some("m")));
    assert!(matches!(a.key(), Err(NoEndpoint::Unreadable(..))));
    for (text, is_key) in [("key-1\n", true), ("", false), ("two words", false), ("naïve", false)] {
        fs::write(&key, text).unwrap();
        assert_eq!(a.key().is_ok(), is_key, "{text:?}");
    }
    assert!(Endpoint::load(&file, "b").unwrap().key().unwrap().is_none());
    let Err(NoEndpoint::NotNamed { names, .. }) = Endpoint::load(&file, "c") else { panic!("c is there") };
    assert_eq!(names, "a, b");
    fs::write(&file, "models:\n- name: a\n  baseUrl: nowhere\n").unwrap();
    assert!(matches!(Endpoint::load(&file, "a"), Err(NoEndpoint::Mistakes(_))));
}
