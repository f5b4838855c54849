# frozen_string_literal: true

ENV["RAILS_ENV"] = "test"
# Small enough to be reached.
ENV.update("MAX_UPLOAD_BYTES" => "1000", "LOGIN_RATE" => "4/minute", "UPLOAD_RATE" => "5/minute")

require_relative "../config/environment"
require "rspec/rails"
require "tasker_contrib_rails/rspec"

Dir[File.join(__dir__, "support", "*.rb")].sort.each { |file| require file }

RSpec.configure do |config|
  config.disable_monkey_patching!
  config.order = :random
  Kernel.srand config.seed
  config.infer_spec_type_from_file_location!
  # Examples that need PostgreSQL say so (`:database`); all others run without.
  config.use_transactional_fixtures = false
  config.define_derived_metadata(file_path: %r{/spec/workflows/}) { |metadata| metadata[:type] = :step_handler }
  config.expect_with(:rspec) { |expectations| expectations.max_formatted_output_length = 2000 }
end
