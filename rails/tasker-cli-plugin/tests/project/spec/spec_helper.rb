# frozen_string_literal: true

require_relative "../boot"
require "tasker_contrib_rails/rspec"
