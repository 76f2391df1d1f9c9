//! The grammar of Traefik's rules: calls with back-quoted strings, `&&`, `||`, `!` and brackets.
//!
//! ```text
//! any   = all  { "||" all }
//! all   = one  { "&&" one }
//! one   = "!" one | "(" any ")" | name "(" text { "," text } ")"
//! text  = "`" … "`"  |  '"' … '"'
//! ```

use super::expression::Expression;

/// Longest rule, in bytes.
const MAX_RULE_BYTES: usize = 16 * 1024;

/// Deepest nesting of brackets and `!`; parsing and judging recurse to it, and the guest's stack is small.
const MAX_DEPTH: usize = 32;

/// A call as written: what it means is up to who reads the tree.
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

/// Reads a rule's text into a tree of calls.
pub(crate) fn parse(text: &str) -> Result<Expression<Call>, RuleMistake> {
    if text.len() > MAX_RULE_BYTES {
        return Err(RuleMistake { column: 1, what: "a rule may have at most 16 KiB".to_owned() });
    }
    let mut parser = Parser { characters: text.chars().collect(), at: 0, depth: 0 };
    let tree = parser.any()?;
    match parser.peek() {
        None => Ok(tree),
        Some(')') => Err(parser.mistake("a closing bracket that nothing opened")),
        Some(other) => Err(parser.mistake(format!("expected && or || here, found {other:?}"))),
    }
}

struct Parser {
    characters: Vec<char>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn any(&mut self) -> Result<Expression<Call>, RuleMistake> {
        self.joined("||", Self::all, Expression::Any)
    }

    fn all(&mut self) -> Result<Expression<Call>, RuleMistake> {
        self.joined("&&", Self::one, Expression::All)
    }

    fn joined(
        &mut self,
        operator: &str,
        part: fn(&mut Self) -> Result<Expression<Call>, RuleMistake>,
        join: fn(Vec<Expression<Call>>) -> Expression<Call>,
    ) -> Result<Expression<Call>, RuleMistake> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.takes(operator) {
            parts.push(part(self)?);
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            Some(last) => {
                parts.push(last);
                Ok(join(parts))
            }
            None => Err(self.mistake("an empty condition")),
        }
    }

    fn one(&mut self) -> Result<Expression<Call>, RuleMistake> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(self.mistake("brackets and ! are nested deeper than 32"));
        }
        let one = if self.takes("!") {
            Expression::Not(Box::new(self.one()?))
        } else if self.takes("(") {
            let inner = self.any()?;
            self.demand(')', "a closing bracket is missing here")?;
            inner
        } else {
            Expression::One(self.call()?)
        };
        self.depth = self.depth.saturating_sub(1);
        Ok(one)
    }

    fn call(&mut self) -> Result<Call, RuleMistake> {
        self.skip_space();
        let column = self.column();
        let name = self.take_while(|character| character.is_ascii_alphanumeric() || character == '_');
        if name.is_empty() {
            return Err(match self.peek() {
                None => self.mistake("a condition is missing at the end"),
                Some(other) => self.mistake(format!("a condition such as Path(`/x`) was expected, found {other:?}")),
            });
        }
        self.demand('(', "a ( must follow the name of a condition")?;
        let mut arguments = Vec::new();
        if !self.takes(")") {
            loop {
                arguments.push(self.text()?);
                if self.takes(")") {
                    break;
                }
                self.demand(',', "a , or ) was expected after a value")?;
            }
        }
        Ok(Call { name, arguments, column })
    }

    fn text(&mut self) -> Result<String, RuleMistake> {
        self.skip_space();
        let start = self.column();
        let quote = match self.peek() {
            Some(quote @ ('`' | '"')) => quote,
            _ => return Err(self.mistake("values stand in back-quotes, such as `/x`")),
        };
        self.advance();
        let value = self.take_while(|character| character != quote);
        if self.peek().is_none() {
            return Err(RuleMistake { column: start, what: "this value's closing quote is missing".to_owned() });
        }
        self.advance();
        Ok(value)
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(character) = self.peek().filter(|character| belongs(*character)) {
            taken.push(character);
            self.advance();
        }
        taken
    }

    fn takes(&mut self, token: &str) -> bool {
        self.skip_space();
        let end = self.at.saturating_add(token.len());
        let is_next = self.characters.get(self.at..end).is_some_and(|next| next.iter().copied().eq(token.chars()));
        if is_next {
            self.at = end;
        }
        is_next
    }

    fn demand(&mut self, token: char, otherwise: &str) -> Result<(), RuleMistake> {
        if self.takes(token.encode_utf8(&mut [0; 4])) { Ok(()) } else { Err(self.mistake(otherwise)) }
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.advance();
        }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn advance(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn column(&self) -> usize {
        self.at.saturating_add(1)
    }

    fn mistake(&self, what: impl Into<String>) -> RuleMistake {
        RuleMistake { column: self.column(), what: what.into() }
    }
}
