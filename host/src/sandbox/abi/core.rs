//! Instances of the core module, and calls of its functions.

use std::sync::Arc;

use wasmtime::{
    Engine, Extern, Func, Instance, InstancePre, Memory, Module, ModuleExport, Result, Store,
    TypedFunc, Val, WasmParams, format_err,
};

use super::allocator::{Allocator, Realloc};
use super::argument::{Argument, Arguments};
use super::function::{Function, NAMES, session};
use super::module;
use super::value::{Reader, Value};
use crate::protocol::Failure;
use crate::sandbox::limiter::Limiter;

/// The module, ready to be instantiated.
pub(crate) struct Pre {
    instances: InstancePre<Limiter>,
    functions: Box<[Export]>,
    memory: ModuleExport,
    realloc: ModuleExport,
}

/// A function, and the one that frees its result.
struct Export {
    function: ModuleExport,
    post_return: Option<ModuleExport>,
}

/// Why a core module is not the engine's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// An import that the host doesn't provide.
    Import(String),
    /// What is wrong with its exports.
    Export(String),
}

/// Returns the name of the function that frees the result of another.
fn post_return(name: &str) -> String {
    format!("cabi_post_{name}")
}

impl Pre {
    pub(crate) fn new(engine: &Engine, module: &Module) -> Result<Self, Mismatch> {
        let linker = module::linker(engine, module).map_err(Mismatch::Import)?;
        let instances = linker
            .instantiate_pre(module)
            .map_err(|error| Mismatch::Import(error.to_string()))?;
        let export = |name: &str| module.get_export_index(name);
        let needed = |name: &str| {
            let missing = || Mismatch::Export(format!("it has no {name}"));
            export(name).ok_or_else(missing)
        };
        // Their results are borrowed, so they must not be freed.
        for function in [session::Function::Exchange, session::Function::Relay] {
            let name = Function::from(function).name();
            if export(&post_return(name)).is_some() {
                return Err(Mismatch::Export(format!("it frees the results of {name}")));
            }
        }
        let functions = NAMES.iter().map(|name| {
            Ok(Export {
                function: needed(name)?,
                post_return: export(&post_return(name)),
            })
        });
        Ok(Self {
            functions: functions.collect::<Result<_, _>>()?,
            memory: needed("memory")?,
            realloc: needed("cabi_realloc")?,
            instances,
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.instances.module().engine()
    }
}

/// An instance of the module.
pub(crate) struct Core {
    pre: Arc<Pre>,
    instance: Instance,
    memory: Memory,
    realloc: Realloc,
}

impl Core {
    pub(crate) fn new(pre: &Arc<Pre>, store: &mut Store<Limiter>) -> Result<Self> {
        let instance = pre.instances.instantiate(&mut *store)?;
        let missing = || format_err!("it is not what it was when it was loaded");
        let memory = instance.get_module_export(&mut *store, &pre.memory);
        let memory = memory.and_then(Extern::into_memory).ok_or_else(missing)?;
        let realloc = instance.get_module_export(&mut *store, &pre.realloc);
        let realloc = realloc.and_then(Extern::into_func).ok_or_else(missing)?;
        Ok(Self {
            pre: Arc::clone(pre),
            instance,
            memory,
            realloc: realloc.typed(&*store)?,
        })
    }

    /// Calls a function of the contract.
    pub(crate) fn call<R: Value>(
        &self,
        store: &mut Store<Limiter>,
        function: Function,
        arguments: impl Argument,
    ) -> Result<R> {
        let mut call = Arguments::new(self.allocator(store));
        arguments.pass(&mut call)?;
        let (values, count) = call.into_values();
        let mut result = [Val::I32(0)];
        let results = match R::SIZE {
            0 => &mut result[..0],
            _ => &mut result[..],
        };
        let code = self.function(store, &self.export(function)?.function)?;
        code.call(
            &mut *store,
            values.get(..count).unwrap_or_default(),
            results,
        )?;
        let [result] = result;
        let core = match result {
            Val::I32(value) => u64::from(value.cast_unsigned()),
            Val::I64(value) => value.cast_unsigned(),
            _ => return Err(format_err!("it returns what is no integer")),
        };
        if R::IS_CORE {
            return R::from_core(core);
        }
        self.result(store, function, core as u32)
    }

    /// Reads a function's result from an address, and frees it.
    pub(crate) fn result<R: Value>(
        &self,
        store: &mut Store<Limiter>,
        function: impl Into<Function>,
        at: u32,
    ) -> Result<R> {
        let value = R::load(&mut self.reader(store), at as usize)?;
        if let Some(post_return) = &self.export(function.into())?.post_return {
            let free = self.function(store, post_return)?;
            free.typed::<u32, ()>(&*store)?.call(&mut *store, at)?;
        }
        Ok(value)
    }

    /// Reads the result of a function that can break a rule, and frees it only then: its value needs no freeing.
    pub(crate) fn unless_broken<R: Value>(
        &self,
        store: &mut Store<Limiter>,
        function: impl Into<Function>,
        at: u32,
    ) -> Result<std::result::Result<R, Box<Failure>>> {
        let value = Value::load(&mut self.reader(store), at as usize)?;
        match value {
            Ok(value) => Ok(Ok(value)),
            Err::<R, Box<Failure>>(_) => self.result(store, function, at),
        }
    }

    /// Returns a function with its core type, for functions that are called often.
    pub(crate) fn typed<Params: WasmParams, R: wasmtime::WasmResults>(
        &self,
        store: &mut Store<Limiter>,
        function: Function,
    ) -> Result<TypedFunc<Params, R>> {
        let export = &self.export(function)?.function;
        self.function(store, export)?.typed(&*store)
    }

    fn export(&self, function: Function) -> Result<&Export> {
        let export = self.pre.functions.get(function.index());
        export.ok_or_else(|| format_err!("there is no {}", function.name()))
    }

    fn function(&self, store: &mut Store<Limiter>, export: &ModuleExport) -> Result<Func> {
        let function = self.instance.get_module_export(&mut *store, export);
        let function = function.and_then(Extern::into_func);
        function.ok_or_else(|| format_err!("it is not what it was when it was loaded"))
    }

    /// Returns an allocator for the arguments of a call.
    pub(crate) fn allocator<'a>(&'a self, store: &'a mut Store<Limiter>) -> Allocator<'a> {
        Allocator {
            store,
            memory: self.memory,
            realloc: &self.realloc,
        }
    }

    /// Returns a reader of results. The bytes that the host copies are bounded by the guest's memory limit.
    pub(crate) fn reader<'a>(&self, store: &'a Store<Limiter>) -> Reader<'a> {
        let budget = store.data().memory_limit();
        Reader::new(self.memory.data(store), budget)
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::{Engine, Module};

    use super::super::function::NAMES;
    use super::{Mismatch, Pre};

    /// Loads a module with these exports and other items.
    fn pre(names: &[&str], besides: &str) -> Result<(), Mismatch> {
        let functions: String = names
            .iter()
            .map(|name| format!("(func (export \"{name}\"))"))
            .collect();
        let text = format!("(module {besides} (memory (export \"memory\") 1) {functions})");
        let engine = Engine::default();
        let module = Module::new(&engine, wat::parse_str(text).expect("a module"));
        Pre::new(&engine, &module.expect("a module")).map(drop)
    }

    fn names() -> Vec<&'static str> {
        NAMES.iter().copied().chain(["cabi_realloc"]).collect()
    }

    #[test]
    fn each_function_of_the_contract_is_needed() {
        assert_eq!(pre(&names(), ""), Ok(()));
        for missing in 0..names().len() {
            let mut names = names();
            let name = names.remove(missing);
            let expected = Mismatch::Export(format!("it has no {name}"));
            assert_eq!(pre(&names, ""), Err(expected));
        }
    }

    #[test]
    fn results_that_are_read_in_place_must_not_be_freed() {
        for function in ["exchange", "relay"] {
            let name =
                format!("websocket:protocol/session@0.2.0#[method]websocket-session.{function}");
            let post_return = format!("cabi_post_{name}");
            let names: Vec<_> = names().into_iter().chain([&post_return[..]]).collect();
            let expected = Mismatch::Export(format!("it frees the results of {name}"));
            assert_eq!(pre(&names, ""), Err(expected));
        }
    }

    #[test]
    fn handles_are_all_that_it_is_given() {
        let resource = r#"(import "[export]websocket:protocol/session@0.2.0" "[resource-new]websocket-session"
            (func (param i32) (result i32)))"#;
        assert_eq!(pre(&names(), resource), Ok(()));
        let file = r#"(import "wasi:io/streams@0.2.0" "read" (func))"#;
        let expected = Mismatch::Import("wasi:io/streams@0.2.0 read".into());
        assert_eq!(pre(&names(), file), Err(expected));
    }
}
