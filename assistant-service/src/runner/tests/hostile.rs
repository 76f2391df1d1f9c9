//! Values that somebody who wants more than the runbook gives would send: each reaches where it is for as plain text, byte
//! for byte, or is refused.

use super::*;

/// What is sent.
pub(in crate::runner) fn values() -> Vec<String> {
    let mut values: Vec<String> = [
        "{{ lookup('pipe', 'id') }}",
        "{{ lookup('file', '/etc/passwd') }}",
        "{% for x in range(9) %}{{ x }}{% endfor %}",
        "{{ 7 * 7 }}",
        "{# comment #}",
        "${7*7}",
        "#{7*7}",
        "%{7*7}",
        "<%= 7*7 %>",
        "$(id)",
        "`id`",
        "$HOME",
        "; rm -rf /tmp/none",
        "&& id",
        "| id",
        "> /tmp/none",
        "\n- hosts: all",
        "--flag",
        "-e@x",
        "--extra-vars={\"a\":1}",
        "-",
        "--",
        "../../etc/passwd",
        "/etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "a/../b",
        ".",
        "..",
        "a\0b",
        "\r\nX-Injected: yes\r\n\r\n",
        "two\nlines",
        "\u{85}\u{2028}\u{2029}",
        "\u{202e}evil\u{202c}",
        "\u{200b}\u{feff}zero",
        "аdmin",
        "ａｄｍｉｎ",
        "e\u{301} \u{e9}",
        "\u{1F600}\u{10FFFF}",
        "!unsafe x",
        "!vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  00",
        "!!python/object/apply:os.system ['id']",
        "*alias",
        "&anchor",
        "yes",
        "null",
        "0x10",
        "1e3",
        "\",\"admin\":true,\"x\":\"",
        "\\\" \\u0022 \\",
        "'; DROP TABLE x; --",
        "<script>alert(1)</script>",
        "a: b",
        "# no comment",
        " leading and trailing ",
        "\t",
        "\x1b[31mred",
        "\u{7f}\u{80}\u{9f}",
        "",
        "http://169.254.169.254/",
        "file:///etc/passwd",
    ]
    .map(str::to_owned)
    .to_vec();
    values.push("x".repeat(1024 * 1024 - 100));
    values.push("{{".repeat(1000));
    values.push("[".repeat(1000));
    values
}

#[tokio::test]
async fn a_webhook_gets_them_as_plain_text_or_not_at_all() {
    let (service, heard) = service();
    let stage = Stage::new(&[runbook("tell", &format!("steps:\n{}", post(&service, "/hook")))]).with_webhooks(&service);
    assert!(values().len() >= 40);
    for value in values() {
        let (ending, _) = stage.run("tell", json!({"value": value})).await;
        assert!(matches!(ending, Ending::Succeeded(_)), "{value:.99}: {ending:?}");
        let request = heard.lock().unwrap().pop().unwrap();
        assert_eq!(body_of(&request), json!({"value": value}), "{value:.99}");
        let head = request.split_once("\r\n\r\n").unwrap().0;
        assert!(head.starts_with("POST /hook HTTP/1.1\r\n") && !head.contains("Injected"), "{head}");
    }
    let (ending, _) = stage.run("tell", json!({"value": "x".repeat(1024 * 1024)})).await;
    assert!(failed(&ending).contains("may have"), "{ending:?}");
    assert!(heard.lock().unwrap().is_empty());
}
