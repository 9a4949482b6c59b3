//! The canonical ABI of the component model, as far as the contract needs it.
//!
//! The component consists of one core module, whose functions the host calls itself: wasmtime's own way from a component's
//! function to the module's takes several times as long as a short call does. How values are passed is fixed by the
//! [canonical ABI]; here it is in safe code, and every value of a guest is checked.
//!
//! | module | what it is |
//! |---|---|
//! | `value` | [`Value`]: from guest memory to values |
//! | `allocator` | [`Allocator`]: memory of a guest for what it is passed |
//! | `argument` | [`Argument`], [`Element`]: from values to the arguments of a call, and to guest memory |
//! | `types` | the types of the contract |
//! | `function` | the functions of the contract |
//! | `module` | from a component to its core module |
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

/// A resource of a guest: its representation, which the core module takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resource(pub(crate) u32);

/// The next place from `at` on that is aligned.
pub(crate) const fn align(at: usize, align: usize) -> usize {
    at.next_multiple_of(align)
}
