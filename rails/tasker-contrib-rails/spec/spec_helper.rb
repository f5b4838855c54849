# frozen_string_literal: true

require "tasker_contrib_rails"

Dir[File.join(__dir__, "support", "*.rb")].each { |file| require file }

RSpec.configure do |config|
  config.disable_monkey_patching!
  config.order = :random
  Kernel.srand config.seed
  config.expect_with(:rspec) { |expectations| expectations.max_formatted_output_length = 2000 }
end

RSpec::Matchers.define_negated_matcher :not_include, :include
