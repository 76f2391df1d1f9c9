//! What came of each question, and the figures over all.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::questions::KnownQuestion;
use crate::assistant::{Answer, Confidence, Place};

/// What came of one question.
#[derive(Debug, Serialize)]
pub(super) struct Asking {
    pub(super) id: String,
    pub(super) kind: String,
    is_answerable: bool,
    /// The share of its expected places that was found.
    recall5: f64,
    pub(super) known: bool,
    pub(super) confidence: Confidence,
    right_citations: usize,
    citations: usize,
    /// Where it was looked for: the first five sections.
    found: Vec<String>,
    milliseconds: f64,
}

impl Asking {
    pub(super) fn of(question: &KnownQuestion, answer: Answer, places: Vec<Place>, took: Duration) -> Self {
        Self {
            id: question.id.clone(),
            kind: question.kind.clone(),
            is_answerable: question.is_answerable(),
            recall5: question.recall(&places),
            known: answer.known,
            confidence: answer.confidence,
            right_citations: answer.citations.iter().filter(|citation| question.is_right(citation)).count(),
            citations: answer.citations.len(),
            found: places.iter().map(|place| format!("{}: {}", place.file, place.title)).collect(),
            milliseconds: took.as_secs_f64() * 1000.0,
        }
    }
}

/// The figures of one kind of question, or of all; those are nothing that there is no question for.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    kind: String,
    questions: usize,
    pub(super) recall5: Option<f64>,
    pub(super) precision: Option<f64>,
    pub(super) abstention: Option<f64>,
    pub(super) false_abstention: Option<f64>,
    p50_milliseconds: Option<f64>,
    pub(super) p99_milliseconds: Option<f64>,
}

impl Figures {
    /// Those of each kind, and of all at the end.
    pub(super) fn by_kind(askings: &[Asking]) -> Vec<Self> {
        let mut kinds: BTreeMap<&str, Vec<&Asking>> = BTreeMap::new();
        for asking in askings {
            kinds.entry(&asking.kind).or_default().push(asking);
        }
        let mut figures: Vec<_> = kinds.into_iter().map(|(kind, askings)| Self::of(kind, &askings)).collect();
        figures.push(Self::of("all", &askings.iter().collect::<Vec<_>>()));
        figures
    }

    fn of(kind: &str, askings: &[&Asking]) -> Self {
        let (answerable, unanswerable): (Vec<&Asking>, Vec<&Asking>) =
            askings.iter().partition(|asking| asking.is_answerable);
        let silent = |askings: &[&Asking]| share(askings.iter().filter(|asking| !asking.known).count(), askings.len());
        let recall: f64 = answerable.iter().map(|asking| asking.recall5).sum();
        let right = answerable.iter().map(|asking| asking.right_citations).sum();
        let mut took: Vec<f64> = askings.iter().map(|asking| asking.milliseconds).collect();
        took.sort_by(f64::total_cmp);
        Self {
            kind: kind.to_owned(),
            questions: askings.len(),
            recall5: (!answerable.is_empty()).then(|| recall / answerable.len() as f64),
            precision: share(right, answerable.iter().map(|asking| asking.citations).sum()),
            abstention: silent(&unanswerable),
            false_abstention: silent(&answerable),
            p50_milliseconds: percentile(&took, 50),
            p99_milliseconds: percentile(&took, 99),
        }
    }
}

fn share(part: usize, all: usize) -> Option<f64> {
    (all > 0).then(|| part as f64 / all as f64)
}

/// The smallest that so many percent do not exceed.
fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// One line for each kind.
pub(super) fn table(figures: &[Figures]) -> String {
    let mut table = format!(
        "{:<15} {:>9} {:>9} {:>9} {:>10} {:>16} {:>9} {:>9}\n",
        "kind", "questions", "recall@5", "precision", "abstention", "false abstention", "p50 ms", "p99 ms"
    );
    for figures in figures {
        let shown = |figure: Option<f64>| figure.map_or("-".to_owned(), |figure| format!("{figure:.3}"));
        // Writing to a text cannot fail.
        let _ = writeln!(
            table,
            "{:<15} {:>9} {:>9} {:>9} {:>10} {:>16} {:>9} {:>9}",
            figures.kind,
            figures.questions,
            shown(figures.recall5),
            shown(figures.precision),
            shown(figures.abstention),
            shown(figures.false_abstention),
            shown(figures.p50_milliseconds),
            shown(figures.p99_milliseconds)
        );
    }
    table
}
