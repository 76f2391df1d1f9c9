//! A picture as brightness alone.

use std::borrow::Cow;

/// Pictures beyond this many pixels are not looked at: none of our cameras is asked for more, and each costs its bytes twice.
const MAX_PIXELS: usize = 16 * 1024 * 1024;

/// Brightness from 0 to 255, row by row.
pub(crate) struct Luminance<'p> {
    width: usize,
    height: usize,
    values: Cow<'p, [u8]>,
}

impl<'p> Luminance<'p> {
    /// None where there are not exactly as many bytes as the size asks for.
    pub(crate) fn of(width: usize, height: usize, pixels: &'p [u8]) -> Option<Self> {
        let count = width.checked_mul(height).filter(|count| (1..=MAX_PIXELS).contains(count))?;
        let values = if pixels.len() == count {
            Cow::Borrowed(pixels)
        } else if pixels.len() == count.checked_mul(4)? {
            Cow::Owned(pixels.chunks_exact(4).map(brightness).collect())
        } else {
            return None;
        };
        Some(Self { width, height, values })
    }

    pub(crate) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    pub(crate) fn at(&self, x: usize, y: usize) -> u8 {
        let index = y.saturating_mul(self.width).saturating_add(x);
        self.values.get(index).copied().unwrap_or(u8::MAX)
    }
}

/// By the eye's weights for red, green and blue (BT.601), in 256ths, on white where it is transparent.
fn brightness(pixel: &[u8]) -> u8 {
    let [red, green, blue, alpha] = [0, 1, 2, 3].map(|index| u32::from(pixel.get(index).copied().unwrap_or(u8::MAX)));
    let opaque =
        red.saturating_mul(77).saturating_add(green.saturating_mul(150)).saturating_add(blue.saturating_mul(29)) >> 8;
    let white = 255_u32.saturating_mul(255_u32.saturating_sub(alpha));
    u8::try_from(opaque.saturating_mul(alpha).saturating_add(white) / 255).unwrap_or(u8::MAX)
}
