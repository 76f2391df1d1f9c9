//! The two loops, as wasm. They move sixteen bytes at a time, then fewer, and call nothing.

use wasm_encoder::Instruction as I;
use wasm_encoder::{BlockType, Function, Instruction, MemArg, MemArgTarget, ValType};

const DESTINATION: u32 = 0;
const SOURCE: u32 = 1;
const VALUE: u32 = 1;
const LENGTH: u32 = 2;
const SPLAT: u32 = 3;

/// No alignment is promised.
const ANYWHERE: MemArg = MemArg { offset: 0, align: 0, target: MemArgTarget::Memory(0), ordering: None };

/// `memory.copy`: (destination, source, length). The ranges may overlap.
pub(crate) fn copy() -> Function {
    let mut function = Function::new([]);
    // Going upwards is right unless the destination begins inside the source. The difference wraps around when the
    // destination lies below, and is then larger than any length.
    let is_upwards = [I::LocalGet(DESTINATION), I::LocalGet(SOURCE), I::I32Sub, I::LocalGet(LENGTH), I::I32GeU];
    emit(&mut function, &is_upwards);
    emit(&mut function, &[I::If(BlockType::Empty)]);
    for (bytes, load, store) in widths() {
        let mut body = vec![I::LocalGet(DESTINATION), I::LocalGet(SOURCE), load, store];
        body.extend(add(DESTINATION, bytes));
        body.extend(add(SOURCE, bytes));
        body.extend(add(LENGTH, bytes.wrapping_neg()));
        while_at_least(&mut function, bytes, &body);
    }
    emit(&mut function, &[I::Else]);
    for (bytes, load, store) in widths() {
        let mut body = add(LENGTH, bytes.wrapping_neg()).to_vec();
        body.extend([I::LocalGet(DESTINATION), I::LocalGet(LENGTH), I::I32Add]);
        body.extend([I::LocalGet(SOURCE), I::LocalGet(LENGTH), I::I32Add, load, store]);
        while_at_least(&mut function, bytes, &body);
    }
    emit(&mut function, &[I::End, I::End]);
    function
}

/// `memory.fill`: (destination, value, length).
pub(crate) fn fill() -> Function {
    let mut function = Function::new([(1, ValType::I64)]);
    emit(&mut function, &[I::LocalGet(VALUE), I::I32Const(0xff), I::I32And, I::I64ExtendI32U]);
    emit(&mut function, &[I::I64Const(0x0101_0101_0101_0101), I::I64Mul, I::LocalSet(SPLAT)]);
    for (bytes, store) in [(8, I::I64Store(ANYWHERE)), (1, I::I64Store8(ANYWHERE))] {
        let mut body = vec![I::LocalGet(DESTINATION), I::LocalGet(SPLAT), store];
        body.extend(add(DESTINATION, bytes));
        body.extend(add(LENGTH, bytes.wrapping_neg()));
        while_at_least(&mut function, bytes, &body);
    }
    emit(&mut function, &[I::End]);
    function
}

/// Most copies are short: a tail of single bytes would cost more than all that went before it.
fn widths() -> [(i32, Instruction<'static>, Instruction<'static>); 4] {
    [
        (16, I::V128Load(ANYWHERE), I::V128Store(ANYWHERE)),
        (8, I::I64Load(ANYWHERE), I::I64Store(ANYWHERE)),
        (4, I::I32Load(ANYWHERE), I::I32Store(ANYWHERE)),
        (1, I::I32Load8U(ANYWHERE), I::I32Store8(ANYWHERE)),
    ]
}

fn add(local: u32, bytes: i32) -> [Instruction<'static>; 4] {
    [I::LocalGet(local), I::I32Const(bytes), I::I32Add, I::LocalSet(local)]
}

/// `while length >= bytes { body }`
fn while_at_least(function: &mut Function, bytes: i32, body: &[Instruction<'_>]) {
    emit(function, &[I::Block(BlockType::Empty), I::Loop(BlockType::Empty)]);
    emit(function, &[I::LocalGet(LENGTH), I::I32Const(bytes), I::I32LtU, I::BrIf(1)]);
    emit(function, body);
    emit(function, &[I::Br(0), I::End, I::End]);
}

fn emit(function: &mut Function, instructions: &[Instruction<'_>]) {
    for instruction in instructions {
        function.instruction(instruction);
    }
}
