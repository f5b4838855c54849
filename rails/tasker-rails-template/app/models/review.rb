# frozen_string_literal: true

# The answer of a person; a document has one at most.
class Review < ApplicationRecord
  NOTE_LENGTH = 1000

  belongs_to :document
  belongs_to :reviewer, class_name: "User"
end
