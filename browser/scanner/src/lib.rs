//! Reads a QR code (ISO/IEC 18004) out of a picture: what a camera saw goes in, the text of the first code comes out.
//!
//! Not every browser has a `BarcodeDetector`; on a watch and on a phone of another maker this stands in for it.

mod luminance;

use rqrr::PreparedImage;
use wasm_bindgen::prelude::wasm_bindgen;

use luminance::Luminance;

/// A panic would end as a trap that says nothing: as an exception it keeps its words. What it leaves behind is no module to go on
/// with, and `scanner.js` begins it anew.
#[wasm_bindgen(start)]
pub fn begin() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| wasm_bindgen::throw_str(&panic.to_string())));
}

/// The text of a code in the picture, if one can be read. `pixels` are four bytes each (red, green, blue, alpha, as a canvas
/// gives them) or one (brightness), row by row; a picture whose size says otherwise holds none.
#[wasm_bindgen]
#[must_use]
pub fn scan(width: usize, height: usize, pixels: &[u8]) -> Option<String> {
    let luminance = Luminance::of(width, height, pixels)?;
    // A code on a dark screen is light on dark: what the one looks for is not in the picture of the other.
    read(&luminance, 0).or_else(|| read(&luminance, u8::MAX))
}

fn read(luminance: &Luminance, flip: u8) -> Option<String> {
    let (width, height) = luminance.size();
    let mut image = PreparedImage::prepare_from_greyscale(width, height, |x, y| luminance.at(x, y) ^ flip);
    image.detect_grids().into_iter().find_map(|grid| grid.decode().ok()).map(|(_, text)| text)
}

#[cfg(test)]
mod tests;
