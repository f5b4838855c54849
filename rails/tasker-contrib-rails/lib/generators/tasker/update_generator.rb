# frozen_string_literal: true

require "rails/generators"
require_relative "install/install_generator"

module Tasker
  module Generators
    # rails generate tasker:update: what a new version of the gem would install, file by file; a conflict asks.
    class UpdateGenerator < InstallGenerator
      desc "Brings the files of tasker:install up to date; files that you changed are asked about."
      source_root InstallGenerator.source_root
    end
  end
end
