//! The figures for a person.

use crate::job::{OBJECT_BYTES, OBJECTS};
use crate::measure::Cell;

pub(crate) fn print(cells: &[Cell]) {
    let page = format!("{OBJECTS} of {} kB", OBJECT_BYTES / 1_000);
    println!("\nmedians in ms [least to most]");
    println!(
        "{:>6} {:>5}  {:<8} {:>22} {:>22} {page:>24} {:>22}",
        "delay", "loss", "", "connected", "first byte", "address changed"
    );
    for cell in cells {
        let shown = |sample: &measuring::statistics::Sample| {
            if sample.median().is_nan() {
                return String::new();
            }
            format!("{:.1} [{:.0} to {:.0}]", sample.median(), sample.least(), sample.most())
        };
        println!(
            "{:>6} {:>4}%  {:<8} {:>22} {:>22} {:>24} {:>22}",
            cell.conditions.round_trip_ms,
            cell.conditions.loss_percent,
            cell.protocol.name(),
            shown(&cell.connected),
            shown(&cell.first_byte),
            shown(&cell.page),
            shown(&cell.moved),
        );
    }
}
