# frozen_string_literal: true

# xtask: needs = ["ops/dev-server"]
# xtask: depends-on-core = true
# xtask: uses = ["tasker-ctl"]
# xtask: inputs = ["xtask/contract/client-cases", "xtask/contract/connection-cases", "xtask/contract/outcome-cases", "xtask/contract/schedule-cases", "xtask/contract/task-template.schema.json", "xtask/contract/template-cases", "xtask/contract/workflow-cases", "rails/tasker-cli-plugin", ".github/workflows/ci.yml"]

require_relative "lib/tasker_contrib_rails/version"

Gem::Specification.new do |spec|
  spec.name = "tasker-contrib-rails"
  spec.version = TaskerContribRails::VERSION
  spec.authors = [ "The tasker-contrib authors" ]
  spec.summary = "Tasker workflows in Rails: worker, client, generators and test support"
  spec.description = "Runs Tasker steps inside Rails: a worker with drain and back-off, a REST client, settings that are " \
                     "checked at boot, events, health, generators, and workflows that run in memory in tests."
  spec.homepage = "https://github.com/tasker-systems/tasker-contrib"
  spec.license = "MIT"
  spec.required_ruby_version = ">= 3.2"

  # The templates of the generators live beside the gem, where tasker-ctl finds them, too; a built gem carries a copy.
  plugin = File.expand_path("../tasker-cli-plugin", __dir__)
  if File.basename($PROGRAM_NAME) == "gem" && File.directory?(plugin)
    require "fileutils"
    FileUtils.rm_rf(File.join(__dir__, "plugin"))
    FileUtils.cp_r(plugin, File.join(__dir__, "plugin"))
  end

  spec.files = Dir["lib/**/*", "plugin/**/*", "sig/**/*.rbs", "docs/**/*.md", ".yardopts", "README.md", "CHANGELOG.md", "LICENSE"].select { |path| File.file?(path) }
  spec.require_paths = [ "lib" ]
  spec.metadata = { "rubygems_mfa_required" => "true", "changelog_uri" => "#{spec.homepage}/blob/main/rails/tasker-contrib-rails/CHANGELOG.md" }

  spec.add_dependency "railties", ">= 7.1", "< 9"
  spec.add_dependency "thor", "~> 1.2"
  spec.add_dependency "connection_pool", ">= 2.4", "< 4"
  spec.add_dependency "faraday", ">= 2.7", "< 3"
  spec.add_dependency "json_schemer", ">= 0.2.18", "< 3"
  spec.add_dependency "tomlrb", ">= 1.3", "< 3"
end
