# frozen_string_literal: true

# What the owner was told; the key keeps a repeated step from telling it twice.
class Notice < ApplicationRecord
  belongs_to :document
end
