# frozen_string_literal: true

require_relative "../boot"
require "active_support/test_case"
require "minitest/autorun"
