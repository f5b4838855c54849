# frozen_string_literal: true

RSpec.describe DocumentContent do
  it "ends pages at form feeds" do
    expect(described_class.split_pages("one\ftwo\f".b)).to eq([ "one", "two", "" ])
    expect(described_class.split_pages("")).to eq([ "" ])
    expect(described_class.split_pages("\uFEFFwith a mark".b)).to eq([ "with a mark" ])
  end

  it "tidies a page and counts its words" do
    expect(described_class.read_page(3, "  two \t words\n\n more\0 \n")).to eq(number: 3, text: "two words\n\nmore", words: 3)
    expect(described_class.read_page(1, " \n")).to include(words: 0)
  end

  it "says where something is not text" do
    expect { described_class.split_pages("ä\xFF".b) }.to raise_error(DocumentContent::NotReadable, "byte 2 is not UTF-8")
  end
end
