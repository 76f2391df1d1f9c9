//! The grammar of Traefik's rules: calls with back-quoted strings, `&&`, `||`, `!` and brackets.
//!
//! ```text
//! any   = all  { "||" all }
//! all   = one  { "&&" one }
//! one   = "!" one | "(" any ")" | name "(" text { "," text } ")"
//! text  = "`" … "`"  |  '"' … '"'
//! ```
//!
//! A mistake does not end the reading: the parser notes it, skips to where a condition may begin again and goes on, so
//! that all mistakes are known at once. A text with any mistake gives no tree.

use super::cursor::Cursor;
use super::expression::Expression;

/// Longest rule, in bytes.
const MAX_RULE_BYTES: usize = 16 * 1024;

/// Deepest nesting of brackets and `!`; parsing and judging recurse to it, and the guest's stack is small.
const MAX_DEPTH: usize = 32;

/// More mistakes in one rule help nobody.
const MAX_MISTAKES: usize = 20;

/// A call as written: what it means is up to who reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Vec<String>,
    /// Where it begins, in characters from 1.
    pub(crate) column: usize,
}

/// What is wrong with a rule, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RuleMistake {
    /// In characters from 1.
    pub(crate) column: usize,
    pub(crate) what: String,
}

impl std::fmt::Display for RuleMistake {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "column {}: {}", self.column, self.what)
    }
}

/// Reads a rule's text into a tree of conditions, each made of its call by `read`; or says all that is wrong with it.
pub(crate) fn parse<M>(
    text: &str,
    read: fn(Call) -> Result<M, RuleMistake>,
) -> Result<Expression<M>, Vec<RuleMistake>> {
    if text.len() > MAX_RULE_BYTES {
        return Err(vec![RuleMistake { column: 1, what: "a rule may have at most 16 KiB".to_owned() }]);
    }
    let mut parser = Parser { cursor: Cursor::new(text), depth: 0, read, mistakes: Vec::new(), has_given_up: false };
    match parser.whole() {
        Some(tree) if parser.mistakes.is_empty() => Ok(tree),
        _ => Err(parser.mistakes),
    }
}

/// Each method gives what it has read, or nothing after it has noted a mistake.
struct Parser<M> {
    cursor: Cursor,
    depth: usize,
    read: fn(Call) -> Result<M, RuleMistake>,
    mistakes: Vec<RuleMistake>,
    has_given_up: bool,
}

impl<M> Parser<M> {
    fn whole(&mut self) -> Option<Expression<M>> {
        let tree = self.any();
        let is_whole = self.cursor.is_at_end();
        while !self.cursor.is_at_end() {
            self.note(self.cursor.column(), "a closing bracket that nothing opened");
            self.cursor.takes(")");
            let _ = self.cursor.takes("&&") || self.cursor.takes("||");
            if !self.cursor.is_at_end() && !self.cursor.sees(")") {
                self.any();
            }
        }
        tree.filter(|_| is_whole)
    }

    fn any(&mut self) -> Option<Expression<M>> {
        let mut parts = vec![self.all()];
        while self.cursor.takes("||") {
            parts.push(self.all());
        }
        joined(parts, Expression::Any)
    }

    fn all(&mut self) -> Option<Expression<M>> {
        let mut parts = vec![self.one()];
        loop {
            if self.cursor.takes("&&") {
                parts.push(self.one());
            } else if self.cursor.is_at_end() || self.cursor.sees("||") || self.cursor.sees(")") {
                return joined(parts, Expression::All);
            } else {
                self.wrong_operator();
                parts.push(None);
                if self.cursor.begins_condition() {
                    self.one();
                }
            }
        }
    }

    /// Something else stands where two conditions should be joined.
    fn wrong_operator(&mut self) {
        let column = self.cursor.column();
        let found = self.cursor.take_wrong_operator();
        let meant = match found.to_ascii_lowercase().as_str() {
            "&" | "and" => "; did you mean &&?",
            "|" | "or" => "; did you mean ||?",
            _ => "",
        };
        let found = if found.is_empty() { found } else { format!(", found {found:?}") };
        self.note(column, format!("&& or || was expected here{found}{meant}"));
    }

    fn one(&mut self) -> Option<Expression<M>> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            self.note(self.cursor.column(), "brackets and ! are nested deeper than 32");
            self.give_up();
            return None;
        }
        let one = if self.cursor.takes("!") {
            self.one().map(|inner| Expression::Not(Box::new(inner)))
        } else if self.cursor.takes("(") {
            let inner = self.any();
            let is_closed = self.cursor.takes(")");
            if !is_closed {
                self.note(self.cursor.column(), "a closing bracket is missing here");
            }
            inner.filter(|_| is_closed)
        } else {
            self.condition().map(Expression::One)
        };
        self.depth = self.depth.saturating_sub(1);
        one
    }

    fn condition(&mut self) -> Option<M> {
        self.cursor.skip_space();
        let column = self.cursor.column();
        let name = self.cursor.take_name();
        if name.is_empty() {
            let what = match self.cursor.peek() {
                None => "a condition is missing at the end".to_owned(),
                Some(other) => format!("a condition such as Path(`/x`) was expected, found {other:?}"),
            };
            self.note(column, what);
            self.cursor.skip_to_operator();
            return None;
        }
        if !self.cursor.takes("(") {
            self.note(self.cursor.column(), "a ( must follow the name of a condition");
            self.cursor.skip_to_operator();
            return None;
        }
        let arguments = self.arguments();
        if arguments.is_err() {
            self.cursor.skip_out_of_call();
        }
        let condition = arguments.and_then(|arguments| (self.read)(Call { name, arguments, column }));
        condition.map_err(|mistake| self.note(mistake.column, mistake.what)).ok()
    }

    fn arguments(&mut self) -> Result<Vec<String>, RuleMistake> {
        let mut arguments = Vec::new();
        if self.cursor.takes(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.text()?);
            if self.cursor.takes(")") {
                return Ok(arguments);
            }
            if !self.cursor.takes(",") {
                let what = "a , or ) was expected after a value".to_owned();
                return Err(RuleMistake { column: self.cursor.column(), what });
            }
        }
    }

    fn text(&mut self) -> Result<String, RuleMistake> {
        self.cursor.skip_space();
        let column = self.cursor.column();
        let mistake = |what: &str| Err(RuleMistake { column, what: what.to_owned() });
        match self.cursor.peek() {
            Some('`' | '"') => match self.cursor.take_quoted() {
                Some(value) => Ok(value),
                None => mistake("this value's closing quote is missing"),
            },
            _ => mistake("values stand in back-quotes, such as `/x`"),
        }
    }

    fn note(&mut self, column: usize, what: impl Into<String>) {
        if self.has_given_up {
            return;
        }
        self.mistakes.push(RuleMistake { column, what: what.into() });
        if self.mistakes.len() >= MAX_MISTAKES {
            self.give_up();
        }
    }

    /// What would be noted from here on follows from what has been.
    fn give_up(&mut self) {
        self.has_given_up = true;
        self.cursor.go_to_end();
    }
}

/// One part stands for itself; nothing where any part is missing.
fn joined<M>(
    parts: Vec<Option<Expression<M>>>,
    join: fn(Vec<Expression<M>>) -> Expression<M>,
) -> Option<Expression<M>> {
    let mut parts = parts.into_iter().collect::<Option<Vec<_>>>()?;
    let last = parts.pop()?;
    if parts.is_empty() {
        return Some(last);
    }
    parts.push(last);
    Some(join(parts))
}
