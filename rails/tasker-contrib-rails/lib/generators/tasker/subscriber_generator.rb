# frozen_string_literal: true

require "rails/generators"
require_relative "rendered"

module Tasker
  module Generators
    # rails generate tasker:subscriber NAME
    class SubscriberGenerator < ::Rails::Generators::Base
      include Rendered

      def self.exit_on_failure? = true

      desc "Makes a subscriber of Tasker's events and its test."
      argument :name, type: :string, desc: "of the subscriber, such as pager"
      class_option :skip_spec, type: :boolean, default: false, desc: "Make no test"

      def place_files
        place("subscriber", name: check_name(name, "the name"))
      end
    end
  end
end
