# frozen_string_literal: true

$LOAD_PATH.unshift(File.join(__dir__, "test"))
Dir[File.join(__dir__, "test/handlers/**/*_test.rb")].sort.each { |file| require file }
