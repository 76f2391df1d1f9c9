//! Cuts source code into its items: functions, types, constants, statements, keys, each with the comment above it.
//!
//! Lines are compared, no language is parsed: a file that does not compile is cut as well, and the worst that a strange one
//! gets is a cut in a strange place.

pub(super) mod lines;
mod names;
mod nesting;

use std::ops::Range;
use std::sync::Arc;

use super::front_matter::FrontMatter;
use super::kind::Language;
use super::section::{HEADING_SEPARATOR, Section};
use lines::{Line, Role, lines};

/// A class or a module with more lines is cut into its members.
const WHOLE_CONTAINER_LINES: usize = 24;
/// Members of members of members are far enough in.
const DEEPEST: usize = 3;
/// A block without an end in sight ends here.
const BLOCK_LINES: usize = 60;
const LONGEST_HEADING_CHARACTERS: usize = 200;

/// Lines that belong together.
#[derive(Debug, Clone)]
struct Item {
    lines: Range<usize>,
    /// The first line that is no comment.
    code: Option<usize>,
    /// By what it is called, from the outermost name inwards.
    names: Vec<String>,
}

impl Item {
    fn starting_at(at: usize, role: Role) -> Self {
        let code = (role == Role::Code).then_some(at);
        Self { lines: at..at.saturating_add(1), code, names: Vec::new() }
    }

    fn is_one_line_of_code(&self) -> bool {
        self.code.is_some_and(|code| code.saturating_add(1) == self.lines.end)
    }
}

/// The sections of a file, one for each item.
pub(super) fn sections(file: &str, source: &str, language: Language) -> Vec<Section> {
    let whole = Section::beginning(file, source, Arc::<FrontMatter>::default());
    let lines = lines(source, language);
    let items = if language == Language::Other {
        let blocks = blocks(&lines, 0..lines.len()).into_iter();
        blocks.map(|lines| Item { lines, code: None, names: Vec::new() }).collect()
    } else {
        Cutter { lines: &lines, language }.cut(0..lines.len(), 0, &Container::default())
    };
    items.iter().filter_map(|item| section(item, &lines, &whole)).collect()
}

fn section(item: &Item, lines: &[Line<'_>], whole: &Section) -> Option<Section> {
    let (first, last) = (lines.get(item.lines.start)?, lines.get(item.lines.end.saturating_sub(1))?);
    let mut section = whole.clone();
    let name = whole.file.rsplit('/').next().unwrap_or_default();
    for name in std::iter::once(name).chain(item.names.iter().map(String::as_str)) {
        if !section.heading.is_empty() {
            section.heading.push_str(HEADING_SEPARATOR);
        }
        section.title_start = section.heading.len();
        section.heading.extend(name.chars().take(LONGEST_HEADING_CHARACTERS));
    }
    section.line = item.lines.start.saturating_add(1);
    section.is_numbered = true;
    section.body = first.start..last.end();
    section.add(section.body.clone(), &(0..0), true);
    Some(section)
}

/// Runs of lines that are not blank, cut where they are too long.
pub(super) fn blocks(lines: &[Line<'_>], range: Range<usize>) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    for at in range {
        let is_blank = lines.get(at).is_none_or(|line| line.role == Role::Blank);
        match blocks.last_mut() {
            _ if is_blank => {}
            Some(block) if block.end == at && block.len() < BLOCK_LINES => block.end = at.saturating_add(1),
            _ => blocks.push(at..at.saturating_add(1)),
        }
    }
    blocks
}

/// What surrounds items.
#[derive(Debug, Default)]
struct Container {
    names: Vec<String>,
    level: usize,
}

struct Cutter<'a> {
    lines: &'a [Line<'a>],
    language: Language,
}

impl Cutter<'_> {
    /// The items of a range whose own lines stand at `depth`.
    fn cut(&self, range: Range<usize>, depth: usize, container: &Container) -> Vec<Item> {
        let mut cut = Vec::new();
        for mut item in self.join(self.items(range, depth)) {
            item.names = container.names.iter().chain(&item.names).cloned().collect();
            match self.members(&item, depth, container.level) {
                Some(members) => cut.extend(members),
                None => cut.push(item),
            }
        }
        cut
    }

    fn items(&self, range: Range<usize>, depth: usize) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        let mut open: Option<Item> = None;
        for (at, line) in self.lines.iter().enumerate().take(range.end).skip(range.start) {
            let first = open.as_ref().and_then(|item| self.lines.get(item.code?));
            let is_indented = line.role != Role::Blank && first.is_some_and(|first| line.columns() > first.columns());
            let is_inside = line.continues || line.depth > depth || is_indented;
            match (&mut open, line.role) {
                (Some(_), Role::Blank) if is_inside => {}
                (_, Role::Blank) => items.extend(open.take()),
                (Some(item), _) if is_inside => item.lines.end = at.saturating_add(1),
                // After a blank line, such as the end of a class.
                (None, _) if is_inside && !items.is_empty() => {
                    if let Some(item) = items.last_mut() {
                        item.lines.end = at.saturating_add(1);
                    }
                }
                (Some(item), role) if item.code.is_none() => {
                    item.lines.end = at.saturating_add(1);
                    item.code = (role == Role::Code).then_some(at);
                }
                (_, role) => items.extend(open.replace(Item::starting_at(at, role))),
            }
        }
        items.extend(open);
        items
    }

    /// Names the items. Neighbours of one line each, such as imports or fields, are one item.
    fn join(&self, items: Vec<Item>) -> Vec<Item> {
        let mut joined: Vec<Item> = Vec::new();
        for mut item in items {
            let name =
                item.code.and_then(|code| self.lines.get(code)).and_then(|line| names::name(line.text, self.language));
            item.names.extend(name);
            match joined.last_mut() {
                Some(before)
                    if before.lines.end == item.lines.start
                        && before.is_one_line_of_code()
                        && item.lines.len() == 1
                        && item.is_one_line_of_code() =>
                {
                    before.lines.end = item.lines.end;
                    before.code = item.code;
                    match (before.names.last_mut(), item.names.pop()) {
                        (Some(names), Some(name)) => names.extend([", ", &name]),
                        (None, Some(name)) => before.names.push(name),
                        (_, None) => {}
                    }
                }
                _ => joined.push(item),
            }
        }
        joined
    }

    /// The members of a long class, module or map; what stands before the first is an item too.
    fn members(&self, item: &Item, depth: usize, level: usize) -> Option<Vec<Item>> {
        let code = item.code?;
        let is_container = names::is_container(self.lines.get(code)?.text, self.language);
        if item.lines.len() <= WHOLE_CONTAINER_LINES || !is_container || level >= DEEPEST {
            return None;
        }
        let body = code.saturating_add(1)..item.lines.end;
        let inner =
            || body.clone().filter_map(|at| Some((at, self.lines.get(at)?))).filter(|(_, line)| line.is_own(depth));
        let member_depth = inner().map(|(_, line)| line.depth).min()?;
        let (start, _) = inner().find(|(_, line)| line.depth == member_depth)?;
        let container = Container { names: item.names.clone(), level: level.saturating_add(1) };
        let mut members = self.cut(start..item.lines.end, member_depth, &container);
        let first = members.first_mut()?;
        if start.saturating_sub(item.lines.start) == 1 {
            first.lines.start = item.lines.start;
        } else {
            let head = Item { lines: item.lines.start..start, ..item.clone() };
            members.insert(0, head);
        }
        Some(members)
    }
}
