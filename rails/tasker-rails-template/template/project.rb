# frozen_string_literal: true

require "active_support"
require "active_support/core_ext/string"
require "etc"
require "fileutils"
require "pathname"
require_relative "leftovers"

module Template
  # The application of this folder under another name.
  class Project
    SOURCE = Pathname(__dir__).parent
    GEM = SOURCE.parent.join("tasker-contrib-rails")
    PLUGIN = SOURCE.parent.join("tasker-cli-plugin")

    OLD = "document-intake"
    NAME = /\A[a-z][a-z0-9]*([-_][a-z0-9]+)*\z/
    LONGEST = 40

    # What a project does not get: parts of the template itself, and what its tools leave behind.
    NOT_COPIED = %w[template.rb template Gemfile.lock .env .git log tmp vendor secrets].freeze
    # Of a line that only the template's own repository needs.
    TEMPLATE_ONLY = /^.*template only.*\n/
    # Of the application that Rails wrote.
    KEPT = %w[.git .ruby-version].freeze

    attr_reader :name

    # @param folder [String] where Rails wrote an application
    # @param given [String] the name that it was asked for
    # @param constant [String] the module that Rails made of the name
    def initialize(folder, given, constant, leftovers: Leftovers.new(folder))
      @folder = Pathname(folder)
      @given = given
      @name = given.tr("_", "-")
      @constant = constant
      @leftovers = leftovers
    end

    # Leaves nothing of this run behind if something is wrong.
    #
    # @yieldparam why [String] one sentence
    def refuse_if_wrong
      why = wrong or return

      @leftovers.undo
      yield why
    end

    def make
      rails = @folder.join("Gemfile").read
      @folder.children.reject { |path| KEPT.include?(path.basename.to_s) }.each { |path| FileUtils.rm_rf(path) }
      copy_application
      FileUtils.rm_rf(@folder.join("spec/template"))
      @folder.join("Gemfile").then { |file| file.write(with_choices_of(rails, file.read)) }
      copy_gem
    end

    private

    def wrong
      return "\"#{@given}\" is not a name for a project: use up to #{LONGEST} small letters, digits and single hyphens, and begin with a letter." unless @given.match?(NAME) && @given.length <= LONGEST
      return "\"#{@given}\" is a name that the application uses itself: choose another name, such as \"#{@given}-service\"." if taken.include?(@constant)
      return "#{@folder} exists and is not empty: name a folder that does not exist." if @leftovers.foreign.any?

      "there is no #{GEM}: take the template from a clone of its repository." unless GEM.directory?
    end

    # Constants of the application, which its module would collide with.
    def taken
      files = SOURCE.glob("{app/*,app/*/concerns,lib}/*.rb") + SOURCE.glob("app/handlers/*")
      files.map { |file| file.basename(".rb").to_s.camelize } + %w[Tasker TaskerContribRails]
    end

    def copy_application
      SOURCE.children.reject { |path| NOT_COPIED.include?(path.basename.to_s) }.each { |path| FileUtils.cp_r(path, @folder) }
      @folder.glob("**/*", File::FNM_DOTMATCH).select { |path| path.file? && !path.to_s.start_with?("#{@folder}/.git/") }.each { |path| rename(path) }
    end

    def rename(path)
      text = path.read
      named = text.gsub(OLD, name).gsub(OLD.underscore, name.underscore).gsub(OLD.underscore.camelize, @constant).gsub(OLD.titleize, name.titleize)
      named = named.gsub(TEMPLATE_ONLY, "")
      path.write(named) if named != text
    end

    # Where gems come from and which Rails, as Rails itself wrote it.
    def with_choices_of(rails, gemfile)
      gemfile.sub!(/^source .*$/) { rails[/^source .*$/] || _1 }
      gemfile.sub!(/^gem "rails", .*$/) { rails[/^gem "rails", .*$/] || _1 }
      gemfile.sub!(/path: ".*"/, "path: \"vendor/gems/tasker-contrib-rails\"")
      gemfile.sub!("# gem \"tasker-rb\"", "gem \"tasker-rb\"") if Rails::VERSION::MAJOR >= 8
      gemfile.gsub(/\n{3,}/, "\n\n")
    end

    # As long as no server of gems has it. The templates of its generators are beside it in the repository, and inside of it in a gem.
    def copy_gem
      vendored = @folder.join("vendor/gems/tasker-contrib-rails").tap(&:mkpath)
      %w[lib sig LICENSE README.md CHANGELOG.md tasker-contrib-rails.gemspec].each { |path| FileUtils.cp_r(GEM.join(path), vendored) }
      FileUtils.cp_r(PLUGIN, vendored.join("plugin"))
    end
  end
end
