#![allow(clippy::arithmetic_side_effects, reason = "positions in a small memory")]

use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType,
    Instruction, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wasmi::{Engine, Linker, Memory, Store, TypedFunc};

use super::*;

/// A module whose exports `copy` and `fill` are one bulk instruction each.
fn module() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32; 3], []);
    let mut functions = FunctionSection::new();
    functions.function(0).function(0);
    let memories = one_page();
    let mut exports = ExportSection::new();
    exports.export("copy", ExportKind::Func, 0).export("fill", ExportKind::Func, 1).export(
        "memory",
        ExportKind::Memory,
        0,
    );
    let mut code = CodeSection::new();
    for bulk in [Instruction::MemoryCopy { src_mem: 0, dst_mem: 0 }, Instruction::MemoryFill(0)] {
        let mut function = Function::new([]);
        for local in 0..3 {
            function.instruction(&Instruction::LocalGet(local));
        }
        function.instruction(&bulk).instruction(&Instruction::End);
        code.function(&function);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&code);
    module.finish()
}

fn one_page() -> MemorySection {
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: Some(1), memory64: false, shared: false, page_size_log2: None });
    memories
}

struct Running {
    store: Store<()>,
    memory: Memory,
    copy: TypedFunc<(i32, i32, i32), ()>,
    fill: TypedFunc<(i32, i32, i32), ()>,
}

fn running() -> Running {
    let engine = Engine::default();
    let compiled = wasmi::Module::new(&engine, lower(&module()).unwrap().module).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate_and_start(&mut store, &compiled).unwrap();
    let memory = instance.get_memory(&store, "memory").unwrap();
    let copy = instance.get_typed_func(&store, "copy").unwrap();
    let fill = instance.get_typed_func(&store, "fill").unwrap();
    Running { store, memory, copy, fill }
}

#[test]
fn both_instructions_become_calls() {
    let lowered = lower(&module()).unwrap();
    assert_eq!((lowered.copies, lowered.fills), (1, 1));
    let again = lower(&lowered.module).unwrap();
    assert_eq!((again.copies, again.fills), (0, 0));
}

#[test]
fn ranges_are_copied_however_they_overlap() {
    let mut running = running();
    for (destination, source) in (0..28).flat_map(|destination| (0..28).map(move |source| (destination, source))) {
        for length in 0..28 {
            let mut expected: Vec<u8> = (1..=64).collect();
            running.memory.write(&mut running.store, 0, &expected).unwrap();
            running.copy.call(&mut running.store, (destination, source, length)).unwrap();
            let (to, from, bytes) = (destination as usize, source as usize, length as usize);
            expected.copy_within(from..from + bytes, to);
            assert_eq!(&running.memory.data(&running.store)[..64], &expected, "{destination} {source} {length}");
        }
    }
}

#[test]
fn long_ranges_are_copied_whole() {
    let mut running = running();
    let bytes: Vec<u8> = (0..30_001_u32).map(|n| (n % 251) as u8).collect();
    running.memory.write(&mut running.store, 3, &bytes).unwrap();
    running.copy.call(&mut running.store, (32_768, 3, 30_001)).unwrap();
    assert_eq!(&running.memory.data(&running.store)[32_768..32_768 + 30_001], &bytes);
}

#[test]
fn a_range_is_filled_with_the_low_byte_and_nothing_beside_it() {
    let mut running = running();
    for length in 0..40_usize {
        running.memory.write(&mut running.store, 0, &[7; 64]).unwrap();
        running.fill.call(&mut running.store, (5, 0x1ab, length as i32)).unwrap();
        let mut expected = [7; 64];
        expected[5..5 + length].fill(0xab);
        assert_eq!(&running.memory.data(&running.store)[..64], &expected, "{length}");
    }
}

#[test]
fn a_range_outside_memory_traps() {
    let mut running = running();
    running.copy.call(&mut running.store, (65_530, 0, 8)).unwrap_err();
    running.copy.call(&mut running.store, (0, 65_530, 8)).unwrap_err();
    running.fill.call(&mut running.store, (65_530, 0, 8)).unwrap_err();
}

#[test]
fn what_is_no_module_is_refused() {
    lower(b"not wasm").unwrap_err();
}

/// A module whose `handle_request` takes sixteen bytes of stack, says where it ends, and never gives them back.
fn leaking() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], [ValType::I32]);
    let mut functions = FunctionSection::new();
    functions.function(0).function(0);
    let mut globals = GlobalSection::new();
    let stack_pointer = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
    globals.global(stack_pointer, &ConstExpr::i32_const(1024));
    let mut exports = ExportSection::new();
    exports.export("another", ExportKind::Func, 0).export("handle_request", ExportKind::Func, 1);
    let mut code = CodeSection::new();
    for _ in 0..2 {
        let mut function = Function::new([]);
        function.instruction(&Instruction::GlobalGet(0)).instruction(&Instruction::I32Const(16));
        function.instruction(&Instruction::I32Sub).instruction(&Instruction::GlobalSet(0));
        function.instruction(&Instruction::GlobalGet(0)).instruction(&Instruction::End);
        code.function(&function);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&one_page()).section(&globals).section(&exports).section(&code);
    module.finish()
}

#[test]
fn what_the_host_enters_finds_the_stack_empty() {
    let module = leaking();
    let lowered = lower(&module).unwrap();
    assert_eq!(lowered.entries, 1);
    let ends = |module: &[u8], entry: &str| {
        let engine = Engine::default();
        let compiled = wasmi::Module::new(&engine, module).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate_and_start(&mut store, &compiled).unwrap();
        let enter = instance.get_typed_func::<(), i32>(&store, entry).unwrap();
        [(); 2].map(|()| enter.call(&mut store, ()).unwrap())
    };
    assert_eq!(ends(&module, "handle_request"), [1008, 992]);
    assert_eq!(ends(&lowered.module, "handle_request"), [1008, 1008]);
    assert_eq!(ends(&lowered.module, "another"), [1008, 992]);
}
