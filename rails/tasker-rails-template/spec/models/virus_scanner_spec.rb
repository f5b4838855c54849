# frozen_string_literal: true

RSpec.describe VirusScanner do
  it "finds the test file of the industry, anywhere in the bytes" do
    expect(described_class.new.find_virus("\xFF#{VirusScanner::EICAR}".b)).to eq("EICAR-Test-File")
    expect(described_class.new.find_virus("a letter".b)).to be_nil
  end
end
