//! A folder of documents such as a company has: Markdown with headings, lists, tables and listings, some of it restricted, and
//! source code beside it. The same number gives the same bytes.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use measuring::random::Random;

use crate::vocabulary::{Vocabulary, common};

const WORDS: usize = 40_000;
const SECTIONS: usize = 10;
const TOPIC_WORDS: usize = 24;
const QUESTIONS: usize = 4_000;
/// As the service takes it.
const LONGEST_QUESTION_BYTES: usize = 2_000;
const FILES_PER_FOLDER: usize = 100;
/// Of a hundred documents.
const CODE: usize = 10;
const RESTRICTED: usize = 5;
const SCOPES: [&str; 4] = ["documents:finance", "documents:people", "documents:security", "documents:legal"];

/// The documents, and what can be asked about them.
pub(crate) struct Corpus {
    pub(crate) folder: PathBuf,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) sections: usize,
    pub(crate) bytes: usize,
    pub(crate) questions: Vec<String>,
    /// As long as may be, and of words that stand everywhere.
    pub(crate) longest_question: String,
}

/// Writes one document.
struct Writer<'a> {
    vocabulary: &'a Vocabulary,
    random: Random,
    topic: Vec<&'a str>,
    text: String,
}

impl Corpus {
    pub(crate) fn write(folder: &Path, documents: usize) -> Result<Corpus> {
        let vocabulary = Vocabulary::new(WORDS);
        let mut corpus = Corpus {
            folder: folder.to_owned(),
            files: Vec::new(),
            sections: 0,
            bytes: 0,
            questions: Vec::new(),
            longest_question: longest_question(&vocabulary),
        };
        for number in 0..documents {
            let mut writer = Writer::new(&vocabulary, number as u64);
            let is_code = number % 100 < CODE;
            if is_code {
                writer.code();
            } else {
                writer.markdown(number);
            }
            let name = format!(
                "area-{:03}/page-{number:05}.{}",
                number / FILES_PER_FOLDER,
                ["md", "py"][usize::from(is_code)]
            );
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(&path, &writer.text)?;
            corpus.files.push(path);
            corpus.sections += SECTIONS;
            corpus.bytes += writer.text.len();
            if corpus.questions.len() < QUESTIONS && number % (1 + documents / QUESTIONS) == 0 {
                corpus.questions.push(writer.question());
            }
        }
        Random::seeded(3).shuffle(&mut corpus.questions);
        Ok(corpus)
    }

    /// The text of each document, cut at its headings, as whoever has no better idea would.
    pub(crate) fn texts(&self) -> impl Iterator<Item = Result<String>> {
        self.files.iter().map(|path| Ok(fs::read_to_string(path)?))
    }
}

impl<'a> Writer<'a> {
    fn new(vocabulary: &'a Vocabulary, number: u64) -> Writer<'a> {
        let mut random = Random::seeded(1_000 + number);
        let topic = (0..TOPIC_WORDS).map(|_| vocabulary.topic(&mut random)).collect();
        Writer { vocabulary, random, topic, text: String::new() }
    }

    fn chance(&mut self, of_hundred: usize) -> bool {
        self.random.below(100) < of_hundred
    }

    fn word(&mut self) -> &'a str {
        match self.random.below(100) {
            0..42 => common(&mut self.random),
            42..60 => self.topic[self.random.below(self.topic.len())],
            _ => self.vocabulary.any(&mut self.random),
        }
    }

    fn topic_word(&mut self) -> &'a str {
        self.topic[self.random.below(self.topic.len())]
    }

    fn sentence(&mut self) {
        let words = 8 + self.random.below(14);
        for at in 0..words {
            let word = self.word();
            if at == 0 {
                let (first, rest) = word.split_at(1);
                let _ = write!(self.text, "{}{rest}", first.to_uppercase());
            } else if at == words / 2 && self.chance(15) {
                let _ = write!(self.text, " {} seconds {word}", 1 + self.random.below(900));
            } else {
                let _ = write!(self.text, " {word}");
            }
        }
        self.text.push_str(".\n");
    }

    fn markdown(&mut self, number: usize) {
        let (owner, title) = (self.topic[0], format!("{} {}", self.topic[1], self.topic[2]));
        let _ = write!(self.text, "---\nowner: {owner} team\ntitle: {title}\n");
        if number % 100 >= 100 - RESTRICTED {
            let _ = writeln!(self.text, "audience: {}", SCOPES[self.random.below(SCOPES.len())]);
        }
        let _ = write!(self.text, "---\n\n# {title}\n\n");
        self.sentence();
        for _ in 1..SECTIONS {
            let (one, other) = (self.topic_word(), self.topic_word());
            let _ = write!(self.text, "\n## {one} {other}\n\n");
            for _ in 0..3 + self.random.below(4) {
                self.sentence();
            }
            match self.random.below(10) {
                0 | 1 => self.list(),
                2 => self.table(),
                3 => self.listing(),
                _ => {}
            }
        }
    }

    fn list(&mut self) {
        self.text.push_str("\nThese are the steps:\n\n");
        for number in 1..4 + self.random.below(4) {
            let _ = write!(self.text, "{number}. ");
            self.sentence();
        }
    }

    fn table(&mut self) {
        self.text.push_str("\n| name | what | seconds |\n|---|---|---|\n");
        for _ in 0..3 + self.random.below(4) {
            let (name, what) = (self.topic_word(), self.word());
            let _ = writeln!(self.text, "| {name} | {what} | {} |", self.random.below(600));
        }
    }

    fn listing(&mut self) {
        let (service, file) = (self.topic_word(), self.topic_word());
        let _ = write!(
            self.text,
            "\nRun it with:\n\n```sh\n{service}ctl restart --wait {file}.yaml\n{service}ctl status\n```\n"
        );
    }

    fn code(&mut self) {
        let _ = write!(self.text, "\"\"\"");
        self.sentence();
        self.text.push_str("\"\"\"\n\n");
        for _ in 1..SECTIONS {
            let (one, other, third) = (self.topic_word(), self.topic_word(), self.topic_word());
            self.text.push_str("# ");
            self.sentence();
            let _ = writeln!(self.text, "def {one}_{other}({third}, limit={}):", self.random.below(500));
            for _ in 0..3 + self.random.below(8) {
                let (name, word) = (self.word(), self.topic_word());
                let _ = writeln!(self.text, "    {name}_value = {third}.{word}(limit)");
            }
            self.text.push_str("    return limit\n\n\n");
        }
    }

    /// About this document, as people ask: with some of its words, and sometimes with one that nobody has ever written.
    fn question(&mut self) -> String {
        let (one, other, third) = (self.topic_word(), self.topic_word(), self.topic_word());
        let any = self.vocabulary.any(&mut self.random);
        match self.random.below(6) {
            0 => format!("How long does the {one} {other} wait for {third}?"),
            1 => format!("What happens to {any} when {one} is {other}?"),
            2 => format!("The {any} shows {one} and {other} since this morning. How do I restart the {third}?"),
            3 => format!("Who may change the {one} of the {other} {any}?"),
            4 => format!("Where is {one} {other} kept, and for how many days?"),
            _ => format!("Why did the quetzalcoatlus {one} refuse {other}?"),
        }
    }
}

fn longest_question(vocabulary: &Vocabulary) -> String {
    let mut question = String::new();
    for word in vocabulary.most_frequent() {
        if question.len() + word.len() + 2 > LONGEST_QUESTION_BYTES {
            break;
        }
        question.push_str(word);
        question.push(' ');
    }
    question.push('?');
    question
}
