# frozen_string_literal: true

require "open3"
require "tmpdir"
require_relative "../../template/project"

# Projects that are made from the template, outside of this repository.
module NewProjects
  TEMPLATE = Rails.root.join("template.rb").to_s
  NAME = "claims-desk"
  # A project has a bundle, settings and a Rails of its own.
  CLEAN = Bundler.unbundled_env.except("RAILS_ENV", "APP_DATABASE_URL", "MAX_UPLOAD_BYTES", "LOGIN_RATE", "UPLOAD_RATE").freeze

  class << self
    # @return [Pathname] the one that all examples look at
    def made
      @made ||= begin
        @folder = Dir.mktmpdir("tasker-template")
        at_exit { FileUtils.rm_rf(@folder) }
        output, code = rails_new(NAME, @folder)
        raise output unless code.zero?

        Pathname(@folder).join(NAME)
      end
    end

    # @return [Array(String, Integer)] output and exit code
    def rails_new(name, folder) = run("rails", "new", name, "-m", TEMPLATE, "--skip-bundle", folder:)

    def run(*command, folder:)
      output, status = Open3.capture2e(CLEAN, *command, chdir: folder.to_s, unsetenv_others: true, stdin_data: "")
      [ output, status.exitstatus ]
    end
  end

  def project = NewProjects.made
  def run(*command, folder: project) = NewProjects.run(*command, folder:)
  def rails_new(name, folder = @folder) = NewProjects.rails_new(name, folder)

  # Without what tools write.
  def files(folder)
    folder = Pathname(folder)
    folder.glob("**/*", File::FNM_DOTMATCH).select { |path| path.file? && path.relative_path_from(folder).each_filename.none?(/\A(\.git|tmp|log)\z/) }
  end
end

RSpec.configure do |config|
  config.include NewProjects, :template
end

RSpec::Matchers.define_negated_matcher :not_include, :include
