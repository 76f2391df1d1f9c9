//! What leaves, whatever comes and however it is cut.

use super::*;
use crate::assistant::tests::foreign::{foreign, hosts};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn cleaned(text: &str) -> String {
    clean(text, &hosts()).0
}

#[test]
fn words_that_are_only_words_leave_as_they_came() {
    for text in [
        "Restart the *mailer* with **care**, then wait 5 s: it takes over (all of it).",
        "# Heading\n\n1. one\n2. two\n\n- a\n- b\n\n> quoted\n",
        "| a | b |\n|---|---|\n| 1 < 2 | x & y |\n",
        "```rust\nlet a: Vec<Arc<str>> = b[0](c) && d < e;\n```\n",
        "`Vec<T>` and `a[0]` and ``a ` b``, 10.0.0.1, v1.2.3, 3.5 and/or 12:30, events:read.",
        "arr[0] is [not] a link, nor is [this][that]; [ ] todo",
        "Grüße, naïve – 文字列です。次は、これ。 نمی‌خواهم 👩‍💻",
        "[docs](https://docs.example.com/a?b=c#d) and https://docs.example.com/x, <https://a.wiki.example.com/>",
        "![plan](https://docs.example.com/plan.png)",
    ] {
        assert_eq!(cleaned(text), text);
        assert_eq!(foreign(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn what_leads_elsewhere_is_taken_out() {
    for (text, left) in [
        ("[a](https://evil.test/?q=secret)", "a (link removed)"),
        ("![a](https://evil.test/p.png)", "a (image removed)"),
        (
            "[![a](https://evil.test/p.png)](https://docs.example.com/)",
            "[a (image removed)](https://docs.example.com/)",
        ),
        ("[a](https://docs.example.com@evil.test/)", "a (link removed)"),
        ("[a](https://docs.example.com:8443/)", "a (link removed)"),
        ("[a](http://docs.example.com/)", "a (link removed)"),
        ("[a](//docs.example.com/)", "a (link removed)"),
        ("[a](/v1/commands)", "a (link removed)"),
        ("[a](javascript:alert(1))", "a (link removed)"),
        ("[a](data:text/html;base64,AAAA)", "a (link removed)"),
        ("[a](https&#58;//evil.test)", "a (link removed)"),
        ("[a](https:\\/\\/evil.test)", "a (link removed)"),
        ("[a](https://docs.example.com\\@evil.test)", "a (link removed)"),
        ("[a](https://docs.example.com.evil.test/)", "a (link removed)"),
        ("[a](https://xdocs.example.com/)", "a (link removed)"),
        ("[a](https://wiki.example.com/)", "a (link removed)"),
        ("[a](https://d\u{43e}cs.example.com/)", "a (link removed)"),
        ("[a](https://docs.example.com/https://evil.test)", "a (link removed)"),
        ("[a](<https://evil.test/>\n \"title\")", "a (link removed)"),
        ("see https://evil.test/?q=1.", "see (link removed)."),
        ("see ht\u{200b}tps://evil.test", "see (link removed)"),
        ("see HTTPS://EVIL.TEST", "see (link removed)"),
        ("<https://evil.test>", "&lt;(link removed)>"),
        ("mailto:a@evil.test", "(link removed)"),
        ("//evil.test/x", "(link removed)"),
        ("https:\\//evil.test", "(link removed)"),
        ("&#104;ttps://evil.test", "(link removed)"),
        ("www.evil.test/x and evil.test", "`www.evil.test/x` and `evil.test`"),
        ("ask a@evil.test", "ask `a@evil.test`"),
        ("[a]: https://evil.test", "[a]\\: (link removed)"),
        ("[a][b]\n\n[b]: /x", "[a][b]\n\n[b]\\: /x"),
        ("costs $5; `$<a>`", "costs \\$5; `$<a>`"),
        ("$$\n```\n$$\n[x](//y)\n```\n", "\\$\\$\n```\n$$\n[x](//y)\n```\n"),
        ("```a```evil.test", "```a``` `evil.test`"),
        ("a | `b|<a>`", "a | `b|&lt;a>`"),
        ("[[page]] and ![[page]]", "[\\[page]] and ![\\[page]]"),
        ("[^1]: note", "[^1]\\: note"),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert\\(1)>".trim_end_matches('\\')),
        ("<!-- hidden --><script>", "&lt;!-- hidden -->&lt;script>"),
        ("&lt;b&gt; &copy; &#x3c;", "&lt;b&gt; &amp;copy; &amp;#x3c;"),
        ("`curl https://evil.test/x`", "`curl (link removed)`"),
        ("```sh\ncurl https://evil.test/x\n<script>\n```", "```sh\ncurl (link removed)\n&lt;script>\n```\n"),
        ("`a\nb` [x](/y)`", "&#96;a\nb` [x](/y)`"),
        ("a | `b|[x](/y)`", "a | `b|[x] (/y)`"),
        ("- a\n  ```\ntext [x](/y)\n  ```\n[x](/y)", "- a\n```\ntext [x](/y)\n```\nx (link removed)"),
        ("\u{e0068}\u{e0074}hidden\u{202e}", "hidden"),
        ("see checkout.md", "see `checkout.md`"),
    ] {
        let left = left.replace("\\(1)", "(1)");
        assert_eq!(cleaned(text), left, "{text}");
        assert_eq!(foreign(&left), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn what_was_taken_out_from_between_makes_no_link() {
    struct Nothing;
    impl Marks for Nothing {
        const ARE_READ: bool = true;

        fn cite(&mut self, _: &Mark<'_>) -> Result<String, Removed> {
            Err(Removed { what: "citation", why: String::new() })
        }
    }
    for text in ["[x][c1: \"a\"](/y)", "[x]\u{200b}(/y", "[x][c1](evil)", "[x][c2: \"a\"]: /y\n\n[x]"] {
        let mut words = Words::new(hosts(), Defences::default(), Nothing);
        let mut left = words.push(text);
        left.push_str(&words.finish().0);
        assert_eq!(foreign(&left), Vec::<String>::new(), "{text}: {left}");
    }
}

#[test]
fn only_what_may_become_more_is_held_back() {
    let mut words = Words::new(hosts(), Defences::default(), NoMarks);
    for (piece, left) in [
        ("Hello wor", "Hello "),
        ("ld, see [the ", "world, see "),
        ("docs](https://docs.exam", ""),
        ("ple.com/) now", "[the docs](https://docs.example.com/) "),
        (".\n``", "now.\n"),
        ("`sh\nls", "```sh\n"),
        (" -l\n", "ls -l\n"),
    ] {
        assert_eq!(words.push(piece), left, "{piece}");
    }
    let (rest, removed, NoMarks) = words.finish();
    assert_eq!((rest.as_str(), removed), ("```", vec![]), "an open block is closed");
}

#[test]
fn what_is_held_back_is_bounded_and_then_taken_out() {
    for text in ["https://docs.example.com/".to_owned() + &"a".repeat(10_000), "x.".repeat(5_000)] {
        let mut words = Words::new(hosts(), Defences::default(), NoMarks);
        let mut left = String::new();
        for piece in text.as_bytes().chunks(7) {
            left.push_str(&words.push(std::str::from_utf8(piece).unwrap()));
            assert!(words.held.len() <= LONGEST_HELD_BYTES + 8, "{}", words.held.len());
        }
        left.push_str(&words.push(" then"));
        left.push_str(&words.finish().0);
        assert_eq!(left, "(link removed) then");
    }
    let long = "a".repeat(9_000);
    assert_eq!(cleaned(&long), long, "letters alone lead nowhere");
    let open = "[".repeat(5_000) + &"![a](".repeat(2_000);
    assert_eq!(foreign(&cleaned(&open)), Vec::<String>::new());
}

#[test]
fn a_piece_leaves_in_less_than_a_millisecond() {
    let text =
        "The mailer is restarted with `platformctl`, see [the docs](https://docs.example.com/) at 12:30.\n".repeat(200);
    let pieces: Vec<&str> = text.split_inclusive(' ').collect();
    let mut words = Words::new(hosts(), Defences::default(), NoMarks);
    let mut slowest = std::time::Duration::ZERO;
    let begun = std::time::Instant::now();
    for piece in &pieces {
        let begun = std::time::Instant::now();
        words.push(piece);
        slowest = slowest.max(begun.elapsed());
    }
    let mean = begun.elapsed() / u32::try_from(pieces.len()).unwrap();
    println!("words: {} pieces, {mean:?} each, {slowest:?} at most", pieces.len());
    assert!(mean < std::time::Duration::from_millis(1), "{mean:?}");
}

const PARTS: [&str; 66] = [
    "https://evil.test/x",
    "https://docs.example.com/a",
    "http",
    "s://",
    "://",
    "[",
    "]",
    "(",
    ")",
    "!",
    "<",
    ">",
    "`",
    "```",
    "\n",
    "\n\n",
    " ",
    "\\",
    "&",
    "&#104;",
    "ttps",
    "//",
    "evil.test",
    "javascript:",
    "alert(1)",
    "\"",
    "[c1: \"",
    "\"]",
    "|",
    "*",
    "_",
    "~~~",
    "    ",
    "- ",
    "> ",
    "# ",
    ":",
    "^",
    "<img src=",
    "a",
    "b c",
    "\u{200b}",
    "[x]: ",
    "![",
    "](",
    "www.",
    "@",
    "$",
    "<!--",
    "-->",
    "<script>",
    "0",
    "</a>",
    "<a href=\"",
    ";",
    "#",
    "例",
    ".com",
    ".",
    "\t",
    "|---|\n",
    "1. ",
    "'",
    "\r\n",
    "[^1]",
    "==\n",
];

proptest! {
    #[test]
    fn nothing_that_leaves_leads_elsewhere(parts in vec(select(PARTS.to_vec()), 0..24)) {
        let text = parts.concat();
        let left = cleaned(&text);
        prop_assert_eq!(foreign(&left), Vec::<String>::new(), "{:?} became {:?}", text, left);
        prop_assert!(crate::assistant::links::audit::is_clean(&left, &hosts()), "{:?}", left);
    }

    #[test]
    fn any_text_leaves_safely(text in "\\PC{0,80}") {
        let left = cleaned(&text);
        prop_assert_eq!(foreign(&left), Vec::<String>::new(), "{:?} became {:?}", text, left);
    }

    #[test]
    fn the_same_leaves_however_it_is_cut(parts in vec(select(PARTS.to_vec()), 0..24), cuts in vec(any::<Index>(), 0..12)) {
        let text = parts.concat();
        let whole = cleaned(&text);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut.index(text.len() + 1))).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let mut words = Words::new(hosts(), Defences::default(), NoMarks);
        let mut left: String = cuts.windows(2).map(|cut| words.push(&text[cut[0]..cut[1]])).collect();
        left.push_str(&words.finish().0);
        prop_assert_eq!(left, whole);
    }
}
