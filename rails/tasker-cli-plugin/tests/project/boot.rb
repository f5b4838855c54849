# frozen_string_literal: true

$LOAD_PATH.unshift("@REPOSITORY@/rails/tasker-contrib-rails/lib")
require "rails"
require "tasker_contrib_rails"
require "zeitwerk"

loader = Zeitwerk::Loader.new
%w[app/handlers app/subscribers].map { |folder| File.expand_path(folder, __dir__) }.each { |folder| loader.push_dir(folder) if Dir.exist?(folder) }
loader.setup
Dir[File.expand_path("config/initializers/*.rb", __dir__)].sort.each { |file| load file }
Rails.logger = Logger.new(nil)
