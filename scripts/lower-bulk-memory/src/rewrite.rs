//! The rewriting: two functions are added behind all others, so that no index moves, and called in the instructions'
//! place. The result is validated as a module without bulk memory.

use std::convert::Infallible;

use anyhow::{Context, Result, ensure};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{CodeSection, FunctionSection, Instruction, Module, TypeSection, ValType};
use wasmparser::{Operator, Parser, Payload, TypeRef, Validator, WasmFeatures};

use crate::loops;

/// A module without bulk memory instructions.
#[derive(Debug)]
pub(crate) struct Lowered {
    pub(crate) module: Vec<u8>,
    pub(crate) copies: u32,
    pub(crate) fills: u32,
}

/// Rewrites a module.
pub(crate) fn lower(module: &[u8]) -> Result<Lowered> {
    let (types, functions) = count(module)?;
    let mut rewriter =
        Rewriter { loop_type: types, copy: functions, fill: functions.saturating_add(1), copies: 0, fills: 0 };
    let mut lowered = Module::new();
    rewriter.parse_core_module(&mut lowered, Parser::new(0), module).map_err(|error| anyhow::anyhow!("{error}"))?;
    let lowered = lowered.finish();
    let without_bulk = WasmFeatures::all().difference(WasmFeatures::BULK_MEMORY | WasmFeatures::BULK_MEMORY_OPT);
    Validator::new_with_features(without_bulk)
        .validate_all(&lowered)
        .context("the rewritten module is not valid without bulk memory")?;
    Ok(Lowered { module: lowered, copies: rewriter.copies, fills: rewriter.fills })
}

/// How many types and functions there are, imported ones included.
fn count(module: &[u8]) -> Result<(u32, u32)> {
    let (mut types, mut functions, mut has_code) = (0_u32, 0_u32, false);
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::TypeSection(section) => types = section.count(),
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if matches!(import?.ty, TypeRef::Func(_)) {
                        functions = functions.saturating_add(1);
                    }
                }
            }
            Payload::FunctionSection(section) => functions = functions.saturating_add(section.count()),
            Payload::CodeSectionStart { .. } => has_code = true,
            _ => {}
        }
    }
    ensure!(types > 0 && has_code, "it has no code");
    Ok((types, functions))
}

struct Rewriter {
    loop_type: u32,
    copy: u32,
    fill: u32,
    copies: u32,
    fills: u32,
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
