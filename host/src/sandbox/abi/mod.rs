//! The canonical ABI of the component model, as far as the contract needs it.
//!
//! The component consists of one core module, whose functions the host calls directly: calling them through wasmtime's
//! component API takes several times as long as a short call itself. How values are passed is specified by the
//! [canonical ABI]; this is an implementation in safe code that checks every value of a guest.
//!
//! | module | what it is |
//! |---|---|
//! | `value` | [`Value`]: lifts values from guest memory |
//! | `allocator` | [`Allocator`]: guest memory for arguments |
//! | `argument` | [`Argument`], [`Element`]: lowers values to the arguments of a call, and to guest memory |
//! | `types` | the types of the contract |
//! | `function` | the functions of the contract |
//! | `module` | extracts the core module of a component |
//! | `core` | [`Core`]: an instance of it, and calls of its functions |
//! | `often` | [`Often`]: the functions that are called for each read or frame |
//!
//! [canonical ABI]: https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md

mod allocator;
mod argument;
mod core;
mod function;
mod module;
mod often;
mod types;
mod value;

pub(crate) use allocator::Allocator;
pub(crate) use argument::{Argument, Element};
pub(crate) use core::{Core, Mismatch, Pre};
pub(crate) use function::{Function, inspector, inspector_options, options, session};
pub(crate) use module::{SESSION, parts};
pub(crate) use often::{Exchange, Often, Relay, Typed};
pub(crate) use value::{Place, Reader, Value, record};

/// A resource of a guest, by its representation, which the core module takes and returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resource(pub(crate) u32);

/// Rounds `at` up to the alignment.
pub(crate) const fn align(at: usize, align: usize) -> usize {
    at.next_multiple_of(align)
}
