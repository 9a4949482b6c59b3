//! The modules of a crate, one for each file, and their references to each other: in `use`, and by paths that begin
//! with `crate`, `super` or `self`. References only in tests or documentation don't count, nor do those made by macros.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::Visit;
use syn::{Attribute, ImplItemFn, Item, ItemMod, ItemUse, Meta, UseTree};

use crate::tree::{files, text_of};

/// The names of a module from the crate's root.
pub(crate) type Module = Vec<String>;

pub(crate) struct Graph(BTreeMap<Module, BTreeSet<Module>>);

impl Graph {
    /// Returns the graph of the crate whose sources are in this folder, relative to the root. Programs in `bin` are
    /// left out.
    pub(crate) fn of(folder: &Path) -> Self {
        let sources = files(".rs").into_iter().filter_map(|file| {
            let module = module_of(file.strip_prefix(folder).ok()?);
            let is_left_out =
                module.first().is_some_and(|first| first == "bin") || is_of_tests(&module);
            (!is_left_out).then(|| (module, text_of(file)))
        });
        Self::of_modules(&sources.collect())
    }

    /// Returns the graph of these modules, each with its source.
    fn of_modules(sources: &BTreeMap<Module, String>) -> Self {
        let found: BTreeMap<&Module, Found> = sources
            .iter()
            .map(|(module, text)| (module, Found::new(module, text)))
            .collect();
        let resolve = |path: &[String]| resolve(path, &found, MOST_EXPORTS);
        let graph = found.iter().map(|(module, found)| {
            let used = found.paths.iter().filter_map(|path| resolve(path));
            let used = used.filter(|used| used != *module).collect();
            ((*module).clone(), used)
        });
        Self(graph.collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// From a module to one that it uses.
    pub(crate) fn arrows(&self) -> impl Iterator<Item = (&Module, &Module)> {
        self.0
            .iter()
            .flat_map(|(from, used)| used.iter().map(move |to| (from, to)))
    }
}

/// How often a name may be re-exported from module to module.
const MOST_EXPORTS: u32 = 8;

/// Returns the module that defines what a path from the root leads to, also through re-exports.
fn resolve(path: &[String], found: &BTreeMap<&Module, Found>, exports: u32) -> Option<Module> {
    let mut ends = (0..=path.len()).rev();
    let end = ends.find(|end| found.contains_key(&path[..*end].to_vec()))?;
    let (module, rest) = (path[..end].to_vec(), &path[end..]);
    let imported = rest
        .first()
        .and_then(|name| found.get(&module)?.imports.get(name));
    match imported {
        Some(imported) if exports > 0 => resolve(
            &[imported.as_slice(), &rest[1..]].concat(),
            found,
            exports - 1,
        ),
        _ => Some(module),
    }
}

/// Returns the name of a file's module; the path is relative to the crate's root.
fn module_of(path: &Path) -> Module {
    let parts = path.with_extension("");
    let mut names: Module = parts
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    names.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
    names
}

fn is_of_tests(module: &Module) -> bool {
    module
        .iter()
        .any(|name| ["tests", "exhaustive"].contains(&name.as_str()))
}

/// The references of a module to its crate.
struct Found {
    /// The current module: the file's, or one inside it.
    inside: Module,
    /// Paths from the root.
    paths: Vec<Vec<String>>,
    /// The names that the file's module imports, and their paths from the root.
    imports: BTreeMap<String, Vec<String>>,
}

impl Found {
    fn new(module: &Module, text: &str) -> Self {
        let syntax =
            syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", module.join("::")));
        let mut found = Found {
            inside: module.clone(),
            paths: Vec::new(),
            imports: BTreeMap::new(),
        };
        for item in &syntax.items {
            if let Item::Use(item) = item
                && !is_left_out(&item.attrs)
            {
                found.import(&item.tree, &mut Vec::new());
            }
        }
        found.visit_file(&syntax);
        found
    }

    /// A path from the root, of one that is written in the module. Those into other crates lead nowhere there.
    fn rooted(&self, path: &[String]) -> Vec<String> {
        let (mut from, mut rest) = match path.split_first() {
            Some((first, rest)) if first == "crate" => (Module::new(), rest),
            Some((first, rest)) if first == "self" => (self.inside.clone(), rest),
            _ => (self.inside.clone(), path),
        };
        while let Some((_, others)) = rest.split_first().filter(|(first, _)| *first == "super") {
            from.pop();
            rest = others;
        }
        [from.as_slice(), rest].concat()
    }

    fn import(&mut self, tree: &UseTree, path: &mut Vec<String>) {
        each_name(tree, path, &mut |path, name| {
            let from = self.rooted(path);
            if let Some(name) = name {
                self.imports.insert(name.to_owned(), from);
            }
        });
    }
}

/// Calls back for every path of a `use`, with the name that it imports, unless it is a glob.
fn each_name(
    tree: &UseTree,
    path: &mut Vec<String>,
    call: &mut impl FnMut(&[String], Option<&str>),
) {
    match tree {
        UseTree::Path(part) => {
            path.push(part.ident.to_string());
            each_name(&part.tree, path, call);
            path.pop();
        }
        UseTree::Group(group) => group
            .items
            .iter()
            .for_each(|tree| each_name(tree, path, call)),
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            match name.as_str() {
                "self" => call(path, path.last().map(String::as_str)),
                _ => call(
                    &[path.as_slice(), std::slice::from_ref(&name)].concat(),
                    Some(&name),
                ),
            }
        }
        UseTree::Rename(name) => {
            let own = name.ident.to_string();
            call(
                &[path.as_slice(), &[own]].concat(),
                Some(&name.rename.to_string()),
            );
        }
        UseTree::Glob(_) => call(path, None),
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return syn::visit::visit_item(self, item),
        };
        if !is_left_out(attributes) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.inside.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.inside.pop();
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        if !is_left_out(&item.attrs) {
            syn::visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut paths = Vec::new();
        each_name(&item.tree, &mut Vec::new(), &mut |path, _| {
            paths.push(self.rooted(path))
        });
        self.paths.extend(paths);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        if names
            .first()
            .is_some_and(|first| ["crate", "super", "self"].contains(&first.as_str()))
        {
            let path = self.rooted(&names);
            self.paths.push(path);
        }
        syn::visit::visit_path(self, path);
    }
}

/// `#[cfg(test)]`, `#[cfg(all(test, …))]` or `#[cfg(doc)]`.
fn is_left_out(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else {
            return false;
        };
        let condition = list.tokens.to_string();
        let names = ["test", "doc", "doctest"];
        let is_for =
            |name: &str| condition == name || condition.starts_with(&format!("all ({name}"));
        list.path.is_ident("cfg") && names.iter().any(|name| is_for(name))
    })
}

#[test]
fn a_name_leads_to_where_it_is_from() {
    let sources = [
        ("", "mod a; mod b; pub use a::Thing;"),
        ("a", "use crate::b::Other; pub struct Thing;"),
        (
            "b",
            "use crate::Thing; pub struct Other; #[cfg(test)] mod tests { use crate::c::No; }",
        ),
        ("c", "fn f() { crate::a::f(); std::mem::drop(()); }"),
    ];
    let module = |name: &str| {
        name.split("::")
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect::<Module>()
    };
    let sources = sources.map(|(name, text)| (module(name), text.to_owned()));
    let graph = Graph::of_modules(&sources.into());
    let arrows: Vec<_> = graph
        .arrows()
        .map(|(from, to)| (from.join("::"), to.join("::")))
        .collect();
    let expected = [("", "a"), ("a", "b"), ("b", "a"), ("c", "a")];
    assert_eq!(
        arrows,
        expected.map(|(from, to)| (from.to_owned(), to.to_owned()))
    );
}
