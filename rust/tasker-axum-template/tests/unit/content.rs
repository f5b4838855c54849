use app::documents::content::{read_page, split_pages, NotReadable, PageText};

#[test]
fn pages_end_at_form_feeds() {
    assert_eq!(split_pages(b"one\x0ctwo\x0c"), Ok(vec!["one", "two", ""]));
    assert_eq!(split_pages(b""), Ok(vec![""]));
    let marked = "\u{feff}with a mark".as_bytes();
    assert_eq!(split_pages(marked), Ok(vec!["with a mark"]));
}

#[test]
fn a_page_is_tidied_and_counted() {
    let tidy = PageText {
        number: 3,
        text: "two words\n\nmore".to_owned(),
        words: 3,
    };
    assert_eq!(read_page(3, "  two \t words\n\n more\0 \n"), tidy);
    assert_eq!(read_page(1, " \n").words, 0);
}

#[test]
fn what_is_not_text_is_refused() {
    assert_eq!(split_pages(&[97, 98, 255]), Err(NotReadable));
    assert_eq!(NotReadable.to_string(), "the document is not UTF-8");
}
