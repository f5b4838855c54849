# frozen_string_literal: true

namespace :tasker do
  desc "Run the worker until it is told to stop"
  task :start do
    require "tasker_contrib_rails/cli"
    TaskerContribRails::CLI.start([ "start" ], environment: File.expand_path("config/environment", Rails.root || Dir.pwd))
  end

  desc "Print every effective setting with its source"
  task config: :environment do
    require "tasker_contrib_rails/cli"
    TaskerContribRails::CLI.start([ "config" ])
  end

  desc "Check settings, templates and handlers; fails if there are errors"
  task check: :environment do
    require "tasker_contrib_rails/cli"
    TaskerContribRails::CLI.start([ "check" ])
  end
end
