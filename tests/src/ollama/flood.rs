//! A gigabyte in many shapes. Each is made of one small piece that is written again and again.

pub const GIGABYTE: u64 = 1 << 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flood {
    /// The length says so.
    Length,
    /// The length says two bytes.
    BeyondLength,
    /// Neither length nor chunks: until the connection ends.
    UntilClosed,
    Chunked,
    /// A byte in each chunk.
    SmallChunks,
    /// One chunk that says it is 2⁶³ bytes.
    HugeChunk,
    /// What may stand after the size of a chunk.
    ChunkExtension,
    /// Headers after the last chunk.
    Trailers,
    StatusLine,
    /// One header that does not end.
    HeaderValue,
    HeaderName,
    Headers,
    /// `100 Continue`, again and again.
    Continues,
    /// `[[[[…`
    DeepArrays,
    /// `{"a":{"a":…`
    DeepObjects,
    /// The same depth in a field that nobody reads.
    DeepUnread,
    /// `{"a":0,"a":0,…`
    Keys,
    /// One number.
    Digits,
    /// One text: what the model says.
    Content,
    Spaces,
    /// Good answers, a line each.
    Lines,
    /// A refusal that does not end.
    Refusal,
    /// What gzip says is small, zeros here.
    Zeros,
}

impl Flood {
    pub const ALL: [Self; 23] = [
        Self::Length,
        Self::BeyondLength,
        Self::UntilClosed,
        Self::Chunked,
        Self::SmallChunks,
        Self::HugeChunk,
        Self::ChunkExtension,
        Self::Trailers,
        Self::StatusLine,
        Self::HeaderValue,
        Self::HeaderName,
        Self::Headers,
        Self::Continues,
        Self::DeepArrays,
        Self::DeepObjects,
        Self::DeepUnread,
        Self::Keys,
        Self::Digits,
        Self::Content,
        Self::Spaces,
        Self::Lines,
        Self::Refusal,
        Self::Zeros,
    ];

    /// What is written once, and what is written until a gigabyte is full.
    pub(super) fn pieces(self) -> (String, Vec<u8>) {
        const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
        let open = |body: &str| format!("{OK}\r\n{body}");
        let chunked = |body: &str| format!("{OK}Transfer-Encoding: chunked\r\n\r\n{body}");
        let (head, piece) = match self {
            Self::Length => (format!("{OK}Content-Length: {GIGABYTE}\r\n\r\n"), "x".to_owned()),
            Self::BeyondLength => (format!("{OK}Content-Length: 2\r\n\r\n{{}}"), "x".to_owned()),
            Self::UntilClosed => (open(""), "x".to_owned()),
            Self::Chunked => (chunked(""), format!("1000\r\n{}\r\n", "x".repeat(0x1000))),
            Self::SmallChunks => (chunked(""), "1\r\n \r\n".to_owned()),
            Self::HugeChunk => (chunked("7fffffffffffffff\r\n"), "x".to_owned()),
            Self::ChunkExtension => (chunked("1;"), "x".to_owned()),
            Self::Trailers => (chunked("2\r\n{}\r\n0\r\n"), "X-More: more\r\n".to_owned()),
            Self::StatusLine => ("HTTP/1.1 200 O".to_owned(), "K".to_owned()),
            Self::HeaderValue => (format!("{OK}X-Long: "), "x".to_owned()),
            Self::HeaderName => (OK.to_owned(), "x".to_owned()),
            Self::Headers => (OK.to_owned(), "X-Many: many\r\n".to_owned()),
            Self::Continues => (String::new(), "HTTP/1.1 100 Continue\r\n\r\n".to_owned()),
            Self::DeepArrays => (open(""), "[".to_owned()),
            Self::DeepObjects => (open(""), r#"{"a":"#.to_owned()),
            Self::DeepUnread => (open(r#"{"model":"a","extra":"#), "[".to_owned()),
            Self::Keys => (open("{"), r#""a":0,"#.to_owned()),
            Self::Digits => (open(r#"{"eval_count":"#), "9".to_owned()),
            Self::Content => (open(r#"{"message":{"role":"assistant","content":""#), "buy ".to_owned()),
            Self::Spaces => (open(""), " ".to_owned()),
            Self::Lines => (open(""), "{\"status\":\"pulling\"}\n".to_owned()),
            Self::Refusal => ("HTTP/1.1 500 Internal Server Error\r\n\r\n".to_owned(), "no ".to_owned()),
            Self::Zeros => (format!("{OK}Content-Encoding: gzip\r\n\r\n"), "\0".to_owned()),
        };
        let times = (64 << 10) / piece.len() + 1;
        (head, piece.repeat(times).into_bytes())
    }
}
