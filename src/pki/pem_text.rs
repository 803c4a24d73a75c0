//! PEM (RFC 7468): the text around DER in a file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// A file that is not whole PEM. Says nothing of the content, which may be a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// A block begins and does not end, or ends as another.
    #[error("a PEM block begins and does not end: the file is cut short")]
    Truncated,
    /// The text between the marks is not base64, or has broken headers.
    #[error("the text inside a PEM block is not base64: the file is damaged")]
    Damaged,
}

/// All blocks of a file, in order. Text before, between and after them is skipped, as Go does.
pub(super) fn blocks(text: &[u8]) -> Result<Vec<pem::Pem>, PemError> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let blocks = pem::parse_many(text).map_err(|error| match error {
        pem::PemError::MismatchedTags(..) | pem::PemError::MissingEndTag => PemError::Truncated,
        // The crate's own words can quote the text, so they stop here.
        _ => PemError::Damaged,
    })?;
    // The crate drops a last block without an end in silence.
    let begun = text.windows(BEGIN.len()).filter(|window| *window == BEGIN).count();
    if begun > blocks.len() { Err(PemError::Truncated) } else { Ok(blocks) }
}

/// Whether a file is what a program leaves that is cut off while it writes, or a machine that loses power: empty,
/// nothing but zeros, or a PEM block without an end. What else can't be read is a person's, or another program's.
pub(crate) fn is_cut_off(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0)
        || (matches!(blocks(text), Err(PemError::Truncated)) && !has_last_line(text))
}

/// Whether the last block comes to an END line, be it another's: then nothing was cut off there.
fn has_last_line(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let block = text.rsplit_once("-----BEGIN ").map_or(&*text, |(_, block)| block);
    block.split_once("-----END ").is_some_and(|(_, label)| label.contains("-----"))
}

/// The labels of some blocks, for saying what a file holds.
pub(super) fn labels(blocks: &[pem::Pem]) -> Vec<String> {
    blocks.iter().map(|block| block.tag().to_owned()).collect()
}

/// `found` in words, for an error message.
pub(super) fn describe(found: &[String]) -> String {
    if found.is_empty() { "no PEM block at all".to_owned() } else { format!("only {}", found.join(", ")) }
}

/// One block, with lines of 64 characters ending in LF: byte for byte what Go's `encoding/pem` writes.
/// No copy of the content is left in memory but the returned one.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    const LINE: usize = 64;
    let base64 = Zeroizing::new(STANDARD.encode(der));
    // All the room at once: growing would leave copies behind.
    let mut text = String::with_capacity(base64.len() + base64.len() / LINE + 2 * label.len() + 64);
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for (column, character) in base64.chars().enumerate() {
        if column > 0 && column % LINE == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn skips_text_around_blocks() {
        let text =
            format!("Certificate: CN=\u{fc}\n{}between\n{}after", encode("A", b"one"), encode("B", b"two"));
        let blocks = blocks(text.as_bytes()).unwrap();
        assert_eq!(labels(&blocks), ["A", "B"]);
        assert_eq!(blocks[1].contents(), b"two");
    }

    #[test]
    fn a_cut_file_is_told_from_a_damaged_one() {
        let one = encode("A", &[7; 90]);
        let cut = one.len() - 10;
        assert_eq!(blocks(&one.as_bytes()[..cut]), Err(PemError::Truncated));
        assert_eq!(blocks(&one.as_bytes()[..20]), Err(PemError::Truncated));
        let followed = format!("{}\n{}", &one[..60], encode("B", b"two"));
        assert_eq!(blocks(followed.as_bytes()), Err(PemError::Truncated));
        let second_cut = format!("{one}{}", &one[..cut]);
        assert_eq!(blocks(second_cut.as_bytes()), Err(PemError::Truncated));
        assert_eq!(
            blocks(one.replace('B', "*").replace("*EGIN", "BEGIN").as_bytes()),
            Err(PemError::Damaged)
        );
        assert_eq!(blocks(b"no pem here"), Ok(vec![]));
    }

    #[test]
    fn errors_never_quote_the_content() {
        let secret = "c2VjcmV0c2VjcmV0c2VjcmV0";
        let text = format!("-----BEGIN PRIVATE KEY-----\n{secret}\n\n{secret}\n-----END PRIVATE KEY-----\n");
        let error = blocks(text.as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(secret));
    }

    proptest! {
        #[test]
        fn reads_back_and_lays_out_like_the_pem_crate(der in prop::collection::vec(any::<u8>(), 1..300)) {
            let text = encode("THING", &der);
            let read = blocks(text.as_bytes()).unwrap();
            prop_assert_eq!(read[0].contents(), &der[..]);
            let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
            prop_assert_eq!(text, pem::encode_config(&pem::Pem::new("THING", der), config));
        }
    }
}
