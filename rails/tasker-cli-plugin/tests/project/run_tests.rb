# frozen_string_literal: true

$LOAD_PATH.unshift(File.join(__dir__, "test"))
Dir[File.join(__dir__, "test/**/*_test.rb")].sort.each { |file| require file }
