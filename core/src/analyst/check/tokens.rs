//! A text as words, names and numbers, or the first thing in it that is none of them.

use super::numbers::{self, Written};
use super::refusal::{Refusal, quoted};
use super::words;
use super::{MOST_CHARACTERS, MOST_SENTENCES};
use crate::domain::Pair;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// In lower case. One part of a word with hyphens is a word.
    Word(String),
    /// Of the pair or one of its assets.
    Name(String),
    Number(Written),
    /// A dash by itself.
    Dash,
}

/// What ends with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    Nothing,
    /// A comma, colon, semicolon, bracket.
    Part,
    Sentence,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) content: Content,
    /// Bytes of the text.
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) end: End,
}

impl Token {
    pub(super) fn word(&self) -> Option<&str> {
        match &self.content {
            Content::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<&Written> {
        match &self.content {
            Content::Number(written) => Some(written),
            _ => None,
        }
    }
}

pub(super) fn read(text: &str, pair: Pair) -> Result<Vec<Token>, Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::Empty);
    }
    let characters = text.chars().count();
    if characters > MOST_CHARACTERS {
        return Err(Refusal::TextTooLong { characters: characters as u64 });
    }
    if let Some(place) = text.find("://").or_else(|| text.find("www.")) {
        let start = text[..place].rfind(' ').map_or(0, |space| space + 1);
        return Err(Refusal::Address { text: quoted(&text[start..]) });
    }
    text.chars().try_for_each(allowed)?;
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    for chunk in text.split(' ') {
        if !chunk.is_empty() {
            read_chunk(chunk, at, pair, &mut tokens)?;
        }
        at += chunk.len() + 1;
    }
    if let Some(last) = tokens.last_mut() {
        last.end = End::Sentence;
    }
    let count = tokens.iter().filter(|token| token.end == End::Sentence).count();
    if count > MOST_SENTENCES {
        return Err(Refusal::Sentences { count: count as u64 });
    }
    for (place, token) in tokens.iter().enumerate() {
        let next = tokens.get(place + 1).filter(|_| token.end == End::Nothing).and_then(Token::word);
        if let Some(word) = token.word()
            && !words::may_precede(word, next)
        {
            return Err(Refusal::Word { word: quoted(word) });
        }
    }
    if !tokens.iter().any(|token| matches!(token.content, Content::Word(_))) {
        return Err(Refusal::Empty);
    }
    Ok(tokens)
}

/// What changes how a text looks without being seen: controls, joiners, marks of direction, fillers, variation selectors, tags.
pub(super) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E000}'..='\u{F8FF}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{10FFFF}')
}

/// Letters with marks are of the script, though no word of the vocabulary has one.
fn is_latin(character: char) -> bool {
    character.is_ascii_alphabetic()
        || (character.is_alphabetic() && matches!(character, '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}'))
}

fn allowed(character: char) -> Result<(), Refusal> {
    let shown = || character.to_string();
    match character {
        ' '
        | '0'..='9'
        | '.'
        | ','
        | ';'
        | ':'
        | '!'
        | '?'
        | '%'
        | '$'
        | '+'
        | '-'
        | '−'
        | '–'
        | '—'
        | '\''
        | '’'
        | '('
        | ')'
        | '/' => Ok(()),
        // A pair may have one in its name.
        '_' => Ok(()),
        _ if is_hidden(character) => Err(Refusal::Hidden { code: character.into() }),
        _ if is_latin(character) => Ok(()),
        _ if character.is_numeric() => Err(Refusal::Digit { character: shown() }),
        _ if character.is_alphabetic() => Err(Refusal::Script { character: shown() }),
        _ => Err(Refusal::Markup { character: shown() }),
    }
}

/// One run of characters between spaces, which begins at `at`.
fn read_chunk(chunk: &str, at: usize, pair: Pair, tokens: &mut Vec<Token>) -> Result<(), Refusal> {
    if matches!(chunk, "-" | "–" | "—") {
        tokens.push(Token { content: Content::Dash, from: at, to: at + chunk.len(), end: End::Part });
        return Ok(());
    }
    let opened = chunk.strip_prefix('(').unwrap_or(chunk);
    let core = opened.trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
    let from = at + (chunk.len() - opened.len());
    let tail = &opened[core.len()..];
    // An ellipsis hides where a sentence ends.
    if core.is_empty() || tail.contains("..") {
        return Err(Refusal::Markup { character: quoted(chunk) });
    }
    let end = match tail {
        "" => End::Nothing,
        _ if tail.contains(['.', '!', '?']) => End::Sentence,
        _ => End::Part,
    };
    // A bracket opens a part of its own.
    if opened.len() < chunk.len()
        && let Some(before) = tokens.last_mut()
    {
        before.end = before.end.max(End::Part);
    }
    let mut push = |content, from: usize, to: usize, end| tokens.push(Token { content, from, to, end });
    let possessive = core.strip_suffix("'s").or_else(|| core.strip_suffix("’s")).unwrap_or(core);
    if let Some(name) = name(possessive, pair) {
        push(Content::Name(name), from, from + core.len(), end);
        return Ok(());
    }
    if core.bytes().any(|byte| byte.is_ascii_digit()) {
        // In brackets a number may mean that it is negative.
        if opened.len() < chunk.len() {
            return Err(Refusal::Notation { text: quoted(chunk) });
        }
        push(Content::Number(numbers::read(core)?), from, from + core.len(), end);
        return Ok(());
    }
    if matches!(core, "%" | "$") {
        push(Content::Word(core.to_owned()), from, from + core.len(), end);
        return Ok(());
    }
    let mut start = from;
    let mut parts = possessive.split('-').peekable();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let to = if last { from + core.len() } else { start + part.len() };
        let end = if last { end } else { End::Nothing };
        match name(part, pair) {
            Some(name) => push(Content::Name(name), start, to, end),
            None => push(Content::Word(known(part, core)?), start, to, end),
        }
        start += part.len() + 1;
    }
    Ok(())
}

/// The pair, as `BTC-USD` or `BTC/USD`, one of its assets, or what its base is called. Not one of digits alone: it would be a number.
fn name(text: &str, pair: Pair) -> Option<String> {
    if !text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let mut own = vec![pair.to_string(), pair.as_str().replacen('-', "/", 1)];
    if let Some((base, quote)) = pair.assets() {
        own.extend([base.to_string(), quote.to_string()]);
        own.extend(words::common_names(base.as_str()).iter().map(|name| (*name).to_owned()));
    }
    own.contains(&text.to_owned()).then(|| text.to_owned())
}

/// In lower case, if the vocabulary has it. `whole` is what it is a part of.
fn known(word: &str, whole: &str) -> Result<String, Refusal> {
    let lower = word.to_ascii_lowercase();
    let mut letters = word.chars();
    letters.next();
    // Written as a word is: `Rose` and `rose`, and not `ROSE`, which is a name.
    let is_word = word.len() == 1 || letters.clone().all(|letter| letter.is_ascii_lowercase());
    if is_word && words::is_known(&lower) {
        return Ok(lower);
    }
    let is_name = word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    if is_name || words::is_asset(&lower) {
        return Err(Refusal::Unnamed { name: quoted(word) });
    }
    if whole.contains(['.', '/', ':']) {
        return Err(Refusal::Address { text: quoted(whole) });
    }
    Err(Refusal::Word { word: quoted(if word.is_empty() { whole } else { word }) })
}
