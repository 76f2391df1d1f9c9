//! The picture of an incident: up to four panels, what moved first on top. Struck devices stand out by colour and by thickness, a device
//! that is not struck is thin and grey, what was usual is shaded, and lines say when it began, was noticed and was over.
//!
//! Data go in as they come, in any order and number: [`Columns`] keeps what one pixel can show. [`svg`] writes the picture, [`png`] draws
//! that very picture.

mod columns;
mod escape;
mod frame;
mod numbers;
mod panel;
mod png;
mod svg;

pub use columns::Columns;
pub use numbers::unit;
pub use png::{CannotDraw, png};
pub use svg::svg;

/// Milliseconds since 1970-01-01T00:00:00Z.
pub type Millis = i64;

/// How wide a picture is, in pixels.
pub const WIDTH: f64 = 900.0;

/// The most panels that a picture has.
pub const MOST_PANELS: usize = 4;

/// The most struck devices of a panel.
pub const MOST_STRUCK: usize = 3;

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub struct Plot {
    /// The incident in a sentence.
    pub title: String,
    /// What is said in smaller letters below it.
    pub subtitle: String,
    /// The first moment that is shown.
    pub from: Millis,
    /// The first moment that is not.
    pub until: Millis,
    /// When the first thing moved.
    pub began_at: Millis,
    /// When it was noticed.
    pub noticed_at: Millis,
    /// When it was over.
    pub resolved_at: Option<Millis>,
    /// From top to bottom; at most [`MOST_PANELS`] are drawn.
    pub panels: Vec<Panel>,
}

/// One metric.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// Its name.
    pub metric: String,
    /// When it began to move on a struck device.
    pub began_at: Millis,
    /// Between these it usually was.
    pub usual: Option<(f64, f64)>,
    /// Devices that are struck; at most [`MOST_STRUCK`] are drawn.
    pub struck: Vec<Line>,
    /// One that is not, for comparison.
    pub other: Option<Line>,
}

/// What one device showed.
#[derive(Clone, Debug)]
pub struct Line {
    /// The device.
    pub device: String,
    /// Its values.
    pub values: Columns,
}
