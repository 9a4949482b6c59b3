//! The modules of a crate, a file each, and what they name of each other: in `use`, and by paths that begin with `crate`,
//! `super` or `self`. What only tests or the documentation use counts for nothing, and neither does what macros make.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::Visit;
use syn::{Attribute, ImplItemFn, Item, ItemMod, ItemUse, Meta, UseTree};

use crate::tree::{files, text_of};

/// The names of a module from the crate's root.
pub(crate) type Module = Vec<String>;

pub(crate) struct Graph(BTreeMap<Module, BTreeSet<Module>>);

impl Graph {
    /// Of the crate whose sources are in this folder, which is relative to the root. Further programs in `bin` are left out.
    pub(crate) fn of(folder: &Path) -> Self {
        let sources = files(".rs").into_iter().filter_map(|file| {
            let module = module_of(file.strip_prefix(folder).ok()?);
            let is_part = module.first().is_none_or(|first| first != "bin");
            (is_part && module.last().is_none_or(|last| last != "tests")).then_some((module, file))
        });
        let files: BTreeMap<Module, PathBuf> = sources.collect();
        let modules: BTreeSet<Module> = files.keys().cloned().collect();
        let graph = files.into_iter().map(|(module, file)| {
            let syntax = syn::parse_file(&text_of(&file))
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let mut found = Found {
                inside: module.clone(),
                modules: &modules,
                used: BTreeSet::new(),
            };
            found.visit_file(&syntax);
            found.used.remove(&module);
            (module, found.used)
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

/// The name of the module that a file holds, whose path is relative to the crate's root.
fn module_of(path: &Path) -> Module {
    let parts = path.with_extension("");
    let mut names: Module = parts
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    names.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
    names
}

struct Found<'g> {
    /// The module that is looked at: the file's, or one inside of it.
    inside: Module,
    modules: &'g BTreeSet<Module>,
    used: BTreeSet<Module>,
}

impl Found<'_> {
    /// Notes the module that a path leads to: the longest beginning of it that is one.
    fn note(&mut self, path: &[String]) {
        let (mut from, mut rest) = match path.split_first() {
            Some((first, rest)) if first == "crate" => (Module::new(), rest),
            Some((first, rest)) if first == "self" => (self.inside.clone(), rest),
            _ => (self.inside.clone(), path),
        };
        while let Some((_, others)) = rest.split_first().filter(|(first, _)| *first == "super") {
            from.pop();
            rest = others;
        }
        let full = [from.as_slice(), rest].concat();
        // A path that begins with a name is one of this module's children, or another crate's.
        let least = if rest.len() == path.len() {
            from.len() + 1
        } else {
            0
        };
        let ends = (least..=full.len()).rev();
        let mut beginnings = ends.map(|end| full[..end].to_vec());
        self.used
            .extend(beginnings.find(|beginning| self.modules.contains(beginning)));
    }

    fn note_tree(&mut self, tree: &UseTree, path: &mut Vec<String>) {
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.note_tree(&part.tree, path);
                path.pop();
            }
            UseTree::Group(group) => group
                .items
                .iter()
                .for_each(|tree| self.note_tree(tree, path)),
            UseTree::Name(name) => {
                self.note(&[path.as_slice(), &[name.ident.to_string()]].concat())
            }
            UseTree::Rename(name) => {
                self.note(&[path.as_slice(), &[name.ident.to_string()]].concat())
            }
            UseTree::Glob(_) => self.note(path),
        }
    }
}

impl<'ast> Visit<'ast> for Found<'_> {
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
        self.note_tree(&item.tree, &mut Vec::new());
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
            self.note(&names);
        }
        syn::visit::visit_path(self, path);
    }
}

/// `#[cfg(test)]` or `#[cfg(doc)]`.
fn is_left_out(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else {
            return false;
        };
        let condition = list.tokens.to_string();
        list.path.is_ident("cfg") && ["test", "doc"].contains(&condition.as_str())
    })
}
