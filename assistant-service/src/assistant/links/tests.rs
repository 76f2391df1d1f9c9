//! Which addresses are admitted.

use serde_json::json;

use super::*;

#[test]
fn only_https_to_an_allowed_host_is_admitted_and_in_one_spelling() {
    let hosts = AllowedHosts::of(&["docs.example.com", "*.wiki.example.com"]);
    for (address, admitted) in [
        ("https://docs.example.com", Some("https://docs.example.com/")),
        ("HTTPS://DOCS.example.com/A", Some("https://docs.example.com/A")),
        ("https://docs.example.com:443/", Some("https://docs.example.com/")),
        ("https://docs.example.com/a_(b)?c=d&e='f'", Some("https://docs.example.com/a_%28b%29?c=d&e=%27f%27")),
        ("https://a.wiki.example.com/", Some("https://a.wiki.example.com/")),
        ("https://a.b.wiki.example.com/", Some("https://a.b.wiki.example.com/")),
        ("https://wiki.example.com/", None),
        ("https://evilwiki.example.com/", None),
        ("https://docs.example.com./", None),
        ("https://docs.example.com.evil.test/", None),
        ("https://user@docs.example.com/", None),
        ("https://user:pass@docs.example.com/", None),
        ("https://docs.example.com@evil.test/", None),
        ("https://evil.test/@docs.example.com", None),
        ("https://evil.test#@docs.example.com/", None),
        ("https://docs.example.com:444/", None),
        ("https://docs.example.com\\.evil.test/", None),
        ("https://docs%2eexample.com/", None),
        ("https:/docs.example.com/", None),
        ("https:docs.example.com/", None),
        ("https:///docs.example.com/", None),
        ("https://docs.example.com//evil.test", None),
        ("//docs.example.com/", None),
        ("http://docs.example.com/", None),
        ("https://docs.example.com/ x", None),
        ("https://docs.example.com/\u{200b}", None),
        ("https://docs.ex\u{430}mple.com/", None),
        ("https://xn--docs-exmple-com/", None),
        ("javascript:alert(1)", None),
        ("", None),
    ] {
        assert_eq!(hosts.admit(address).as_deref(), admitted, "{address}");
    }
    assert_eq!(hosts.admit(&format!("https://docs.example.com/{}", "a".repeat(2048))), None);
}

#[test]
fn hosts_are_read_and_every_mistake_is_named() {
    let read = |file: serde_json::Value| {
        let mut mistakes = Vec::new();
        let hosts = AllowedHosts::read(&Section::root(&file).at("links"), &mut mistakes);
        (hosts, mistakes.into_iter().map(|mistake| mistake.place).collect::<Vec<_>>())
    };
    let (hosts, mistakes) = read(json!({"links": {"allowedHosts": ["docs.example.com", "*.example.org"]}}));
    assert_eq!((hosts, mistakes), (AllowedHosts::of(&["docs.example.com", "*.example.org"]), vec![]));
    for wrong in
        ["https://a.example", "a.example/b", "*.com", "*", "", "a b", "a.example:443", "A.example", "u@a.example"]
    {
        assert_eq!(read(json!({"links": {"allowedHosts": [wrong]}})).1, ["links.allowedHosts[0]"], "{wrong}");
    }
    assert_eq!(read(json!({"links": {"allowedHost": []}})).1, ["links.allowedHost"]);
    assert_eq!(read(json!({})).0, AllowedHosts::default());
}

#[test]
fn a_whole_text_is_looked_over_again() {
    let hosts = AllowedHosts::of(&["docs.example.com"]);
    for (text, is_clean) in [
        ("[a](https://docs.example.com/) and text", true),
        ("[a](https://evil.test/)", false),
        ("[a][b]\n\n[b]: https://evil.test/", false),
        ("![a](/x)", false),
        ("<b>", false),
        ("<a@evil.test>", false),
        ("`<b>`", true),
    ] {
        assert_eq!(audit::is_clean(text, &hosts), is_clean, "{text}");
    }
}
