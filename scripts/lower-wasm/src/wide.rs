//! 128-bit arithmetic out of 64-bit instructions, in the place of the instruction: no call, no memory.
//!
//! Products of 64-bit numbers are what elliptic curves spend their time on. Without these instructions the compiler calls a
//! function for each product, which hands its result over in memory.

use wasm_encoder::Instruction as I;
use wasm_encoder::{Function, Instruction};
use wasmparser::Operator;

/// How many locals of 64 bits a function needs that holds any of these instructions.
pub(crate) const LOCALS: u32 = 5;

const LOW_HALF: i64 = 0xffff_ffff;

/// Whether this is one of the instructions.
pub(crate) fn is_wide(operator: &Operator<'_>) -> bool {
    matches!(operator, Operator::I64MulWideU | Operator::I64Add128 | Operator::I64Sub128)
}

/// Writes what the instruction does, with the locals from `first` on for its own use. Every local is set before it is read.
pub(crate) fn emit(function: &mut Function, operator: &Operator<'_>, first: u32) {
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|offset| first.wrapping_add(offset));
    match operator {
        Operator::I64MulWideU => product(function, [a, b, c, d, e]),
        Operator::I64Add128 => sum(function, [a, b, c, d, e]),
        Operator::I64Sub128 => difference(function, [a, b, c, d]),
        _ => {}
    }
}

/// (a, b) becomes (low, high) of the product. No sum of halves overflows: (2^32 - 1)^2 + 2 * (2^32 - 1) is 2^64 - 1.
fn product(function: &mut Function, [a, b, a_high, b_high, middle]: [u32; 5]) {
    write(function, &[I::LocalSet(b), I::LocalSet(a)]);
    write(function, &[I::LocalGet(a), I::LocalGet(b), I::I64Mul]);
    for (number, high) in [(a, a_high), (b, b_high)] {
        write(function, &[I::LocalGet(number), I::I64Const(32), I::I64ShrU, I::LocalSet(high)]);
        write(function, &[I::LocalGet(number), I::I64Const(LOW_HALF), I::I64And, I::LocalSet(number)]);
    }
    write(function, &[I::LocalGet(a), I::LocalGet(b), I::I64Mul, I::I64Const(32), I::I64ShrU]);
    write(function, &[I::LocalGet(a), I::LocalGet(b_high), I::I64Mul, I::I64Add, I::LocalSet(middle)]);
    write(function, &[I::LocalGet(a_high), I::LocalGet(b_high), I::I64Mul]);
    write(function, &[I::LocalGet(middle), I::I64Const(32), I::I64ShrU, I::I64Add]);
    write(function, &[I::LocalGet(a_high), I::LocalGet(b), I::I64Mul]);
    write(function, &[I::LocalGet(middle), I::I64Const(LOW_HALF), I::I64And, I::I64Add]);
    write(function, &[I::I64Const(32), I::I64ShrU, I::I64Add]);
}

/// (a low, a high, b low, b high) becomes (low, high) of the sum.
fn sum(function: &mut Function, [a_low, a_high, b_low, b_high, low]: [u32; 5]) {
    write(function, &[I::LocalSet(b_high), I::LocalSet(b_low), I::LocalSet(a_high), I::LocalSet(a_low)]);
    write(function, &[I::LocalGet(a_low), I::LocalGet(b_low), I::I64Add, I::LocalTee(low)]);
    write(function, &[I::LocalGet(a_high), I::LocalGet(b_high), I::I64Add]);
    write(function, &[I::LocalGet(low), I::LocalGet(b_low), I::I64LtU, I::I64ExtendI32U, I::I64Add]);
}

/// (a low, a high, b low, b high) becomes (low, high) of the difference.
fn difference(function: &mut Function, [a_low, a_high, b_low, b_high]: [u32; 4]) {
    write(function, &[I::LocalSet(b_high), I::LocalSet(b_low), I::LocalSet(a_high), I::LocalSet(a_low)]);
    write(function, &[I::LocalGet(a_low), I::LocalGet(b_low), I::I64Sub]);
    write(function, &[I::LocalGet(a_high), I::LocalGet(b_high), I::I64Sub]);
    write(function, &[I::LocalGet(a_low), I::LocalGet(b_low), I::I64LtU, I::I64ExtendI32U, I::I64Sub]);
}

fn write(function: &mut Function, instructions: &[Instruction<'_>]) {
    for instruction in instructions {
        function.instruction(instruction);
    }
}

#[cfg(test)]
mod tests;
