# frozen_string_literal: true

require "active_support"
require "active_support/core_ext/module/delegation"
require "active_support/core_ext/object/blank"
require_relative "tasker_contrib_rails/version"
require_relative "tasker_contrib_rails/errors"
require_relative "tasker_contrib_rails/configuration"
require_relative "tasker_contrib_rails/client"

# Tasker workflows in Rails. The facade is {Tasker}.
module TaskerContribRails
end
