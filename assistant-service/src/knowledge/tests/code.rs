//! How code and plain text are cut, and how its names are found.

use super::*;
use crate::knowledge::kind::Kind;

/// The headings and the lines of the sections of a file.
fn cut(file: &str, source: &str) -> Vec<(String, [usize; 2])> {
    let Some(Kind::Code(language)) = Kind::of(Path::new(file)) else { panic!("{file} is no code") };
    let sections = crate::knowledge::code::sections(file, source, language);
    sections.iter().map(|section| (section.heading.clone(), section.lines_of(section.text()).unwrap())).collect()
}

fn owned(expected: &[(&str, [usize; 2])]) -> Vec<(String, [usize; 2])> {
    expected.iter().map(|(heading, lines)| ((*heading).to_owned(), *lines)).collect()
}

#[test]
fn rust_is_cut_by_item_with_the_comment_above_it() {
    let source = "\
//! Of the file.

use std::fmt;
use std::io;

/// How often.
const ATTEMPTS: u32 = 5;
const LEASE: u32 = 2;
/// A letter's brace '{' and a text's \"}\" open nothing.
#[derive(Debug)]
pub struct Job<'a> {
    name: &'a str,

    brace: char,
}

impl fmt::Display for Job<'_> {
    fn fmt(&self) {
        let brace = '{'; // }
        let raw = r#\"
}\"}\"#;
    }
}

pub(crate) async fn run<T>(
    name: &str,
) -> u32
where
    T: Clone,
{
    0
}
";
    let expected = owned(&[
        ("a.rs", [1, 1]),
        ("a.rs", [3, 4]),
        ("a.rs > ATTEMPTS, LEASE", [6, 8]),
        ("a.rs > Job", [9, 15]),
        ("a.rs > impl fmt::Display for Job<'_>", [17, 23]),
        ("a.rs > run", [25, 32]),
    ]);
    assert_eq!(cut("src/a.rs", source), expected);
}

#[test]
fn a_long_class_is_cut_into_its_members() {
    let filler = "    work();\n".repeat(12);
    let script = format!(
        "/** Of the class. */\nexport class Client {{\n  private timer?: Timer;\n  private url = \"\";\n\n  /** Starts. */\n  async start(): Promise<void> {{\n{filler}  }}\n\n  stop(): void {{\n{filler}  }}\n}}\n\nconst last = 1;\n"
    );
    let expected = owned(&[
        ("flags.ts > Client", [1, 2]),
        ("flags.ts > Client > timer, url", [3, 4]),
        ("flags.ts > Client > start", [6, 20]),
        ("flags.ts > Client > stop", [22, 36]),
        ("flags.ts > last", [38, 38]),
    ]);
    assert_eq!(cut("flags.ts", &script), expected);
}

#[test]
fn go_python_sql_and_yaml_are_cut_by_what_begins_there() {
    let go = "// Package a does.\npackage a\n\nconst grace = 3 * time.Second\n\n// Live lives.\nfunc (h *Health) Live(w int) {\n\tx(`\n}`)\n}\n";
    assert_eq!(cut("a.go", go), owned(&[("a.go > a", [1, 2]), ("a.go > grace", [4, 4]), ("a.go > Live", [6, 10])]));

    let python = "\"\"\"Module\n\ndef no():\n\"\"\"\n\nimport a\n\n# Why.\n@decorated(\n    1,\n)\ndef call(\n    x,\n) -> int:\n    # Inside.\n\n    return 1\nLIMIT = 2\n";
    let expected =
        owned(&[("a.py > Module", [1, 4]), ("a.py", [6, 6]), ("a.py > call", [8, 17]), ("a.py > LIMIT", [18, 18])]);
    assert_eq!(cut("a.py", python)[1..], expected[1..]);
    assert_eq!(cut("a.py", python)[0].1, [1, 4]);

    let sql = "-- Of the file.\n\n-- Why.\nSET a = ';';\nSET b = 2;\n\nCREATE PROCEDURE fill()\nAS $$\nBEGIN;\n\nEND;\n$$;\nDROP TABLE x;\n";
    let expected = owned(&[
        ("a.sql", [1, 1]),
        ("a.sql > SET a, SET b", [3, 5]),
        ("a.sql > CREATE PROCEDURE fill", [7, 12]),
        ("a.sql > DROP TABLE x", [13, 13]),
    ]);
    assert_eq!(cut("a.sql", sql), expected);

    let yaml = "# Why.\nname: check\non:\n- push\n\n- pull\njobs:\n  test:\n    steps: |\n\n      echo\n";
    let expected = owned(&[("a.yml > name", [1, 2]), ("a.yml > on", [3, 6]), ("a.yml > jobs", [7, 11])]);
    assert_eq!(cut("a.yml", yaml), expected);
}

#[test]
fn anything_else_is_cut_at_blank_lines_and_after_sixty_lines() {
    let source = format!("FROM a\nRUN b\n\n\nUSER c\n\n{}", "RUN d\n".repeat(61));
    let expected = [[1, 2], [5, 5], [7, 66], [67, 67]].map(|lines| ("Dockerfile".to_owned(), lines));
    assert_eq!(cut("deploy/Dockerfile", &source), expected);
}

#[test]
fn only_known_names_are_documents() {
    let is_document = |name: &str| Kind::of(Path::new(name)).is_some();
    for name in ["a.md", "A.MARKDOWN", "a.txt", "Dockerfile", "x.Dockerfile", "a.json", "a.toml", "a.sh", "a.js"] {
        assert!(is_document(name), "{name}");
    }
    for name in ["a.png", "md", "json", "Makefile", "a.rs.bak", "Cargo.lock"] {
        assert!(!is_document(name), "{name}");
    }
}

#[test]
fn whatever_the_file_every_line_of_code_is_in_one_section_and_quotes_know_their_lines() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/company/code");
    let knowledge = Knowledge::load(&folder).unwrap();
    assert_eq!((knowledge.document_count(), knowledge.skipped().len()), (13, 0));
    for document in knowledge.shelves.iter().flat_map(|shelf| &shelf.documents) {
        let text = fs::read_to_string(folder.join(&document.file)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let mut held = vec![0; lines.len()];
        for IndexedSection { section, passages, .. } in &document.sections {
            let [first, last] = section.lines_of(section.text()).unwrap();
            held[first - 1..last].iter_mut().for_each(|times| *times += 1);
            for indexed in passages {
                let quote = section.quote(&indexed.passage);
                let [first, last] = section.lines_of(quote).unwrap();
                assert!(lines[first - 1..last].join("\n").contains(quote), "{}: {first}-{last}", document.file);
            }
        }
        for (number, (line, times)) in lines.iter().zip(held).enumerate() {
            assert!(times == 1 || (times == 0 && line.is_empty()), "{}:{}: {times}", document.file, number + 1);
        }
    }
}

/// A section that ends elsewhere than a person would end it is no answer to what is asked about the item.
#[test]
fn what_is_asked_about_the_companys_code_stands_in_sections_of_their_own() {
    let company = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/company");
    let knowledge = Knowledge::load(&company.join("code")).unwrap();
    let documents: Vec<_> = knowledge.shelves.iter().flat_map(|shelf| &shelf.documents).collect();
    let questions = fs::read_to_string(company.join("questions.jsonl")).unwrap();
    let questions = questions.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    for question in questions.filter(|question| question["kind"] == "code") {
        let place = &question["expected"][0];
        let document = documents.iter().find(|document| place["file"] == format!("code/{}", document.file)).unwrap();
        for hold in question["holds"].as_array().unwrap().iter().map(|hold| hold.as_str().unwrap()) {
            let overlaps = |section: &Section| {
                let [first, last] = section.lines_of(section.text()).unwrap();
                let line = |at: usize| usize::try_from(place["lines"][at].as_u64().unwrap()).unwrap();
                first <= line(1) && line(0) <= last && last - first < 40
            };
            let mut sections = document.sections.iter().map(|indexed| &indexed.section);
            assert!(sections.any(|section| section.text().contains(hold) && overlaps(section)), "{question}");
        }
    }
}

#[test]
fn names_are_found_by_themselves_and_by_their_parts_however_they_are_written() {
    let folder = folder_of(&[
        ("a.rs", "fn retryDelay() {}\n\nfn parseHTTPHeader() {}\n"),
        ("b.py", "def poll_interval():\n    pass\n"),
    ]);
    let knowledge = Knowledge::load(folder.path()).unwrap();
    let readable = everybody(&knowledge);
    for (question, heading) in [
        ("retryDelay", "a.rs > retryDelay"),
        ("retrydelay", "a.rs > retryDelay"),
        ("the delay of a retry", "a.rs > retryDelay"),
        ("retry_delay", "a.rs > retryDelay"),
        ("http", "a.rs > parseHTTPHeader"),
        ("headers", "a.rs > parseHTTPHeader"),
        ("poll_interval", "b.py > poll_interval"),
        ("pollInterval", "b.py > poll_interval"),
        ("interval", "b.py > poll_interval"),
    ] {
        let found = readable.search(&readable.question(question), 5).unwrap();
        assert_eq!(found.len(), 1, "{question}");
        assert_eq!(found[0].section.heading, heading, "{question}");
    }
    let words = |question: &str| readable.question(question).words().len();
    assert_eq!((words("retryDelay"), words("pollInterval")), (1, 2));
}

#[test]
fn plain_text_is_cut_into_sentences_that_know_their_lines() {
    let filler = "A line that says little.\n".repeat(40);
    let folder = folder_of(&[
        ("a.txt", &format!("Not a # heading.\n\nLions sleep here all day. Zebras\nrun there.\n\n{filler}\nThe end.\n")),
        ("b.txt", "---\naudience: a\n---\nClosed lions.\n"),
    ]);
    let knowledge = Knowledge::load(folder.path()).unwrap();
    let readable = everybody(&knowledge);
    assert_eq!(readable.section_count(), 2);
    let found = readable.search(&readable.question("zebras"), 5).unwrap();
    let section = &found[0].section;
    assert_eq!(quotes(section)[1..3], ["Lions sleep here all day.", "Zebras\nrun there."]);
    assert_eq!(section.lines_of("Zebras\nrun there."), Some([3, 4]));
}

#[test]
fn deep_nesting_and_long_lines_take_no_stack() {
    let deep = (0..20_000).map(|_| "mod a {\n").collect::<String>();
    assert!(!cut("a.rs", &deep).is_empty());
    assert!(!cut("a.rs", &"let ".repeat(100_000)).is_empty());
    let deep: String = (0..1_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert!(!cut("a.yaml", &deep).is_empty());
    assert!(!cut("a.py", &"((((".repeat(10_000)).is_empty());
}
