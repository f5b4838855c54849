# frozen_string_literal: true

# The real gem, where there is one: built from a checkout by `cargo xtask --core PATH test`, which puts it into RUBYLIB. Examples tagged
# `:core` run with it; without it they are left out.
module RealCore
  # Gems that tasker_core requires.
  GEMS = %w[concurrent-ruby csv dotenv dry-events dry-struct dry-types dry-validation faraday json-schema logger].freeze
  STAND_INS = File.join(__dir__, "dry")

  module_function

  # @return [String, nil] the folder with tasker_core.rb and its native library
  def library
    ENV.fetch("RUBYLIB", "").split(File::PATH_SEPARATOR).find { |folder| Dir[File.join(folder, "tasker_core/tasker_rb.{so,bundle}")].any? }
  end

  def installed = GEMS.select { |name| Gem::Specification.find_all_by_name(name).any? }

  # @return [String] for RUBYLIB of an app
  def load_path = [ library, (STAND_INS unless (GEMS - installed).empty?) ].compact.join(File::PATH_SEPARATOR)
end

RSpec.configure do |config|
  config.filter_run_excluding(:core) unless RealCore.library
end
