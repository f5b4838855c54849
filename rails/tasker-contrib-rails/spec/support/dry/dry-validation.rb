# frozen_string_literal: true

# Core requires it and uses nothing of it.
module Dry
  module Validation
  end
end
