# frozen_string_literal: true

$LOAD_PATH.unshift("@REPOSITORY@/rails/tasker-contrib-rails/lib")
require "tasker_contrib_rails"
require "zeitwerk"

Zeitwerk::Loader.new.tap { |loader| loader.push_dir(File.expand_path("app/handlers", __dir__)) }.setup
