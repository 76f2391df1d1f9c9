//! The figures as a picture: how long a first byte and a page take by the round trip, a row for each, a column for each loss.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;

use crate::job::Protocol;
use crate::measure::Cell;

const SIZE: (u32, u32) = (1_200, 760);
/// Told apart by those who see no red or green, too (Okabe and Ito's palette).
const COLOURS: [RGBColor; 3] = [RGBColor(230, 159, 0), RGBColor(0, 114, 178), RGBColor(0, 158, 115)];

type Figure = fn(&Cell) -> f64;

pub(crate) fn draw(cells: &[Cell], file: &Path) -> Result<()> {
    let mut losses: Vec<u64> = cells.iter().map(|cell| cell.conditions.loss_percent).collect();
    losses.dedup();
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let of = [("first byte", first_byte as Figure), ("page", page as Figure)];
    let areas = root.split_evenly((of.len(), losses.len()));
    for (row, (name, value)) in of.into_iter().enumerate() {
        let most = cells.iter().map(value).fold(1.0, f64::max);
        for (column, loss) in losses.iter().enumerate() {
            let here: Vec<&Cell> = cells.iter().filter(|cell| cell.conditions.loss_percent == *loss).collect();
            let widest = here.iter().map(|cell| cell.conditions.round_trip_ms).max().unwrap_or_default();
            let mut chart = ChartBuilder::on(&areas[row * losses.len() + column])
                .caption(format!("{name}, {loss} % lost"), ("sans-serif", 18))
                .margin(12)
                .x_label_area_size(36)
                .y_label_area_size(56)
                .build_cartesian_2d(0.0..widest.max(1) as f64, 0.0..most * 1.05)?;
            chart.configure_mesh().x_desc("round trip, ms").y_desc("ms").light_line_style(WHITE).draw()?;
            for (protocol, colour) in Protocol::ALL.into_iter().zip(COLOURS) {
                let own = here.iter().filter(|cell| cell.protocol == protocol);
                let points: Vec<(f64, f64)> =
                    own.map(|cell| (cell.conditions.round_trip_ms as f64, value(cell))).collect();
                chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
                chart
                    .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
                    .label(protocol.name())
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
            }
            let labels = &mut chart.configure_series_labels();
            labels.position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).draw()?;
        }
    }
    Ok(root.present()?)
}

fn first_byte(cell: &Cell) -> f64 {
    cell.first_byte.median()
}

fn page(cell: &Cell) -> f64 {
    cell.page.median()
}
