# frozen_string_literal: true

class Page < ApplicationRecord
  belongs_to :document
end
