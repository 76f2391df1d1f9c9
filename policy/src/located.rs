//! YAML or JSON as a tree that knows its lines, so that a mistake can be found by who has only an editor.

use std::fmt::{Formatter, Result as FormatResult};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;

/// A value, its line, and the lines of all that is in it.
#[derive(Debug)]
pub struct Located {
    line: Option<u64>,
    tree: Tree,
}

#[derive(Debug)]
enum Tree {
    Scalar(Value),
    List(Vec<Located>),
    Map(Vec<(String, Located)>),
}

/// Why a text is no tree.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The line at which it ends to be one, where the reader says so.
    pub line: Option<u64>,
    /// One sentence.
    pub what: String,
}

impl Located {
    /// Reads YAML, or JSON that is no YAML because of its tabs.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let error = match serde_saphyr::from_str::<Spanned<Tree>>(text) {
            Ok(spanned) => return Ok(spanned.into()),
            Err(error) => error,
        };
        if let Ok(value) = serde_json::from_str::<Value>(text) {
            return Ok(value.into());
        }
        let line = error.location().map(|location| location.line());
        Err(Unreadable { line, what: format!("neither YAML nor JSON: {}", error.without_snippet()) })
    }

    /// The member of this name, of a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The members of a map, in their order; none of anything else.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Self)> {
        let entries = if let Tree::Map(entries) = &self.tree { entries.as_slice() } else { &[] };
        entries.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The members of a map, in their order; none of anything else.
    pub fn into_entries(self) -> Vec<(String, Self)> {
        if let Tree::Map(entries) = self.tree { entries } else { Vec::new() }
    }

    /// The line of a place such as `rules[2].match`, or of the nearest thing around it that is there.
    pub fn line_of(&self, place: &str) -> Option<u64> {
        let mut here = self;
        for step in place.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty()) {
            let next = match &here.tree {
                Tree::Map(_) => here.get(step),
                Tree::List(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
                Tree::Scalar(_) => None,
            };
            let Some(next) = next else { break };
            here = next;
        }
        here.line
    }

    /// The same without lines.
    pub fn to_value(&self) -> Value {
        match &self.tree {
            Tree::Scalar(value) => value.clone(),
            Tree::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Tree::Map(entries) => Value::Object(
                entries.iter().map(|(name, value)| (name.clone(), value.to_value())).collect::<Map<_, _>>(),
            ),
        }
    }
}

impl From<Spanned<Tree>> for Located {
    fn from(spanned: Spanned<Tree>) -> Self {
        let line = spanned.referenced.line();
        Self { line: (line > 0).then_some(line), tree: spanned.value }
    }
}

impl From<Value> for Located {
    fn from(value: Value) -> Self {
        let tree = match value {
            Value::Array(items) => Tree::List(items.into_iter().map(Self::from).collect()),
            Value::Object(map) => Tree::Map(map.into_iter().map(|(name, value)| (name, value.into())).collect()),
            scalar => Tree::Scalar(scalar),
        };
        Self { line: None, tree }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> FormatResult {
        formatter.write_str("a map, a list, a text, a number, true, false or nothing")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        // JSON has no infinity; the text is what the gate would complain about.
        Ok(Tree::Scalar(Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Tree>>()? {
            list.push(item.into());
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some((name, value)) = entries.next_entry::<String, Spanned<Tree>>()? {
            map.push((name, value.into()));
        }
        Ok(Tree::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_the_line_that_an_editor_shows() {
        let text = "# gates\nrules:\n  - name: one\n    match: Path(`/`)\n  - name: two\n    event:\n      type: a.b\n";
        let tree = Located::read(text).unwrap();
        for (place, line) in [
            ("rules[0].match", 4),
            ("rules[1]", 5),
            ("rules[1].event.type", 7),
            ("rules[1].event.kind", 7),
            ("rules[7]", 3),
            ("", 2),
        ] {
            assert_eq!(tree.line_of(place), Some(line), "{place}");
        }
    }

    #[test]
    fn yaml_and_json_give_the_same_values() {
        let expected = serde_json::json!({"a": [1, -2, 1.5, true, null, "x"], "b": {"c": "30"}});
        let yaml = "a: [1, -2, 1.5, true, null, x]\nb:\n  c: '30'\n";
        let json_with_tabs = "{\n\t\"a\": [1, -2, 1.5, true, null, \"x\"],\n\t\"b\": {\"c\": \"30\"}\n}";
        for text in [yaml, json_with_tabs] {
            assert_eq!(Located::read(text).unwrap().to_value(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_neither_says_where() {
        for (text, line) in [("a: 1\nb: [\n", 2..=3), ("a: 1\na: 2\n", 2..=2), ("{\"a\": }}", 1..=1)] {
            let unreadable = Located::read(text).unwrap_err();
            assert!(unreadable.line.is_some_and(|found| line.contains(&found)), "{text}: {unreadable:?}");
        }
    }
}
