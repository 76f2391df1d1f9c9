#![allow(clippy::arithmetic_side_effects, reason = "the arithmetic that is tested wraps where it must")]

use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, FunctionSection, Instruction, MemorySection, MemoryType, Module,
    TypeSection, ValType,
};
use wasmi::{Engine, Linker, Store, TypedFunc};

use crate::rewrite::lower;

const NUMBERS: [u64; 12] = [
    0,
    1,
    2,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_0000_0001,
    0x0123_4567_89ab_cdef,
    0x8000_0000_0000_0000,
    0xffff_ffff_0000_0000,
    u64::MAX,
];

/// A function for each instruction. Each keeps a local of its own over the instruction and gives it back last.
fn module() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I64; 2], [ValType::I64; 3]);
    types.ty().function([ValType::I64; 4], [ValType::I64; 3]);
    let mut functions = FunctionSection::new();
    functions.function(0).function(1).function(1);
    // The loops for bulk memory, which come with every rewriting, need one.
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: Some(1), memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export("product", ExportKind::Func, 0);
    exports.export("sum", ExportKind::Func, 1).export("difference", ExportKind::Func, 2);
    let mut code = CodeSection::new();
    for (wide, parameters) in [(Instruction::I64MulWideU, 2), (Instruction::I64Add128, 4), (Instruction::I64Sub128, 4)]
    {
        let mut function = wasm_encoder::Function::new([(2, ValType::I32), (1, ValType::I64)]);
        let own = parameters + 2;
        function.instruction(&Instruction::I64Const(7)).instruction(&Instruction::LocalSet(own));
        for parameter in 0..parameters {
            function.instruction(&Instruction::LocalGet(parameter));
        }
        function.instruction(&wide).instruction(&Instruction::LocalGet(own)).instruction(&Instruction::End);
        code.function(&function);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&code);
    module.finish()
}

type Two = (i64, i64);
type Three = (i64, i64, i64);
type Four = (i64, i64, i64, i64);

struct Running {
    store: Store<()>,
    product: TypedFunc<Two, Three>,
    sum: TypedFunc<Four, Three>,
    difference: TypedFunc<Four, Three>,
}

fn running() -> Running {
    let engine = Engine::default();
    let lowered = lower(&module()).unwrap();
    assert_eq!(lowered.wide, 3);
    let compiled = wasmi::Module::new(&engine, lowered.module).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &compiled).unwrap();
    let product = instance.get_typed_func(&store, "product").unwrap();
    let sum = instance.get_typed_func(&store, "sum").unwrap();
    let difference = instance.get_typed_func(&store, "difference").unwrap();
    Running { store, product, sum, difference }
}

fn halves(number: u128) -> (i64, i64) {
    (number as i64, (number >> 64) as i64)
}

fn expected(number: u128) -> Three {
    let (low, high) = halves(number);
    (low, high, 7)
}

#[test]
fn products_are_whole() {
    let mut running = running();
    for (a, b) in NUMBERS.into_iter().flat_map(|a| NUMBERS.map(|b| (a, b))) {
        let product = running.product.call(&mut running.store, (a as i64, b as i64)).unwrap();
        assert_eq!(product, expected(u128::from(a) * u128::from(b)), "{a:x} {b:x}");
    }
}

#[test]
fn sums_and_differences_carry_and_wrap() {
    let mut running = running();
    let numbers = || NUMBERS.into_iter().flat_map(|high| NUMBERS.map(|low| (u128::from(high) << 64) | u128::from(low)));
    for (a, b) in numbers().flat_map(|a| numbers().map(move |b| (a, b))) {
        let ((a_low, a_high), (b_low, b_high)) = (halves(a), halves(b));
        let operands = (a_low, a_high, b_low, b_high);
        assert_eq!(running.sum.call(&mut running.store, operands).unwrap(), expected(a.wrapping_add(b)));
        assert_eq!(running.difference.call(&mut running.store, operands).unwrap(), expected(a.wrapping_sub(b)));
    }
}
