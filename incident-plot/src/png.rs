//! The picture as pixels: the SVG, drawn without anything else of this machine.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};
use thiserror::Error;

/// Two pixels for one of the SVG's: letters stay sharp where the picture is shown smaller.
const SCALE: f32 = 2.0;

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(include_bytes!("../fonts/DejaVuSans-subset.ttf").to_vec());
    fonts.load_font_data(include_bytes!("../fonts/DejaVuSans-Bold-subset.ttf").to_vec());
    fonts.set_sans_serif_family("DejaVu Sans");
    Arc::new(fonts)
});

/// A picture cannot be drawn.
#[derive(Debug, Error)]
pub enum CannotDraw {
    /// It is no SVG.
    #[error("the picture is not readable: {0}")]
    Unreadable(#[from] resvg::usvg::Error),
    /// It has no size.
    #[error("the picture has no size that can be drawn")]
    NoSize,
    /// It cannot be written as PNG.
    #[error("the picture cannot be written as PNG: {0}")]
    NotWritten(String),
}

/// Draws a picture that [`svg`](crate::svg()) has written.
///
/// # Errors
/// [`CannotDraw`] when it is none of ours.
pub fn png(svg: &str) -> Result<Vec<u8>, CannotDraw> {
    let options = Options { fontdb: Arc::clone(&FONTS), font_family: "DejaVu Sans".to_owned(), ..Options::default() };
    let tree = Tree::from_str(svg, &options)?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or(CannotDraw::NoSize)?;
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or(CannotDraw::NoSize)?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| CannotDraw::NotWritten(error.to_string()))
}
