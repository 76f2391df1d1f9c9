//! Powers modulo an odd number (Montgomery, 1985), for RSA's public operation alone: every number here is public, so nothing
//! needs to take the same time.
//!
//! The sandbox has no product of more than 64 bits, and each of its memory accesses is checked. Limbs of 27 bits leave room in
//! 64-bit sums for every product of a column, so no carry is looked at before the end; and four rows are added in one go, so
//! that a column is loaded once for four products.

use std::sync::OnceLock;

const LIMB_BITS: usize = 27;
const LIMB_MASK: u64 = (1 << LIMB_BITS) - 1;

/// An odd modulus of at most 4,096 bits.
pub(super) struct Modulus {
    /// The lowest limb first, an even number of them, with two bits or more to spare: numbers below twice the modulus then
    /// stay below it through every product, without a subtraction.
    limbs: Vec<u32>,
    byte_count: usize,
    /// The modulus times this is -1 modulo 2^27.
    inverse: u64,
    /// R² modulo the modulus, for R = 2^(27 * limbs): the way into Montgomery's form. Made when first needed.
    radix_squared: OnceLock<Vec<u32>>,
}

impl Modulus {
    /// Reads a number without leading zeros, the highest byte first.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let is_odd = bytes.last().is_some_and(|byte| byte & 1 == 1);
        if !is_odd || bytes.len() > 512 || bytes.first() == Some(&0) {
            return None;
        }
        let bits = bytes.len().saturating_mul(8).saturating_add(2);
        let limbs = limbs_of(bytes, bits.div_ceil(LIMB_BITS).next_multiple_of(4));
        let lowest = u64::from(*limbs.first()?);
        // Each round doubles the bits that are right, beginning with three (Newton).
        let mut inverse = lowest;
        for _ in 0..4 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(lowest.wrapping_mul(inverse)));
        }
        Some(Self {
            limbs,
            byte_count: bytes.len(),
            inverse: inverse.wrapping_neg() & LIMB_MASK,
            radix_squared: OnceLock::new(),
        })
    }

    /// `base` to the power of `exponent`, as many bytes as the modulus has; nothing unless `base` has as many and is smaller
    /// than the modulus. The exponent is odd.
    pub(super) fn power(&self, base: &[u8], exponent: u32) -> Option<Vec<u8>> {
        if base.len() != self.byte_count {
            return None;
        }
        let base = limbs_of(base, self.limbs.len());
        if !is_less(&base, &self.limbs) {
            return None;
        }
        let inside = self.product(&base, self.radix_squared.get_or_init(|| self.radix_squared()));
        let mut power = inside.clone();
        // From the bit below the highest down to the last but one; the last one is set.
        let bits = exponent.checked_ilog2()?;
        for bit in (1..bits).rev() {
            power = self.square(&power);
            if exponent.wrapping_shr(bit) & 1 == 1 {
                power = self.product(&power, &inside);
            }
        }
        power = self.square(&power);
        // The base as it came takes the power out of Montgomery's form.
        let mut power = self.product(&power, &base);
        if !is_less(&power, &self.limbs) {
            subtract(&mut power, &self.limbs);
        }
        Some(bytes_of(&power, self.byte_count))
    }

    /// A power of two below the modulus is doubled until it is R modulo the modulus; squares and doublings then raise the
    /// power of two that R stands for, from 2^0 to 2^(27 * limbs).
    fn radix_squared(&self) -> Vec<u32> {
        let count = self.limbs.len();
        let mut power = vec![0; count];
        let highest = self.limbs.iter().rposition(|limb| *limb != 0).unwrap_or_default();
        let (Some(power_limb), Some(limb)) = (power.get_mut(highest), self.limbs.get(highest)) else { return power };
        let highest_bit = limb.checked_ilog2().unwrap_or_default();
        *power_limb = 1_u32.wrapping_shl(highest_bit);
        let radix_bits = count.wrapping_mul(LIMB_BITS);
        for _ in highest.wrapping_mul(LIMB_BITS).wrapping_add(highest_bit as usize)..radix_bits {
            power = self.doubled(&power);
        }
        for bit in (0..=radix_bits.checked_ilog2().unwrap_or_default()).rev() {
            power = self.square(&power);
            if radix_bits.wrapping_shr(bit) & 1 == 1 {
                power = self.doubled(&power);
            }
        }
        power
    }

    /// Twice a number that is below twice the modulus, below the modulus.
    fn doubled(&self, number: &[u32]) -> Vec<u32> {
        let mut carry = 0;
        let double = number.iter().map(|limb| {
            let sum = (u64::from(*limb) << 1) | carry;
            carry = sum >> LIMB_BITS;
            low_limb(sum)
        });
        let mut double = double.collect::<Vec<_>>();
        while !is_less(&double, &self.limbs) {
            subtract(&mut double, &self.limbs);
        }
        double
    }

    /// `left * right / R`, below twice the modulus when both factors are.
    fn product(&self, left: &[u32], right: &[u32]) -> Vec<u32> {
        let mut columns = vec![0_u64; self.limbs.len().wrapping_mul(2)];
        for (row, factors) in left.as_chunks::<4>().0.iter().enumerate() {
            let higher = columns.get_mut(row.wrapping_mul(4)..).unwrap_or_default();
            add_rows(higher, factors.map(u64::from), [0; 3], right);
        }
        self.reduced(columns)
    }

    /// `number * number / R`: each product of two different limbs is needed twice and made once.
    fn square(&self, number: &[u32]) -> Vec<u32> {
        let mut columns = vec![0_u64; self.limbs.len().wrapping_mul(2)];
        let mut rest = number;
        let mut higher = columns.as_mut_slice();
        while let (Some((factors, behind)), Some((lowest, above))) =
            (rest.split_first_chunk::<4>(), higher.split_first_chunk_mut::<4>())
        {
            let [a, b, c, d] = factors.map(u64::from);
            let [column_0, column_1, column_2, column_3] = lowest;
            *column_0 = column_0.wrapping_add(a.wrapping_mul(a));
            *column_1 = column_1.wrapping_add(a.wrapping_mul(b) << 1);
            *column_2 = column_2.wrapping_add(a.wrapping_mul(c) << 1).wrapping_add(b.wrapping_mul(b));
            *column_3 = column_3.wrapping_add(a.wrapping_mul(d).wrapping_add(b.wrapping_mul(c)) << 1);
            if let Some(([column_4, column_5, column_6], _)) = above.split_first_chunk_mut::<3>() {
                *column_4 = column_4.wrapping_add(b.wrapping_mul(d) << 1).wrapping_add(c.wrapping_mul(c));
                *column_5 = column_5.wrapping_add(c.wrapping_mul(d) << 1);
                *column_6 = column_6.wrapping_add(d.wrapping_mul(d));
            }
            add_rows(above, [a << 1, b << 1, c << 1, d << 1], [0; 3], behind);
            rest = behind;
            higher = above.get_mut(4..).unwrap_or_default();
        }
        self.reduced(columns)
    }

    /// The columns' sum, divided by R: multiples of the modulus make the lower half of the columns zero.
    fn reduced(&self, mut columns: Vec<u64>) -> Vec<u32> {
        let Some((&[n0, n1, n2, n3], limbs)) = self.limbs.split_first_chunk::<4>() else { return Vec::new() };
        let [n0, n1, n2, n3] = [n0, n1, n2, n3].map(u64::from);
        let multiple = |column: u64| column.wrapping_mul(self.inverse) & LIMB_MASK;
        let count = self.limbs.len();
        for row in (0..count).step_by(4) {
            let higher = columns.get_mut(row..).unwrap_or_default();
            let Some((&mut [c0, c1, c2, c3], above)) = higher.split_first_chunk_mut::<4>() else { break };
            let m0 = multiple(c0);
            let c1 =
                c1.wrapping_add(c0.wrapping_add(m0.wrapping_mul(n0)) >> LIMB_BITS).wrapping_add(m0.wrapping_mul(n1));
            let m1 = multiple(c1);
            let c2 = c2
                .wrapping_add(c1.wrapping_add(m1.wrapping_mul(n0)) >> LIMB_BITS)
                .wrapping_add(m0.wrapping_mul(n2))
                .wrapping_add(m1.wrapping_mul(n1));
            let m2 = multiple(c2);
            let c3 = c3
                .wrapping_add(c2.wrapping_add(m2.wrapping_mul(n0)) >> LIMB_BITS)
                .wrapping_add(m0.wrapping_mul(n3))
                .wrapping_add(m1.wrapping_mul(n2))
                .wrapping_add(m2.wrapping_mul(n1));
            let m3 = multiple(c3);
            if let Some(column) = above.first_mut() {
                *column = column.wrapping_add(c3.wrapping_add(m3.wrapping_mul(n0)) >> LIMB_BITS);
            }
            add_rows(above, [m0, m1, m2, m3], [n1, n2, n3], limbs);
        }
        let mut carry = 0_u64;
        let limbs = columns.iter().skip(count).map(|column| {
            carry = carry.wrapping_add(*column);
            let limb = low_limb(carry);
            carry >>= LIMB_BITS;
            limb
        });
        limbs.collect()
    }
}

/// Adds four rows of a product to the columns, each row a column above the one before; `before` is what stands before the
/// numbers. Within four columns the highest goes first: then the sandbox sees that the others lie within bounds, too.
fn add_rows(columns: &mut [u64], factors: [u64; 4], before: [u64; 3], numbers: &[u32]) {
    let [f0, f1, f2, f3] = factors;
    let [mut x1, mut x2, mut x3] = before;
    let mut columns = columns.as_chunks_mut::<4>().0.iter_mut();
    for ([y0, y1, y2, y3], [c0, c1, c2, c3]) in numbers.as_chunks::<4>().0.iter().zip(&mut columns) {
        let y3 = u64::from(*y3);
        let y2 = u64::from(*y2);
        let y1 = u64::from(*y1);
        let y0 = u64::from(*y0);
        let sum = |x0: u64, x1: u64, x2: u64, x3: u64| {
            let low = f0.wrapping_mul(x0).wrapping_add(f1.wrapping_mul(x1));
            low.wrapping_add(f2.wrapping_mul(x2)).wrapping_add(f3.wrapping_mul(x3))
        };
        *c3 = c3.wrapping_add(sum(y3, y2, y1, y0));
        *c2 = c2.wrapping_add(sum(y2, y1, y0, x3));
        *c1 = c1.wrapping_add(sum(y1, y0, x3, x2));
        *c0 = c0.wrapping_add(sum(y0, x3, x2, x1));
        [x1, x2, x3] = [y1, y2, y3];
    }
    if let Some([c0, c1, c2, _]) = columns.next() {
        *c2 = c2.wrapping_add(f3.wrapping_mul(x3));
        *c1 = c1.wrapping_add(f2.wrapping_mul(x3)).wrapping_add(f3.wrapping_mul(x2));
        *c0 = c0.wrapping_add(f1.wrapping_mul(x3)).wrapping_add(f2.wrapping_mul(x2)).wrapping_add(f3.wrapping_mul(x1));
    }
}

/// So many limbs of a number that has its highest byte first.
fn limbs_of(bytes: &[u8], count: usize) -> Vec<u32> {
    let (mut pending, mut pending_bits) = (0_u64, 0_usize);
    let mut limbs = Vec::with_capacity(count);
    for byte in bytes.iter().rev() {
        pending |= u64::from(*byte).wrapping_shl(pending_bits as u32);
        pending_bits = pending_bits.wrapping_add(8);
        if pending_bits >= LIMB_BITS {
            limbs.push(low_limb(pending));
            pending >>= LIMB_BITS;
            pending_bits = pending_bits.wrapping_sub(LIMB_BITS);
        }
    }
    limbs.push(low_limb(pending));
    limbs.resize(count, 0);
    limbs
}

/// The number as so many bytes, the highest first.
fn bytes_of(limbs: &[u32], count: usize) -> Vec<u8> {
    let (mut pending, mut pending_bits) = (0_u64, 0_usize);
    let mut bytes = Vec::with_capacity(count);
    for limb in limbs {
        pending |= u64::from(*limb).wrapping_shl(pending_bits as u32);
        pending_bits = pending_bits.wrapping_add(LIMB_BITS);
        while pending_bits >= 8 && bytes.len() < count {
            bytes.push(pending as u8);
            pending >>= 8;
            pending_bits = pending_bits.wrapping_sub(8);
        }
    }
    bytes.resize(count, 0);
    bytes.reverse();
    bytes
}

fn is_less(left: &[u32], right: &[u32]) -> bool {
    left.iter().rev().lt(right.iter().rev())
}

/// Takes a number off a larger one, or an equal one.
fn subtract(from: &mut [u32], number: &[u32]) {
    let mut borrow = 0;
    for (limb, less) in from.iter_mut().zip(number) {
        let difference = u64::from(*limb).wrapping_sub(u64::from(*less)).wrapping_sub(borrow);
        *limb = low_limb(difference);
        borrow = difference >> 63;
    }
}

fn low_limb(number: u64) -> u32 {
    (number & LIMB_MASK) as u32
}

#[cfg(test)]
mod tests;
