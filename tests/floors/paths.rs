//! Reads the paths that a file names and that lead into the library.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use std::collections::BTreeMap;

/// The names of a path: `crate::plan::Plan` is `["plan", "Plan"]`.
pub type Names = Vec<String>;

/// `apply/mod.rs` is the module `apply`; the root is the library. `main.rs` is a crate by itself.
pub fn module_of(file: &str) -> Names {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    match path {
        "lib" => Vec::new(),
        path => path.split('/').map(str::to_owned).collect(),
    }
}

/// What one file says about others.
#[derive(Default)]
pub struct Scan {
    pub paths: Vec<NamedPath>,
    /// `pub use`: a name, and what it stands for.
    pub passed_on: BTreeMap<String, Names>,
}

/// From the root of the library.
pub struct NamedPath {
    pub line: usize,
    pub names: Names,
    pub in_test: bool,
}

impl Scan {
    pub fn of(file: &str, text: &str) -> Scan {
        let mut reader = Reader {
            tokens: tokens(text),
            at: 0,
            scan: Scan::default(),
            bound: BTreeMap::new(),
            modules: vec![module_of(file)],
            open: Vec::new(),
            is_main: file == "main.rs",
        };
        reader.read();
        reader.scan
    }
}

/// Walks through the tokens of a file.
struct Reader {
    tokens: Vec<Token>,
    at: usize,
    scan: Scan,
    /// Names that `use` and `mod` have bound, and what they stand for.
    bound: BTreeMap<String, Names>,
    /// The module of the file, and the modules written inside it that are open here.
    modules: Vec<Names>,
    /// For each open brace, whether it is a module's.
    open: Vec<bool>,
    is_main: bool,
}

impl Reader {
    fn read(&mut self) {
        // A path may come before the `use` that binds its first name.
        self.bind_children();
        while self.at < self.tokens.len() {
            let token = self.tokens[self.at].word.clone();
            match token.as_str() {
                // Not the `use<'a>` of a type.
                "use" if self.word(1) != "<" => self.use_line(),
                "mod" if self.word(2) == "{" => self.enter(),
                "{" => self.open.push(false),
                "}" => self.leave(),
                _ if is_name(&token) && self.word(1) == "::" && self.begins_path() => {
                    self.path_in_code();
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn word(&self, ahead: usize) -> &str {
        let token = self.tokens.get(self.at + ahead);
        token.map_or("", |token| token.word.as_str())
    }

    fn line(&self) -> usize {
        self.tokens[self.at].line
    }

    fn begins_path(&self) -> bool {
        self.at == 0 || !matches!(self.tokens[self.at - 1].word.as_str(), "::" | ".")
    }

    fn module(&self) -> Names {
        self.modules.last().unwrap().clone()
    }

    fn bind_children(&mut self) {
        for three in self.tokens.windows(3) {
            if three[0].word == "mod" && three[2].word == ";" {
                let child = [self.module(), vec![three[1].word.clone()]].concat();
                self.bound.insert(three[1].word.clone(), child);
            }
        }
    }

    fn enter(&mut self) {
        let name = self.word(1).to_owned();
        self.modules.push([self.module(), vec![name]].concat());
        self.open.push(true);
        self.at += 2;
    }

    fn leave(&mut self) {
        if self.open.pop() == Some(true) {
            self.modules.pop();
        }
    }

    fn path_in_code(&mut self) {
        let line = self.line();
        let mut written = vec![self.word(0).to_owned()];
        while self.word(1) == "::" && is_name(self.word(2)) {
            self.at += 2;
            written.push(self.word(0).to_owned());
        }
        self.at += 1;
        self.note(line, &written);
    }

    fn use_line(&mut self) {
        let is_public =
            self.at > 0 && matches!(self.tokens[self.at - 1].word.as_str(), "pub" | ")");
        self.at += 1;
        self.use_tree(&[], is_public);
    }

    /// One branch of a `use`: `a::b`, `a as b`, `a::*`, `a::{…}`. Ends on the token after it.
    fn use_tree(&mut self, before: &[String], is_public: bool) {
        let line = self.line();
        let mut written = before.to_vec();
        while is_name(self.word(0)) || self.word(0) == "::" {
            if is_name(self.word(0)) {
                written.push(self.word(0).to_owned());
            }
            self.at += 1;
            if self.word(0) == "as" {
                break;
            }
        }
        if self.word(0) == "{" {
            return self.use_list(&written, is_public);
        }
        if written.len() > 1 && written.last().is_some_and(|name| name == "self") {
            written.pop();
        }
        let called = self.called(&written);
        if let Some(names) = self.note(line, &written) {
            if is_public {
                self.scan.passed_on.insert(called.clone(), names.clone());
            }
            self.bound.insert(called, names);
        }
    }

    fn use_list(&mut self, before: &[String], is_public: bool) {
        self.at += 1;
        while self.word(0) != "}" {
            self.use_tree(before, is_public);
            if self.word(0) == "," {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    /// The name that a branch binds.
    fn called(&mut self, written: &[String]) -> String {
        match self.word(0) {
            "as" => {
                self.at += 2;
                self.tokens[self.at - 1].word.clone()
            }
            "*" => {
                self.at += 1;
                "*".to_owned()
            }
            _ => written.last().cloned().unwrap_or_default(),
        }
    }

    /// Notes a path that leads into the library, and gives it from the root.
    fn note(&mut self, line: usize, written: &[String]) -> Option<Names> {
        let names = self.spell_out(written)?;
        self.scan.paths.push(NamedPath {
            line,
            names: names.clone(),
            in_test: self.modules.len() > 1 && self.module().ends_with(&["tests".to_owned()]),
        });
        Some(names)
    }

    fn spell_out(&self, written: &[String]) -> Option<Names> {
        let (first, rest) = written.split_first()?;
        let mut rest = rest;
        let mut start = match first.as_str() {
            "crate" => Vec::new(),
            "rebridge" if self.is_main => Vec::new(),
            "self" => self.module(),
            "super" => parent(self.module()),
            name => self.bound.get(name)?.clone(),
        };
        while let Some((_, after)) = rest.split_first().filter(|(name, _)| *name == "super") {
            start = parent(start);
            rest = after;
        }
        Some([start, rest.to_vec()].concat())
    }
}

fn parent(mut module: Names) -> Names {
    module.pop();
    module
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// A name, `::`, or another sign.
struct Token {
    line: usize,
    word: String,
}

/// The tokens of a file in one row. Comments are not among them, and literals name nothing.
fn tokens(text: &str) -> Vec<Token> {
    let mut all = Vec::new();
    flatten(text.parse().unwrap(), &mut all);
    all
}

fn flatten(stream: TokenStream, all: &mut Vec<Token>) {
    let mut joint = false;
    for tree in stream {
        let line = tree.span().start().line;
        let glued = std::mem::take(&mut joint);
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                push(all, line, open);
                flatten(group.stream(), all);
                push(all, group.span_close().start().line, close);
            }
            TokenTree::Ident(name) => push(all, line, &name.to_string()),
            TokenTree::Literal(_) => push(all, line, "0"),
            TokenTree::Punct(sign) => {
                joint = sign.as_char() == ':' && sign.spacing() == Spacing::Joint;
                match all.last_mut().filter(|last| glued && last.word == ":") {
                    Some(last) => last.word = "::".to_owned(),
                    None => push(all, line, &sign.to_string()),
                }
            }
        }
    }
}

fn push(all: &mut Vec<Token>, line: usize, word: &str) {
    let word = word.to_owned();
    all.push(Token { line, word });
}
