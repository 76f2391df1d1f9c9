//! What figures must be for an evaluation to count as passed.

use std::str::FromStr;

use super::figures::Figures;

/// A bound for one figure in all.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Threshold {
    figure: Figure,
    bound: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    Recall5,
    Precision,
    Abstention,
    FalseAbstention,
    P99,
}

const NAMES: [(&str, Figure); 5] = [
    ("recall5", Figure::Recall5),
    ("precision", Figure::Precision),
    ("abstention", Figure::Abstention),
    ("false-abstention", Figure::FalseAbstention),
    ("p99", Figure::P99),
];

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, bound) = text.split_once('=').ok_or("a figure and a value such as recall5=0.9 were expected")?;
        let known = || NAMES.map(|(name, _)| name).join(", ");
        let found = NAMES.iter().find(|(known, _)| *known == name);
        let (_, figure) = found.ok_or_else(|| format!("no such figure; there are {}", known()))?;
        let bound = bound.parse().ok().filter(|bound: &f64| bound.is_finite() && *bound >= 0.0);
        Ok(Self { figure: *figure, bound: bound.ok_or("a number was expected")? })
    }
}

impl Threshold {
    /// What to say when the figures miss it; one that was not measured is missed too.
    pub(super) fn missed_by(&self, figures: &Figures) -> Option<String> {
        let (name, value, is_most) = match self.figure {
            Figure::Recall5 => ("recall@5", figures.recall5, false),
            Figure::Precision => ("precision", figures.precision, false),
            Figure::Abstention => ("abstention", figures.abstention, false),
            Figure::FalseAbstention => ("false abstention", figures.false_abstention, true),
            Figure::P99 => ("p99", figures.p99_milliseconds, true),
        };
        let Some(value) = value else { return Some(format!("{name} was not measured")) };
        let (is_met, wanted) =
            if is_most { (value <= self.bound, "at most") } else { (value >= self.bound, "at least") };
        (!is_met).then(|| format!("{name} is {value:.3} and not {wanted} {}", self.bound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_names_a_figure_and_a_number() {
        assert_eq!("recall5=0.9".parse(), Ok(Threshold { figure: Figure::Recall5, bound: 0.9 }));
        assert_eq!("p99=50".parse(), Ok(Threshold { figure: Figure::P99, bound: 50.0 }));
        for text in ["recall5", "recall=0.9", "recall5=", "recall5=NaN", "recall5=-1", "=1"] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
    }
}
