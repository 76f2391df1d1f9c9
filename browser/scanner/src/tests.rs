//! Codes as the service draws them, seen as cameras see them.

use qrcode::{Color, EcLevel, QrCode};

use super::*;

/// What the service puts into a code: its own address, and a session's handle.
const LINK: &str =
    "https://gw.example.com/watch#0198c1d2-7a44-7c11-9a55-3f6d2b1c9e80.Wm9vbSBvdXQgYW5kIGxvb2sgYXQgdGhlIHN0YXJz";

const SIDE: usize = 480;

/// The code of a text in the middle of a picture, with one byte for each pixel.
struct Picture {
    code: QrCode,
}

impl Picture {
    fn of(text: &str) -> Self {
        Self { code: QrCode::with_error_correction_level(text, EcLevel::M).unwrap() }
    }

    /// The picture turned by an angle in degrees, with a module as wide as `module` pixels.
    fn turned(&self, degrees: f64, module: f64) -> Vec<u8> {
        let (sine, cosine) = degrees.to_radians().sin_cos();
        let middle = SIDE as f64 / 2.0;
        let modules = self.code.width() as f64;
        let seen = |x: usize, y: usize| {
            let (x, y) = (x as f64 + 0.5 - middle, y as f64 + 0.5 - middle);
            let (x, y) =
                ((x * cosine + y * sine) / module + modules / 2.0, (y * cosine - x * sine) / module + modules / 2.0);
            let is_inside = x >= 0.0 && y >= 0.0 && x < modules && y < modules;
            if is_inside && self.code[(x as usize, y as usize)] == Color::Dark { 40 } else { 215 }
        };
        (0..SIDE * SIDE).map(|index| seen(index % SIDE, index / SIDE)).collect()
    }
}

/// Numbers that look like chance and are the same each time.
fn noise(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

fn text_of(pixels: &[u8]) -> Option<String> {
    scan(SIDE, SIDE, pixels)
}

#[test]
fn a_code_is_read_however_the_camera_is_held() {
    let picture = Picture::of(LINK);
    for degrees in [0.0, 7.0, 30.0, 45.0, 90.0, 133.0, 180.0, 270.0] {
        assert_eq!(text_of(&picture.turned(degrees, 5.0)).as_deref(), Some(LINK), "{degrees} degrees");
    }
}

#[test]
fn a_code_is_read_in_a_dim_and_noisy_picture() {
    let mut random = noise(0x2545_f491_4f6c_dd1d);
    let dim: Vec<u8> = Picture::of(LINK)
        .turned(11.0, 5.0)
        .into_iter()
        .map(|pixel| (u64::from(pixel) / 2 + random() % 40) as u8)
        .collect();
    assert_eq!(text_of(&dim).as_deref(), Some(LINK));
}

#[test]
fn a_code_with_a_spot_on_it_is_read() {
    let mut spotted = Picture::of(LINK).turned(0.0, 5.0);
    for y in 230..260 {
        spotted[y * SIDE + 230..y * SIDE + 260].fill(40);
    }
    assert_eq!(text_of(&spotted).as_deref(), Some(LINK));
}

#[test]
fn a_code_that_is_light_on_dark_is_read() {
    let inverted: Vec<u8> = Picture::of(LINK).turned(5.0, 5.0).into_iter().map(|pixel| 255 - pixel).collect();
    assert_eq!(text_of(&inverted).as_deref(), Some(LINK));
}

#[test]
fn colours_are_seen_by_their_brightness_and_nothing_as_white() {
    let of_a_canvas = |dark: [u8; 4], light: [u8; 4]| -> Vec<u8> {
        Picture::of(LINK)
            .turned(0.0, 5.0)
            .into_iter()
            .flat_map(|pixel| if pixel < 128 { dark } else { light })
            .collect()
    };
    for (dark, light) in [
        ([0, 0, 160, 255], [255, 255, 0, 255]),
        ([0, 0, 0, 255], [0, 0, 0, 0]),
        ([120, 0, 0, 255], [200, 230, 255, 255]),
    ] {
        assert_eq!(text_of(&of_a_canvas(dark, light)).as_deref(), Some(LINK), "{dark:?} on {light:?}");
    }
}

#[test]
fn a_picture_without_a_code_holds_none() {
    let mut random = noise(0x9e37_79b9_7f4a_7c15);
    let grain: Vec<u8> = (0..SIDE * SIDE).map(|_| random() as u8).collect();
    assert_eq!(text_of(&grain), None);
    assert_eq!(text_of(&vec![255; SIDE * SIDE]), None);
}

#[test]
fn a_picture_of_another_size_than_it_says_holds_none() {
    let pixels = Picture::of(LINK).turned(0.0, 5.0);
    for (width, height) in [(SIDE, SIDE - 1), (0, 0), (0, SIDE), (usize::MAX, 2), (1, 1)] {
        assert_eq!(scan(width, height, &pixels), None, "{width} by {height}");
    }
}
