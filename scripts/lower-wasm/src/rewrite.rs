//! The rewriting: two functions are added behind all others, so that no index moves, and called in the place of bulk memory
//! instructions; 128-bit arithmetic is written out where it stands. What the host enters begins with an empty stack. The result
//! is validated as a module without bulk memory and without 128-bit arithmetic.

use std::convert::Infallible;

use anyhow::{Context, Result, ensure};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{CodeSection, Function, FunctionSection, Instruction, Module, TypeSection, ValType};
use wasmparser::{ExternalKind, Operator, Parser, Payload, TypeRef, Validator, WasmFeatures};

use crate::{loops, wide};

/// What Traefik calls for each request, one at a time, and never from within the other.
const ENTRIES: [&str; 2] = ["handle_request", "handle_response"];

/// Where the compiler keeps the stack's end.
const STACK_POINTER: u32 = 0;

/// A module without bulk memory and 128-bit instructions, and how many of them there were.
#[derive(Debug)]
pub(crate) struct Lowered {
    pub(crate) module: Vec<u8>,
    pub(crate) copies: u32,
    pub(crate) fills: u32,
    pub(crate) wide: u32,
    pub(crate) entries: u32,
}

/// Rewrites a module.
pub(crate) fn lower(module: &[u8]) -> Result<Lowered> {
    let Shape { parameters, functions, bodies, entries, stack_top } = shape(module)?;
    let mut rewriter = Rewriter {
        loop_type: parameters.len() as u32,
        copy: functions,
        fill: functions.saturating_add(1),
        next: functions.saturating_sub(u32::try_from(bodies.len())?),
        bodies: bodies.into_iter(),
        parameters,
        entries,
        stack_top,
        copies: 0,
        fills: 0,
        wide: 0,
        entered: 0,
    };
    let mut lowered = Module::new();
    rewriter.parse_core_module(&mut lowered, Parser::new(0), module).map_err(|error| anyhow::anyhow!("{error}"))?;
    let lowered = lowered.finish();
    let missing = WasmFeatures::BULK_MEMORY | WasmFeatures::BULK_MEMORY_OPT | WasmFeatures::WIDE_ARITHMETIC;
    Validator::new_with_features(WasmFeatures::all().difference(missing))
        .validate_all(&lowered)
        .context("the rewritten module is not valid without bulk memory and wide arithmetic")?;
    let Rewriter { copies, fills, wide, entered: entries, .. } = rewriter;
    Ok(Lowered { module: lowered, copies, fills, wide, entries })
}

/// What the rewriting must know of a module beforehand.
#[derive(Default)]
struct Shape {
    /// How many parameters each type has; none for what is no function.
    parameters: Vec<u32>,
    /// How many functions there are, imported ones included.
    functions: u32,
    /// The type of each function with a body.
    bodies: Vec<u32>,
    /// The functions that the host enters.
    entries: Vec<u32>,
    /// The end of the empty stack.
    stack_top: Option<i32>,
}

fn shape(module: &[u8]) -> Result<Shape> {
    let mut shape = Shape::default();
    let mut has_code = false;
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::TypeSection(section) => {
                for function in section.into_iter_err_on_gc_types() {
                    shape.parameters.push(u32::try_from(function?.params().len())?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if matches!(import?.ty, TypeRef::Func(_)) {
                        shape.functions = shape.functions.saturating_add(1);
                    }
                }
            }
            Payload::FunctionSection(section) => {
                shape.functions = shape.functions.saturating_add(section.count());
                shape.bodies = section.into_iter().collect::<Result<_, _>>()?;
            }
            Payload::GlobalSection(section) => {
                let stack_pointer = section.into_iter().nth(STACK_POINTER as usize).transpose()?;
                shape.stack_top = stack_pointer.filter(|global| global.ty.mutable).and_then(|global| {
                    match global.init_expr.get_operators_reader().read() {
                        Ok(Operator::I32Const { value }) => Some(value),
                        _ => None,
                    }
                });
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ExternalKind::Func && ENTRIES.contains(&export.name) {
                        shape.entries.push(export.index);
                    }
                }
            }
            Payload::CodeSectionStart { .. } => has_code = true,
            _ => {}
        }
    }
    ensure!(!shape.parameters.is_empty() && has_code, "it has no code");
    Ok(shape)
}

struct Rewriter {
    loop_type: u32,
    copy: u32,
    fill: u32,
    /// The types of the bodies that are still to come.
    bodies: std::vec::IntoIter<u32>,
    /// The function that the next of them belongs to.
    next: u32,
    parameters: Vec<u32>,
    entries: Vec<u32>,
    stack_top: Option<i32>,
    copies: u32,
    fills: u32,
    wide: u32,
    entered: u32,
}

impl Reencode for Rewriter {
    type Error = Infallible;

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        reencode::utils::parse_type_section(self, types, section)?;
        types.ty().function([ValType::I32; 3], []);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        reencode::utils::parse_function_section(self, functions, section)?;
        functions.function(self.loop_type).function(self.loop_type);
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        reencode::utils::parse_code_section(self, code, section)?;
        code.function(&loops::copy()).function(&loops::fill());
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: wasmparser::FunctionBody<'_>,
    ) -> Result<(), reencode::Error> {
        let body_type = self.bodies.next().unwrap_or_default();
        let operators = body.get_operators_reader()?.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut first_free = self.parameters.get(body_type as usize).copied().unwrap_or_default();
        let mut locals = Vec::new();
        for local in body.get_locals_reader()? {
            let (count, local_type) = local?;
            first_free = first_free.saturating_add(count);
            locals.push((count, self.val_type(local_type)?));
        }
        if operators.iter().any(wide::is_wide) {
            locals.push((wide::LOCALS, ValType::I64));
        }
        let mut function = Function::new(locals);
        // A trap unwinds nothing, and Traefik uses the instance again: what was on the stack would stay there for good.
        if let Some(top) = self.stack_top.filter(|_| self.entries.contains(&self.next)) {
            function.instruction(&Instruction::I32Const(top)).instruction(&Instruction::GlobalSet(STACK_POINTER));
            self.entered = self.entered.saturating_add(1);
        }
        self.next = self.next.saturating_add(1);
        for operator in operators {
            if wide::is_wide(&operator) {
                self.wide = self.wide.saturating_add(1);
                wide::emit(&mut function, &operator, first_free);
            } else {
                function.instruction(&self.instruction(operator)?);
            }
        }
        code.function(&function);
        Ok(())
    }

    fn instruction<'a>(&mut self, operator: Operator<'a>) -> Result<Instruction<'a>, reencode::Error> {
        match operator {
            Operator::MemoryCopy { .. } => {
                self.copies = self.copies.saturating_add(1);
                Ok(Instruction::Call(self.copy))
            }
            Operator::MemoryFill { .. } => {
                self.fills = self.fills.saturating_add(1);
                Ok(Instruction::Call(self.fill))
            }
            other => reencode::utils::instruction(self, other),
        }
    }
}

#[cfg(test)]
mod tests;
