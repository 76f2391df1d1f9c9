//! Rows of cells, one below the other.

use serde_json::Value;

use super::plain::line;

/// Each row in a line, its columns as wide as their widest cells and two spaces apart.
pub(crate) fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// A page of a list, its first row the head; with how to ask for the next one.
pub(super) fn page_table<const COLUMNS: usize>(rows: &[[String; COLUMNS]], page: &Value) -> String {
    let mut said = table(rows);
    if rows.len() <= 1 {
        said.push_str("(none here)\n");
    }
    if let Some(before) = page.get("next_before").and_then(Value::as_str) {
        said.push_str(&format!("more: --before {}\n", line(before)));
    }
    said
}
